/**
 * One partition of a compacted topic, read from its start and followed: what all bookkeeping of the mirror is made of
 * (links, facts, runs, gaps). Whoever keeps a state of it is handed each record in the log's order, and starts anew when
 * the log did. Invariant: after `ready` came back, everything that was committed before it was called has been handed on.
 */
import { type Client, EARLIEST, type Fetcher, type FetchHandle, LATEST } from '@meridian/client';
import type { Io } from '@meridian/io';
import { decompress, ERROR, errorName } from '@meridian/protocol';
import { iterateBatches, readRecords, writeBatch } from '@meridian/protocol/record-batch';
import { CoordinateError } from './errors.ts';
import { LIMITS } from './limits.ts';

export interface CompactedTopicOptions {
  readonly io: Pick<Io, 'clock' | 'timers'>;
  readonly client: Client;
  readonly topic: string;
  /** Default 0. */
  readonly partition?: number;
  /** Made with so many partitions if it is not there. Default: it is waited for, and is empty meanwhile. */
  readonly createPartitions?: number;
  /**
   * Of one that is made: each record is on the disk before it is acknowledged, so that it outlives the power of a region with
   * one broker. Default: it is. Not where records are many, and can be told again from what lies beside them.
   */
  readonly isFlushed?: boolean;
  /** Of several partitions that are followed together. */
  readonly fetcher?: Fetcher;
  /**
   * Slices that are good for the length of the call. A value of null: the key is gone. What it throws is what `ready`
   * and `put` reject with from then on, until the topic is another one.
   */
  onRecord(key: Buffer, value: Buffer | null, offset: number): void;
  /** What was handed on is void: the topic was created anew, or its log was cut. All of it comes again. */
  onReset?(): void;
}

interface Waiter {
  readonly offset: number;
  readonly done: (error?: Error) => void;
}

export class CompactedTopic {
  private readonly options: CompactedTopicOptions;
  private readonly partition: number;
  private readonly fetcher: Fetcher;
  private readonly waiters = new Set<Waiter>();
  private handle: FetchHandle | undefined;
  private starting: Promise<void> | undefined;
  private topicId: string | undefined;
  private trouble: unknown;
  private position = 0;
  private isClosed = false;

  constructor(options: CompactedTopicOptions) {
    this.options = options;
    this.partition = options.partition ?? 0;
    const partitionMaxBytes = LIMITS.bookkeepingFetchBytes;
    this.fetcher =
      options.fetcher ??
      options.client.fetcher({
        partitionMaxBytes,
        maxBytes: 4 * partitionMaxBytes,
        maxWaitMs: LIMITS.bookkeepingMaxWaitMs,
      });
  }

  /** Everything that is committed now has been handed on. A topic that does not exist is empty. */
  async ready(): Promise<void> {
    if (!(await this.ensure())) return;
    const end = await this.ask(LATEST);
    await this.start();
    await this.reached(end);
    if (this.trouble !== undefined) throw this.trouble;
  }

  /** Appends a record (acks=all) and comes back when it has been handed on, too. Returns its offset. */
  async put(key: Buffer, value: Buffer | null): Promise<number> {
    return this.putAll([{ key, value }]);
  }

  /** Several records as one batch; the offset of the last. */
  async putAll(records: readonly { readonly key: Buffer; readonly value: Buffer | null }[]): Promise<number> {
    const { client, topic, io } = this.options;
    if (!(await this.ensure())) throw new CoordinateError('unwritten', `${topic} does not exist`);
    const timestamp = io.clock.now();
    const batch = Buffer.from(writeBatch({ records: records.map((record) => ({ ...record, timestamp })) }).buffer);
    const timeoutMs = LIMITS.bookkeepingTimeoutMs;
    const answer = await client.produce(topic, this.partition, [batch], { acks: -1, retryUnknown: true, timeoutMs });
    if (answer.errorCode !== ERROR.NONE) {
      throw new CoordinateError('unwritten', `${topic}: ${answer.errorMessage ?? errorName(answer.errorCode)}`);
    }
    const last = answer.baseOffset + records.length - 1;
    await this.start();
    await this.reached(last + 1);
    if (this.trouble !== undefined) throw this.trouble;
    return last;
  }

  close(): void {
    this.isClosed = true;
    this.handle?.remove();
    if (this.options.fetcher === undefined) this.fetcher.close();
    for (const { done } of [...this.waiters]) done(new CoordinateError('closed', this.options.topic));
  }

  /** Reads all of it again. */
  reread(): void {
    this.drop();
  }

