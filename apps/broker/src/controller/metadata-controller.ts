/**
 * The active controller: takes commands, decides them against an image that runs ahead, writes their records, and then
 * lets everybody see them. Built by `openController`.
 *
 *   waiting ──decide──▶ ahead image + log ──fsync──▶ image, listeners ──▶ answer
 *
 * Invariant: commands are decided one after another, each seeing the records of all before it, durable or not; they are
 * answered in that order and only once all of them are durable. So even a refusal never rests on what a crash may undo.
 */
import type { Io, Logger } from '@meridian/io';
import { decodeMetadataRecord, ERROR, encodeMetadataRecord, type MetadataRecord } from '@meridian/protocol';
import { BrokerError } from '../errors.ts';
import type { QuorumDescription } from '../quorum/quorum-node.ts';
import { applyBatch } from './apply.ts';
import type { Command, ResultOf } from './commands.ts';
import type { BrokerConfigSources } from './configs/effective.ts';
import type { Controller } from './controller.ts';
import { decide } from './decide/decide.ts';
import { configSources, type DecideContext } from './decide/decision.ts';
import type { MetadataImage } from './image.ts';
import { imageHash } from './image-hash.ts';
import { CONTROLLER_LIMITS } from './limits.ts';
import type { MetadataLog } from './metadata-log.ts';
import type { MutableImage } from './mutable-image.ts';
import { ProducerIds } from './producer-ids.ts';

interface Waiting {
  readonly command: Command;
  resolve(result: unknown): void;
  reject(error: Error): void;
}

/** Records of one or more commands that are written as one batch. */
interface PendingBatch {
  readonly values: Buffer[];
  readonly records: MetadataRecord[];
  bytes: number;
}

const INTERNAL = 'INTERNAL';
const STATIC_VOTER = { minKraftVersion: 0, maxKraftVersion: 0 };

export interface MetadataControllerOptions {
  readonly io: Io;
  readonly log: Logger;
  readonly metadataLog: MetadataLog;
  /** The replayed image, which belongs to the controller from here on. */
  readonly image: MutableImage;
  readonly directoryId: string;
  readonly context: DecideContext;
}

export class MetadataController implements Controller {
  readonly directoryId: string;
  readonly configSources: BrokerConfigSources;
  /** The metadata log has failed: nothing can be decided any more, and the process should end. */
  onFailure: (error: BrokerError) => void = () => {};
  readonly #options: MetadataControllerOptions;
  readonly #image: MutableImage;
  /** What the image will be once all that is appended is durable. */
  readonly #ahead: MutableImage;
  readonly #listeners = new Set<(delta: readonly MetadataRecord[]) => void | Promise<void>>();
  readonly #producerIds: ProducerIds;
  #waiting: Waiting[] = [];
  /** The commit loop while it runs. */
  #loop: Promise<void> | undefined;
  #refusal: BrokerError | undefined;

  constructor(options: MetadataControllerOptions) {
    this.#options = options;
    this.#image = options.image;
    this.#ahead = options.image.copy();
    this.directoryId = options.directoryId;
    this.configSources = configSources(options.image, options.context);
    this.#producerIds = new ProducerIds(() => this.#allocateProducerIds());
  }

  get image(): MetadataImage {
    return this.#image;
  }

  get isActive(): boolean {
    return this.#refusal === undefined;
  }

  activeId(): number {
    return this.#image.controllerId;
  }

  whenCaughtUp(): Promise<void> {
    return Promise.resolve();
  }

