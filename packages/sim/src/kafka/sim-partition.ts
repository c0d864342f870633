/**
 * A partition of the simulated Apache Kafka: dense offsets, leader epochs, transactions with their markers and what they
 * hide, and what retention, compaction and an unclean election do. It outlives the process that serves it.
 * Invariant: offsets ascend, and of a producer's batches each lies here once.
 */
import {
  CONTROL_RECORD_TYPE,
  ControlRecordKey,
  compress,
  decodeMessage,
  decompress,
  EndTxnMarker,
  ERROR,
  encodeMessage,
} from '@meridian/protocol';
import {
  type BatchHeader,
  batchBaseOffset,
  batchCrcValid,
  batchLastOffset,
  crc32c,
  iterateBatches,
  RecordBatchError,
  readBatchHeader,
  readRecords,
  retainRecords,
  rewriteBatch,
  stampBaseOffset,
  stampLeaderEpoch,
  stampLogAppendTime,
  writeBatch,
} from '@meridian/protocol/record-batch';
import { ProducerStates } from './producer-states.ts';

export interface AppendAnswer {
  readonly errorCode: number;
  readonly baseOffset: number;
}

export interface AppendRules {
  readonly maxMessageBytes: number;
  readonly isCompacted: boolean;
  /** With LogAppendTime topics: what time it is. */
  readonly appendTimeMs?: number;
  /** Kafka's code for data of a transaction that does not know of the partition. */
  readonly notInTransaction?: number;
}

export interface Aborted {
  readonly producerId: number;
  readonly firstOffset: number;
  readonly lastOffset: number;
}

const refuse = (errorCode: number): AppendAnswer => ({ errorCode, baseOffset: -1 });

export class SimPartition {
  /** Never changed once they lie here: they are handed out as they are. */
  batches: Buffer[] = [];
  startOffset = 0;
  endOffset = 0;
  leaderEpoch = 0;
  aborted: Aborted[] = [];
  readonly producers = new ProducerStates();
  private epochs: { readonly epoch: number; readonly startOffset: number }[] = [{ epoch: 0, startOffset: 0 }];

  get lastStableOffset(): number {
    return Math.min(this.producers.firstOpen() ?? this.endOffset, this.endOffset);
  }

  /** What a client produced for this partition; `isInTransaction`: its coordinator knows of the partition. */
  append(bytes: Buffer, rules: AppendRules, isInTransaction: (header: BatchHeader) => boolean): AppendAnswer {
    const header = readSound(bytes, rules);
    if (typeof header === 'number') return refuse(header);
    const isOfProducer = header.isTransactional && header.producerId >= 0;
    if (isOfProducer && !isInTransaction(header)) return refuse(rules.notInTransaction ?? ERROR.INVALID_TXN_STATE);
    const verdict = this.producers.check(header);
    if (verdict.kind === 'refuse') return refuse(verdict.errorCode);
    if (verdict.kind === 'duplicate') return { errorCode: ERROR.NONE, baseOffset: verdict.baseOffset };
    const batch = Buffer.from(bytes);
    if (rules.appendTimeMs !== undefined) stampLogAppendTime(batch, 0, rules.appendTimeMs, crc32c);
    const baseOffset = this.store(batch);
    this.producers.appended(readBatchHeader(batch));
    return { errorCode: ERROR.NONE, baseOffset };
  }

  /** A coordinator's marker. False: a newer epoch has been here. */
  appendMarker(producerId: number, producerEpoch: number, isCommit: boolean, nowMs: number): boolean {
    if (producerEpoch < this.producers.epochOf(producerId)) return false;
    const type = isCommit ? CONTROL_RECORD_TYPE.COMMIT : CONTROL_RECORD_TYPE.ABORT;
    const record = {
      timestamp: nowMs,
      key: encodeMessage(ControlRecordKey, 0, { type }),
      value: encodeMessage(EndTxnMarker, 0, { coordinatorEpoch: 0 }),
    };
    const producer = { producerId, producerEpoch, baseSequence: -1 };
    const bytes = writeBatch({ records: [record], control: true, transactional: true, ...producer });
    const lastOffset = this.store(Buffer.from(bytes.buffer));
    const firstOffset = this.producers.ended(producerId, producerEpoch, 0, nowMs);
    if (!isCommit && firstOffset >= 0) this.aborted.push({ producerId, firstOffset, lastOffset });
    return true;
  }

