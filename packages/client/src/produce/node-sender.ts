/**
 * Sends what the partition queues of one leader have ready: one Produce request takes a batch of each of them, up to a
 * size, and several requests are in flight. Made by `Producer`, one per node.
 * Invariant: an entry that left its queue comes back to the producer exactly once, answered or failed.
 */
import { Produce, type RequestInput, type ResponseOf, ZERO_UUID } from '@meridian/protocol';
import type { NodeConnection } from '../connection/node-connection.ts';
import type { NodePool } from '../connection/node-pool.ts';
import { ClientError } from '../errors.ts';
import type { ClientLimits } from '../limits.ts';
import type { MetadataCache } from '../metadata-cache.ts';
import type { PartitionQueue } from './partition-queue.ts';
import type { PendingProduce } from './pending-produce.ts';

type PartitionAnswer = ResponseOf<typeof Produce>['responses'][number]['partitionResponses'][number];

type PartitionData = RequestInput<typeof Produce>['topicData'][number]['partitionData'][number];

interface Entry {
  readonly queue: PartitionQueue;
  readonly produce: PendingProduce;
  readonly topicId: string;
}

export interface SenderContext {
  readonly limits: ClientLimits;
  readonly pool: NodePool;
  readonly metadata: MetadataCache;
  /** `knowsLeader`: the answer told of the leader that is to be asked now. */
  onAnswer(queue: PartitionQueue, produce: PendingProduce, answer: PartitionAnswer, knowsLeader: boolean): void;
  onFailure(queue: PartitionQueue, produce: PendingProduce, error: ClientError, wasSent: boolean): void;
}

/** First version that names topics by id. */
const BY_ID = 13;

export class NodeSender {
  private readonly context: SenderContext;
  private readonly nodeId: number;
  private readonly ready = new Set<PartitionQueue>();
  private connection: NodeConnection | undefined;
  private connecting = false;
  private requests = 0;
  private scheduled = false;

  constructor(context: SenderContext, nodeId: number) {
    this.context = context;
    this.nodeId = nodeId;
  }

  /** Something in this queue may be ready; sent at the end of the turn, together with what else comes up in it. */
  add(queue: PartitionQueue): void {
    this.ready.add(queue);
    if (this.scheduled) return;
    this.scheduled = true;
    void Promise.resolve().then(() => {
      this.scheduled = false;
      this.flush();
    });
  }

  private flush(): void {
    if (this.connection?.isOpen !== true) {
      if (!this.connecting) void this.connect();
      return;
    }
    while (this.requests < this.context.limits.maxInFlight) {
      const entries = this.takeEntries();
      if (entries.length === 0) return;
      void this.send(this.connection, entries);
    }
  }

  private async connect(): Promise<void> {
    this.connecting = true;
    try {
      this.connection = await this.context.pool.connect(this.nodeId, 'produce');
    } catch (error) {
      for (let entries = this.takeEntries(); entries.length > 0; entries = this.takeEntries()) {
        for (const { queue, produce } of entries) this.fail(queue, produce, error, false);
      }
    }
    this.connecting = false;
    if (this.ready.size > 0) this.flush();
  }

  /** One entry per queue, all with the same `acks`; queues that have more stay in line, behind the others. */
  private takeEntries(): Entry[] {
    const entries: Entry[] = [];
    let sizeInBytes = 0;
    for (const queue of [...this.ready]) {
      const head = queue.peek();
      if (head === undefined) {
        this.ready.delete(queue);
        continue;
      }
      if (entries.length > 0 && head.acks !== entries[0]!.produce.acks) continue;
      if (entries.length > 0 && sizeInBytes + head.sizeInBytes > this.context.limits.produceRequestBytes) break;
      sizeInBytes += head.sizeInBytes;
      const topicId = this.context.metadata.peek(queue.topic)?.id ?? head.topicId ?? ZERO_UUID;
      const produce = queue.take();
      this.ready.delete(queue);
      this.ready.add(queue);
      if (produce.topicId !== undefined && produce.topicId !== topicId) {
        const detail = `${queue.topic} with the id ${produce.topicId}`;
        this.fail(queue, produce, new ClientError('unknown-topic', detail), false);
      } else entries.push({ queue, produce, topicId });
    }
    return entries;
  }

  private async send(connection: NodeConnection, entries: Entry[]): Promise<void> {
    this.requests++;
    try {
      const { body, version } = this.requestFor(connection, entries);
      const answer = await connection.request(Produce, version, body);
      this.distribute(entries, answer);
    } catch (error) {
      for (const { queue, produce } of entries) this.fail(queue, produce, error, true);
    }
    this.requests--;
    this.flush();
  }

  private requestFor(connection: NodeConnection, entries: Entry[]) {
    const best = connection.versionFor(Produce);
    const version = entries.some(({ topicId }) => topicId === ZERO_UUID) ? Math.min(best, BY_ID - 1) : best;
    const topics = new Map<string, { name: string; topicId: string; partitionData: PartitionData[] }>();
    for (const { queue, produce, topicId } of entries) {
      const data = { index: queue.partition, records: produce.batches, mirror: produce.mirror ?? null };
      const topic = topics.get(queue.topic);
      if (topic === undefined) topics.set(queue.topic, { name: queue.topic, topicId, partitionData: [data] });
      else topic.partitionData.push(data);
    }
    const timeoutMs = this.context.limits.requestTimeoutMs;
    return { body: { acks: entries[0]!.produce.acks, timeoutMs, topicData: [...topics.values()] }, version };
  }

  /** Answers come by topic and partition; each entry is looked for, and one without an answer has an unknown outcome. */
  private distribute(entries: Entry[], answer: ResponseOf<typeof Produce>): void {
    const answers = new Map<string, PartitionAnswer>();
    for (const { name, topicId, partitionResponses } of answer.responses) {
      for (const each of partitionResponses) answers.set(`${name || topicId}/${each.index}`, each);
    }
    for (const { queue, produce, topicId } of entries) {
      const found = answers.get(`${queue.topic}/${queue.partition}`) ?? answers.get(`${topicId}/${queue.partition}`);
      if (found !== undefined) {
        const knows = this.context.metadata.learn(queue, this.nodeId, found.currentLeader, answer.nodeEndpoints);
        this.context.onAnswer(queue, produce, found, knows);
      } else
        this.fail(queue, produce, new ClientError('protocol', `no answer for ${queue.topic}-${queue.partition}`), true);
    }
  }

  private fail(queue: PartitionQueue, produce: PendingProduce, error: unknown, wasSent: boolean): void {
    const coded = error instanceof ClientError ? error : new ClientError('protocol', String(error), { cause: error });
    if (coded.code === 'timeout') this.context.pool.avoid(this.nodeId);
    this.context.onFailure(queue, produce, coded, wasSent);
  }
}