  imageHash(): string {
    return imageHash(this.#image);
  }

  submit<C extends Command>(command: C): Promise<ResultOf<C>> {
    return new Promise((resolve, reject) => {
      const refusal = this.#refusal ?? this.#overload();
      if (refusal !== undefined) return reject(refusal);
      // The one cast between kinds: `decide` answers each command with its own result.
      this.#waiting.push({ command, resolve: resolve as (result: unknown) => void, reject });
      this.#loop ??= this.#run();
    });
  }

  onChange(listener: (delta: readonly MetadataRecord[]) => void | Promise<void>): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** One voter, which is always caught up with itself. */
  quorum(): QuorumDescription {
    const { metadataLog, io, context } = this.#options;
    const { endOffset } = this.#image;
    const self = { id: context.nodeId, directoryId: this.directoryId };
    const { endpoints = [] } = this.#image.brokers.get(self.id) ?? {};
    const nowMs = io.clock.now();
    return {
      leaderId: self.id,
      leaderEpoch: metadataLog.epoch,
      highWatermark: endOffset,
      voters: [{ ...self, endpoints: endpoints.filter(({ name }) => name === INTERNAL), ...STATIC_VOTER }],
      progress: [
        { ...self, isVoter: true, logEndOffset: endOffset, lastFetchTimestamp: nowMs, lastCaughtUpTimestamp: nowMs },
      ],
      kraftVersion: 0,
    };
  }

  nextProducerId(): Promise<number> {
    return this.#producerIds.next();
  }

  /** Commits what waits, refuses what comes, and closes the log. */
  async close(): Promise<void> {
    this.#refusal ??= new BrokerError('controller-closed', 'command refused');
    await this.#loop;
    await this.#options.metadataLog.close(this.#refusal.code === 'controller-closed');
  }

  #overload(): BrokerError | undefined {
    if (this.#waiting.length < CONTROLLER_LIMITS.waitingCommands) return undefined;
    return new BrokerError('controller-overloaded', `${this.#waiting.length} commands wait`);
  }

  async #allocateProducerIds(): Promise<{ errorCode: number; first: number; count: number }> {
    const block = await this.submit({ kind: 'allocateProducerIds', brokerId: this.#options.context.nodeId });
    if (block.errorCode === ERROR.NONE) return block;
    throw new BrokerError('no-producer-ids', `error ${block.errorCode}`);
  }

  /** Commits group after group until nobody waits: what arrives during one fsync shares the next. */
  async #run(): Promise<void> {
    const { timers } = this.#options.io;
    await new Promise<void>((resolve) => timers.defer(resolve));
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0, CONTROLLER_LIMITS.commandsPerCommit);
      try {
        await this.#commit(group);
      } catch (error) {
        this.#fail(error, group);
      }
    }
    this.#loop = undefined;
  }

  async #commit(group: readonly Waiting[]): Promise<void> {
    const batches: PendingBatch[] = [];
    const results = group.map(({ command }) => this.#decide(command, batches));
    if (batches.length > 0) await this.#options.metadataLog.append(batches.map(({ values }) => values));
    for (const { records } of batches) {
      applyBatch(this.#image, records, this.#image.endOffset + records.length);
      for (const listener of this.#listeners) await listener(records);
    }
    group.forEach(({ resolve }, i) => {
      resolve(results[i]);
    });
  }

  /** Decides one command and moves the image ahead; its records join the last batch if there is room. */
  #decide(command: Command, batches: PendingBatch[]): unknown {
    const { records, result } = decide(this.#ahead, command, this.#options.context);
    if (records.length === 0) return result;
    // Applied is what was written, decoded again: a replay cannot see anything else.
    const values = records.map((record) => encodeMetadataRecord(record));
    const complete = values.map(decodeMetadataRecord);
    applyBatch(this.#ahead, complete, this.#ahead.endOffset + complete.length);
    const bytes = values.reduce((sum, value) => sum + value.length, 0);
    const last = batches.at(-1);
    if (last !== undefined && hasRoom(last, values.length, bytes)) {
      last.values.push(...values);
      last.records.push(...complete);
      last.bytes += bytes;
    } else batches.push({ values, records: complete, bytes });
    return result;
  }

  /** The image that ran ahead is worth nothing now; only a restart, which replays the log, finds out what is durable. */
  #fail(error: unknown, group: readonly Waiting[]): void {
    const detail = error instanceof Error ? error.message : String(error);
    const failure = new BrokerError('metadata-log-failed', detail, { cause: error });
    this.#options.log.error('the controller stops', { error: detail });
    const refused = [...group, ...this.#waiting];
    this.#waiting = [];
    this.#refusal = failure;
    for (const { reject } of refused) reject(failure);
    this.onFailure(failure);
  }
}

function hasRoom(batch: PendingBatch, records: number, bytes: number): boolean {
  return (
    batch.values.length + records <= CONTROLLER_LIMITS.recordsPerSharedBatch &&
    batch.bytes + bytes <= CONTROLLER_LIMITS.metadataBatchBytes
  );
}
