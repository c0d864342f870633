/**
 * The queue in front of one partition: one batch is under way, what arrives meanwhile goes into the next, and when
 * nothing is under way a batch leaves at the end of the turn of the event loop. All sessions share a lane for what is
 * not idempotent; each idempotent session has one of its own, in which every publish stays the batch that it is, so that
 * the broker recognizes it when it is sent again.
 * Invariant: batches of a lane reach the broker in the order of their entries, and every entry is answered once.
 */
import type { Timers } from '@meridian/io';
import { ERROR, nativeCrc32c } from '@meridian/protocol';
import { type NewRecord, writeBatch } from '@meridian/protocol/record-batch';
import type { Produced } from '../broker/broker-port.ts';
import { LIMITS } from '../limits.ts';

/** One record that may share a batch, or one whole batch. */
export interface LaneEntry {
  readonly record: NewRecord | undefined;
  readonly batch: Buffer | undefined;
  readonly sizeInBytes: number;
  /** `index` is the record's place in its batch. */
  answer(result: LaneResult, index: number): void;
}

export type LaneResult = { produced: Produced } | { error: unknown };

export interface LaneOptions {
  timers: Timers;
  produce(batch: Buffer): Promise<Produced>;
  /** Called when the lane has run empty. */
  onIdle(): void;
}

export class Lane {
  private readonly options: LaneOptions;
  private queue: LaneEntry[] = [];
  private isBusy = false;

  constructor(options: LaneOptions) {
    this.options = options;
  }

  push(entry: LaneEntry): void {
    this.queue.push(entry);
    if (this.isBusy) return;
    this.isBusy = true;
    this.options.timers.defer(() => this.next());
  }

  private next(): void {
    if (this.queue.length === 0) {
      this.isBusy = false;
      this.options.onIdle();
      return;
    }
    const entries = this.queue.splice(0, countForOneBatch(this.queue));
    void this.deliver(entries).then(() => this.next());
  }

  /** One batch; what the broker refuses for the sake of a single record is tried again in halves. */
  private async deliver(entries: readonly LaneEntry[]): Promise<void> {
    const result = await this.send(entries);
    if ('produced' in result && entries.length > 1 && ONE_RECORDS_FAULT.has(result.produced.errorCode)) {
      const middle = entries.length >> 1;
      await this.deliver(entries.slice(0, middle));
      return this.deliver(entries.slice(middle));
    }
    for (const [index, entry] of entries.entries()) entry.answer(result, index);
  }

  private async send(entries: readonly LaneEntry[]): Promise<LaneResult> {
    try {
      return { produced: await this.options.produce(entries[0]?.batch ?? batchOf(entries)) };
    } catch (error) {
      return { error };
    }
  }
}

/** The topic takes smaller batches only, or no record without a key. */
const ONE_RECORDS_FAULT: ReadonlySet<number> = new Set([
  ERROR.MESSAGE_TOO_LARGE,
  ERROR.RECORD_LIST_TOO_LARGE,
  ERROR.INVALID_RECORD,
]);

function countForOneBatch(queue: readonly LaneEntry[]): number {
  let bytes = 0;
  let count = 0;
  for (const entry of queue) {
    if (entry.batch !== undefined) return Math.max(count, 1);
    bytes += entry.sizeInBytes;
    if (count > 0 && (bytes > LIMITS.maxBatchBytes || count >= LIMITS.maxBatchRecords)) return count;
    count++;
  }
  return count;
}

function batchOf(entries: readonly LaneEntry[]): Buffer {
  const records = entries.map((entry) => entry.record as NewRecord);
  const bytes = writeBatch({ records, crc: nativeCrc32c });
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