  /** Whole batches from the one that holds `offset` up to `end`; the first one whatever its size. */
  read(offset: number, end: number, maxBytes: number): Buffer[] {
    const found: Buffer[] = [];
    let size = 0;
    for (let at = this.firstBatchAt(offset); at < this.batches.length; at++) {
      const batch = this.batches[at]!;
      if (batchBaseOffset(batch) >= end || (found.length > 0 && size + batch.length > maxBytes)) break;
      size += batch.length;
      found.push(batch);
    }
    return found;
  }

  /** Transactions that hide something of what lies from `offset` to `end`. */
  abortedIn(offset: number, end: number): Aborted[] {
    return this.aborted.filter(({ firstOffset, lastOffset }) => firstOffset < end && lastOffset >= offset);
  }

  endOffsetFor(epoch: number): { epoch: number; endOffset: number } {
    if (epoch < 0) return { epoch: -1, endOffset: -1 };
    if (epoch === this.leaderEpoch) return { epoch, endOffset: this.endOffset };
    const higher = this.epochs.findIndex((entry) => entry.epoch > epoch);
    if (higher < 0) return { epoch: -1, endOffset: -1 };
    return { epoch: this.epochs[higher - 1]?.epoch ?? epoch, endOffset: this.epochs[higher]!.startOffset };
  }

  epochAt(offset: number): number {
    return this.epochs.findLast(({ startOffset }) => startOffset <= offset)?.epoch ?? -1;
  }

  /** Somebody leads anew: after a restart, after an election. */
  elect(): void {
    this.leaderEpoch++;
    const startOffset = this.endOffset;
    this.epochs = [
      ...this.epochs.filter((entry) => entry.startOffset < startOffset),
      { epoch: this.leaderEpoch, startOffset },
    ];
  }

  /** The tail was lost: by an unclean election, or by a power loss of all that had it. */
  cut(endOffset: number): void {
    const kept = this.batches.filter((batch) => batchLastOffset(batch) < endOffset);
    this.batches = [];
    this.aborted = [];
    this.epochs = this.epochs.filter(({ startOffset }) => startOffset < endOffset);
    this.producers.clear();
    this.endOffset = Math.max(this.startOffset, Math.min(endOffset, this.endOffset));
    for (const batch of kept) this.replay(batch);
    this.endOffset = kept.length === 0 ? this.endOffset : batchLastOffset(kept.at(-1)!) + 1;
    this.elect();
  }

  deleteRecords(before: number): void {
    this.startOffset = Math.max(this.startOffset, Math.min(before, this.endOffset));
    this.batches = this.batches.filter((batch) => batchLastOffset(batch) >= this.startOffset);
    this.aborted = this.aborted.filter(({ lastOffset }) => lastOffset >= this.startOffset);
    const first = this.epochs.findLastIndex(({ startOffset }) => startOffset <= this.startOffset);
    const [entry, ...later] = this.epochs.slice(Math.max(0, first));
    this.epochs = [{ epoch: entry!.epoch, startOffset: Math.max(entry!.startOffset, this.startOffset) }, ...later];
  }