  /** Whether the topic is there, made if it may be. */
  async ensure(): Promise<boolean> {
    const { client, topic, createPartitions, io } = this.options;
    const deadline = io.clock.monotonic() + LIMITS.bookkeepingTimeoutMs;
    let waitMs: number = LIMITS.bookkeepingMadeMs;
    let isMade = false;
    let isForbidden = false;
    while (!this.isClosed) {
      const found = (await client.metadata([topic], { maxAgeMs: 0 })).topics.get(topic);
      if (found?.errorCode === ERROR.NONE) {
        if (this.topicId !== undefined && this.topicId !== found.id) this.drop();
        this.topicId = found.id;
        return true;
      }
      const isMissing = found?.errorCode === ERROR.UNKNOWN_TOPIC_OR_PARTITION;
      if (createPartitions === undefined && isMissing) return false;
      isForbidden = found?.errorCode === ERROR.TOPIC_AUTHORIZATION_FAILED;
      if (isForbidden || io.clock.monotonic() > deadline) break;
      if (isMissing && (!isMade || waitMs === LIMITS.bookkeepingRetryMs)) await this.create();
      isMade ||= isMissing;
      await io.timers.sleep(waitMs);
      waitMs = Math.min(2 * waitMs, LIMITS.bookkeepingRetryMs);
    }
    const detail = isForbidden ? `${topic}, ${errorName(ERROR.TOPIC_AUTHORIZATION_FAILED)}` : topic;
    throw new CoordinateError(this.isClosed ? 'closed' : 'unread', detail);
  }

  private async create(): Promise<void> {
    const { client, topic, createPartitions = 1, isFlushed = true } = this.options;
    const configs = { 'cleanup.policy': 'compact', ...(isFlushed && { 'flush.messages': '1' }) };
    const [outcome] = await client.createTopics([{ name: topic, numPartitions: createPartitions, configs }]);
    const code = outcome?.errorCode ?? ERROR.NONE;
    if (code !== ERROR.NONE && code !== ERROR.TOPIC_ALREADY_EXISTS) {
      throw new CoordinateError('unwritten', `${topic}: ${outcome?.errorMessage ?? errorName(code)}`);
    }
  }

  private start(): Promise<void> {
    this.starting ??= this.begin().catch((error: unknown) => {
      this.starting = undefined;
      throw error;
    });
    return this.starting;
  }

  private async begin(): Promise<void> {
    const offset = await this.ask(EARLIEST);
    if (this.isClosed) throw new CoordinateError('closed', this.options.topic);
    this.position = offset;
    const { topic } = this.options;
    this.handle = this.fetcher.add({
      topic,
      partition: this.partition,
      offset,
      ...(this.topicId !== undefined && { topicId: this.topicId }),
      onBatches: ({ buffers, nextOffset }) => {
        try {
          for (const buffer of buffers) this.hand(buffer);
        } catch (error) {
          this.trouble ??= error;
        }
        this.advance(nextOffset);
      },
      onEnd: (highWatermark, hole) => {
        if (hole && highWatermark > this.position) {
          this.handle?.seek(highWatermark);
          this.advance(highWatermark);
        }
      },
      onError: ({ code, range }) => {
        if (code === 'corrupt' && range !== undefined) this.handle?.seek(range.to);
        else void this.anew();
      },
    });
  }

  /** The log is another one than the one that was read. */
  private async anew(): Promise<void> {
    this.drop();
    while (!this.isClosed && this.starting === undefined) {
      await this.options.io.timers.sleep(LIMITS.bookkeepingRetryMs);
      if (!this.isClosed && this.starting === undefined) await this.start().catch(() => undefined);
    }
  }

  private drop(): void {
    const wasRead = this.handle !== undefined;
    this.handle?.remove();
    this.handle = this.starting = this.trouble = undefined;
    this.position = 0;
    if (wasRead) this.options.onReset?.();
  }

  private async ask(timestamp: number): Promise<number> {
    const { client, topic } = this.options;
    const [answer] = await client.listOffsets([{ topic, partition: this.partition, timestamp }]);
    if (answer?.errorCode === ERROR.NONE) return answer.offset;
    throw new CoordinateError('unread', `${topic}: ${errorName(answer?.errorCode ?? ERROR.UNKNOWN_SERVER_ERROR)}`);
  }

  private hand(buffer: Buffer): void {
    for (const { bytes, header } of iterateBatches(buffer)) {
      if (header.isControl || header.recordCount === 0) continue;
      for (const { offset, key, value } of readRecords(bytes, { decompress })) {
        if (offset < this.position || key === null) continue;
        this.options.onRecord(asBuffer(key), value === null ? null : asBuffer(value), offset);
      }
    }
  }

  private advance(offset: number): void {
    this.position = Math.max(this.position, offset);
    for (const waiter of [...this.waiters]) if (this.position >= waiter.offset) waiter.done();
  }

  private reached(offset: number): Promise<void> {
    if (this.position >= offset) return Promise.resolve();
    const { io, topic } = this.options;
    return new Promise<void>((resolve, reject) => {
      const late = io.timers.after(LIMITS.bookkeepingTimeoutMs, () =>
        waiter.done(new CoordinateError('unread', topic)),
      );
      const waiter: Waiter = {
        offset,
        done: (error) => {
          late.cancel();
          this.waiters.delete(waiter);
          if (error === undefined) resolve();
          else reject(error);
        },
      };
      this.waiters.add(waiter);
    });
  }
}

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
