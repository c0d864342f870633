/**
 * Takes what leaders want of their in-sync sets to the controller: all that has gathered in one request, and one at a
 * time. Made by `replication.ts`. Invariant: a wish is sent until it has an answer, or its partition wants something else.
 */
import type { Io, Logger } from '@meridian/io';
import { AlterPartition, ERROR, errorName, type RequestInput, type ResponseOf } from '@meridian/protocol';
import type { IsrChange } from '../partition/leadership.ts';
import type { Partition } from '../partition/partition.ts';
import type { ControllerChannel } from '../peers/controller-channel.ts';
import { REPLICATION_LIMITS } from './limits.ts';

export interface AlterPartitionSenderOptions {
  readonly io: Pick<Io, 'timers'>;
  readonly logger: Logger;
  readonly channel: ControllerChannel;
  readonly nodeId: number;
  readonly brokerEpoch: () => number;
}

type Wishes = Map<Partition, IsrChange>;
type Topic = RequestInput<typeof AlterPartition>['topics'][number];

export class AlterPartitionSender {
  readonly #options: AlterPartitionSenderOptions;
  #wishes: Wishes = new Map();
  #isArmed = false;
  readonly #closing = new AbortController();

  constructor(options: AlterPartitionSenderOptions) {
    this.#options = options;
  }

  send(partition: Partition, change: IsrChange): void {
    this.#wishes.set(partition, change);
    this.#sendSoon();
  }

  close(): void {
    this.#closing.abort();
  }

  /** What is wished in one turn goes out together. */
  #sendSoon(): void {
    if (this.#isArmed || this.#closing.signal.aborted) return;
    this.#isArmed = true;
    this.#options.io.timers.defer(() => void this.#sendAll());
  }

  async #sendAll(): Promise<void> {
    const { timers } = this.#options.io;
    const { signal } = this.#closing;
    for (let wishes = this.#take(); wishes.size > 0 && !signal.aborted; wishes = this.#take()) {
      const isAnswered = await this.#ask(wishes);
      if (!isAnswered) await timers.sleep(REPLICATION_LIMITS.alterBackoffMs, signal);
    }
    this.#isArmed = false;
  }

  /** Those that are still wished, up to what one request holds. */
  #take(): Wishes {
    const wishes: Wishes = new Map();
    for (const [partition, change] of this.#wishes) {
      if (wishes.size === REPLICATION_LIMITS.alteredPerRequest) break;
      this.#wishes.delete(partition);
      if (partition.inSync?.pending === change) wishes.set(partition, change);
    }
    return wishes;
  }

  /** False if nothing was decided, or not everything, and a rest is due. */
  async #ask(wishes: Wishes): Promise<boolean> {
    const { channel, logger, nodeId, brokerEpoch } = this.#options;
    const body = { brokerId: nodeId, brokerEpoch: brokerEpoch(), topics: this.#topicsOf(wishes) };
    let reason: string;
    try {
      const call = { timeoutMs: REPLICATION_LIMITS.alterTimeoutMs, signal: this.#closing.signal };
      const answer = await channel.send(AlterPartition, body, call);
      if (answer.errorCode === ERROR.NONE) return this.#tell(wishes, answer);
      reason = errorName(answer.errorCode);
    } catch (error) {
      reason = (error as Error).message;
    }
    logger.info('in-sync sets are not decided yet', { partitions: wishes.size, reason });
    for (const [partition, change] of wishes) if (!this.#wishes.has(partition)) this.#wishes.set(partition, change);
    return false;
  }

  #noteRefusal({ topic, index }: Partition, errorCode: number): void {
    this.#options.logger.debug('an in-sync set is refused', { topic, partition: index, error: errorName(errorCode) });
  }

  #topicsOf(wishes: Wishes): Topic[] {
    const topics = new Map<string, Topic['partitions'][number][]>();
    for (const [{ topicId, index }, { leaderEpoch, partitionEpoch, isr }] of wishes) {
      const partitions = topics.get(topicId) ?? [];
      topics.set(topicId, partitions);
      const newIsrWithEpochs = isr.map((member) => this.#withOwnEpoch(member));
      partitions.push({ partitionIndex: index, leaderEpoch, partitionEpoch, newIsrWithEpochs });
    }
    return [...topics].map(([topicId, partitions]) => ({ topicId, partitions }));
  }

  #withOwnEpoch(member: IsrChange['isr'][number]): IsrChange['isr'][number] {
    const { nodeId, brokerEpoch } = this.#options;
    return member.brokerId === nodeId ? { brokerId: nodeId, brokerEpoch: brokerEpoch() } : member;
  }

  /** False if something has to be asked again. */
  #tell(wishes: Wishes, { topics }: ResponseOf<typeof AlterPartition>): boolean {
    const answers = new Map(
      topics.flatMap(({ topicId, partitions }) =>
        partitions.map((answer) => [`${topicId}/${answer.partitionIndex}`, answer] as const),
      ),
    );
    for (const [partition, change] of wishes) {
      const answer = answers.get(`${partition.topicId}/${partition.index}`);
      if (answer === undefined) continue;
      if (answer.errorCode !== ERROR.NONE) this.#noteRefusal(partition, answer.errorCode);
      if (partition.inSync?.pending === change) partition.isrAnswered(answer);
    }
    return this.#wishes.size === 0;
  }
}