  /** Keeps of every key the newest record, and of aborted transactions none; the newest batch stays as it is. */
  compact(): void {
    const newest = new Map<string, number>();
    const clean = this.lastStableOffset;
    this.eachRecord(clean, (offset, key) => newest.set(key, offset));
    const last = this.batches.length - 1;
    this.batches = this.batches.flatMap((batch, index) => {
      const header = readBatchHeader(batch);
      if (index === last || header.isControl || header.nextOffset > clean) return [batch];
      const keep = (offset: number, key: Uint8Array | null): boolean =>
        !this.isAborted(header) && newest.get(textOf(key)) === offset;
      const retained = retainRecords(batch, header, keep, { decompress });
      if (retained.recordCount === header.recordCount) return [batch];
      if (retained.recordCount === 0) return [];
      return [Buffer.from(rewriteBatch(batch, header, retained, { compress, crc: crc32c }))];
    });
  }

  /** The first batch that ends at or behind the offset. */
  private firstBatchAt(offset: number): number {
    let low = 0;
    let high = this.batches.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (batchLastOffset(this.batches[middle]!) < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private eachRecord(end: number, visit: (offset: number, key: string) => void): void {
    for (const batch of this.batches) {
      const header = readBatchHeader(batch);
      if (header.isControl || header.nextOffset > end || this.isAborted(header)) continue;
      for (const { offset, key } of readRecords(batch, { decompress })) visit(offset, textOf(key));
    }
  }

  private isAborted({ isTransactional, producerId, baseOffset }: BatchHeader): boolean {
    const isIn = (each: Aborted): boolean =>
      each.producerId === producerId && each.firstOffset <= baseOffset && each.lastOffset > baseOffset;
    return isTransactional && this.aborted.some(isIn);
  }

  /** State of producers and transactions out of the log, as a broker rebuilds it. */
  private replay(batch: Buffer): void {
    const header = readBatchHeader(batch);
    this.batches.push(batch);
    if (!header.isControl) return this.producers.appended(header);
    const [marker] = readRecords(batch);
    const isCommit = decodeMessage(ControlRecordKey, 0, Buffer.from(marker!.key!)).type === CONTROL_RECORD_TYPE.COMMIT;
    const firstOffset = this.producers.ended(header.producerId, header.producerEpoch, 0, header.maxTimestamp);
    const { producerId, lastOffset } = header;
    if (!isCommit && firstOffset >= 0) this.aborted.push({ producerId, firstOffset, lastOffset });
  }

  private store(batch: Buffer): number {
    const baseOffset = this.endOffset;
    stampBaseOffset(batch, 0, baseOffset);
    stampLeaderEpoch(batch, 0, this.leaderEpoch);
    this.batches.push(batch);
    this.endOffset = batchLastOffset(batch) + 1;
    return baseOffset;
  }
}

const textOf = (key: Uint8Array | null): string => Buffer.from(key ?? []).toString('latin1');

/** The one batch that a client may send for a partition, or Kafka's code for what is wrong with it. */
function readSound(bytes: Buffer, { maxMessageBytes, isCompacted }: AppendRules): BatchHeader | number {
  try {
    const [first, second] = iterateBatches(bytes);
    if (first === undefined || second !== undefined) return ERROR.INVALID_RECORD;
    const { header } = first;
    if (bytes.length > maxMessageBytes) return ERROR.MESSAGE_TOO_LARGE;
    if (!batchCrcValid(bytes, crc32c)) return ERROR.CORRUPT_MESSAGE;
    const isDense = header.recordCount > 0 && header.recordCount === header.lastOffsetDelta + 1;
    if (header.isControl || !isDense || header.baseOffset !== 0) return ERROR.INVALID_RECORD;
    if (header.hasLogAppendTime) return ERROR.INVALID_TIMESTAMP;
    const hasKeys = (): boolean => readRecords(bytes, { decompress }).every(({ key }) => key !== null);
    if (isCompacted && !hasKeys()) return ERROR.INVALID_RECORD;
    return header;
  } catch (error) {
    if (error instanceof RecordBatchError) return ERROR.CORRUPT_MESSAGE;
    throw error;
  }
}
