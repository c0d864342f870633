/**
 * What a log remembers of idempotent producers: epoch and the last five batches of each. A leader asks `check` before
 * it appends; `update` notes every batch that entered the log, also on copies and in recovery.
 *
 *   same epoch, one of the last five batches            → duplicate, answered with its first offset
 *   same epoch, next sequence (0 follows 2^31 − 1)      → ok
 *   same epoch, anything else                           → 45 OUT_OF_ORDER_SEQUENCE_NUMBER
 *   larger epoch, sequence 0                            → ok;  any other sequence → 45
 *   smaller epoch                                       → 47 INVALID_PRODUCER_EPOCH
 *   producer not known                                  → ok (its state may have expired, as in Kafka since 2.5)
 *
 * A duplicate is answered with its largest timestamp, as in Kafka.
 */
import { type BatchHeader, readRecords } from '@meridian/protocol/record-batch';
import { PRODUCER_WINDOW } from './limits.ts';
import type { ActiveProducer, ProducerState, SequenceCheck } from './log-interface.ts';
import type { EarlierBatch } from './producer-batches.ts';
import type { SnapshotEntry } from './producer-snapshot.ts';
import type { IndexedAbort } from './transaction-index.ts';

const MAX_SEQUENCE = 2 ** 31 - 1;
/** Kafka's `ControlRecordType`, the second int16 of a control record's key. */
const ABORT = 0;
const COMMIT = 1;
const OK: SequenceCheck = { kind: 'ok' };

interface CompletedTransaction {
  readonly firstOffset: number;
  /** The marker's. */
  readonly lastOffset: number;
}

interface SeenBatch {
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly timestamp: number;
}

interface Marker {
  readonly aborts: boolean;
  readonly coordinatorEpoch: number;
}

interface ProducerEntry {
  epoch: number;
  /** Oldest first; empty after a control batch opened a new epoch. */
  batches: SeenBatch[];
  lastOffset: number;
  lastTimestamp: number;
  /** Of the coordinator that ended its last transaction. */
  coordinatorEpoch: number;
}

export class ProducerTable implements ProducerState {
  /** Silent for longest first. */
  private readonly entries = new Map<number, ProducerEntry>();
  private readonly maxProducers: number;
  private latest = -1;
  /** First offset of each open transaction, by producer; ascending, as they begin in the log's order. */
  private readonly ongoing = new Map<number, number>();
  /** Transactions that have ended at or above the high watermark, as far as is known. */
  private undecided: CompletedTransaction[] = [];
  /** The high watermark; what is read again, at a start or after a cut, was decided below it. */
  private decidedBelow = 0;
  /** Brings the batches that the snapshot did not tell; undefined once it has. */
  private recall: (() => readonly EarlierBatch[]) | undefined;
  constructor(maxProducers: number) {
    this.maxProducers = maxProducers;
  }

  get size(): number {
    return this.entries.size;
  }

  check(header: BatchHeader): SequenceCheck {
    if (header.producerId < 0) return OK;
    const entry = this.entries.get(header.producerId);
    if (entry === undefined) return OK;
    if (header.producerEpoch < entry.epoch) {
      return refuse(47, header, `epoch ${header.producerEpoch} is older than ${entry.epoch}`);
    }
    if (header.isControl) return OK;
    if (header.producerEpoch > entry.epoch) {
      return header.baseSequence === 0 ? OK : refuse(45, header, 'a new epoch begins with sequence 0');
    }
    const found = checkSequence(entry, header);
    if (found.kind !== 'error' || this.recall === undefined) return found;
    this.recallEarlier();
    return checkSequence(entry, header);
  }

  *active(): Iterable<ActiveProducer> {
    for (const [producerId, { epoch, batches, lastTimestamp, coordinatorEpoch }] of this.entries) {
      const last = batches.at(-1);
      yield {
        producerId,
        producerEpoch: epoch,
        lastSequence: last?.lastSequence ?? -1,
        lastDataOffset: last?.lastOffset ?? -1,
        lastTimestamp,
        coordinatorEpoch,
        currentTxnStartOffset: this.ongoing.get(producerId) ?? -1,
      };
    }
  }

  /** Forgets producers that have been silent for so long by their records' time, but for open transactions. */
  expire(nowMs: number, expirationMs: number): void {
    for (const [producerId, { lastTimestamp }] of this.entries) {
      if (nowMs - lastTimestamp < expirationMs || this.ongoing.has(producerId)) continue;
      this.entries.delete(producerId);
      if (this.latest === producerId) this.latest = -1;
    }
  }

  /** Notes a batch that is in the log; returns the transaction that it aborts. `bytesOf` is asked for markers alone. */
  update(header: BatchHeader, bytesOf: () => Uint8Array): IndexedAbort | undefined {
    const id = header.producerId;
    if (id < 0) return undefined;
    const marker = header.isControl ? readMarker(bytesOf()) : undefined;
    const entry = this.touch(id, header.producerEpoch);
    if (header.producerEpoch > entry.epoch) {
      entry.epoch = header.producerEpoch;
      entry.batches = [];
    }
    entry.lastOffset = header.lastOffset;
    entry.lastTimestamp = header.maxTimestamp;
    if (header.isControl) return marker && this.endTransaction(entry, header, marker);
    if (header.isTransactional && !this.ongoing.has(id)) this.ongoing.set(id, header.baseOffset);
    if (entry.batches.length === PRODUCER_WINDOW) entry.batches.shift();
    const { baseSequence, lastOffsetDelta } = header;
    entry.batches.push({
      firstSequence: baseSequence,
      lastSequence: baseSequence < 0 ? baseSequence : addToSequence(baseSequence, lastOffsetDelta),
      firstOffset: header.baseOffset,
      lastOffset: header.lastOffset,
      timestamp: header.maxTimestamp,
    });
    return undefined;
  }

  /** Transactions that ended below `highWatermark` are decided for everybody. */
  committed(highWatermark: number): void {
    this.decidedBelow = highWatermark;
    if (this.undecided.length === 0) return;
    this.undecided = this.undecided.filter((ended) => ended.lastOffset >= highWatermark);
  }

  /** Infinite when every transaction is decided. */
  get firstUnstableOffset(): number {
    const first = this.ongoing.values().next().value ?? Number.POSITIVE_INFINITY;
    return this.undecided.reduce((least, { firstOffset }) => Math.min(least, firstOffset), first);
  }

  snapshot(): SnapshotEntry[] {
    return [...this.entries].map(([producerId, entry]) => {
      const last = entry.batches.at(-1);
      return {
        producerId,
        producerEpoch: entry.epoch,
        lastSequence: last?.lastSequence ?? -1,
        lastOffset: last?.lastOffset ?? -1,
        offsetDelta: last === undefined ? 0 : last.lastOffset - last.firstOffset,
        timestamp: entry.lastTimestamp,
        coordinatorEpoch: entry.coordinatorEpoch,
        transactionStart: this.ongoing.get(producerId) ?? -1,
      };
    });
  }

  /** What the snapshot does not hold of the window, the older of a producer first. */
  earlier(): EarlierBatch[] {
    this.recallEarlier();
    const found: EarlierBatch[] = [];
    for (const [producerId, { epoch, batches }] of this.entries) {
      for (const batch of batches.slice(0, -1)) found.push({ producerId, producerEpoch: epoch, ...batch });
    }
    return found;
  }

  /** Puts the earlier batches before those that are known, as far as one follows the other. */
  private recallEarlier(): void {
    const earlier = this.recall?.() ?? [];
    this.recall = undefined;
    for (const { producerId, producerEpoch, ...batch } of [...earlier].reverse()) {
      const entry = this.entries.get(producerId);
      const first = entry?.batches[0];
      if (entry === undefined || first === undefined || entry.batches.length === PRODUCER_WINDOW) continue;
      const isNext = addToSequence(batch.lastSequence, 1) === first.firstSequence;
      if (entry.epoch === producerEpoch && isNext && batch.lastOffset < first.firstOffset) entry.batches.unshift(batch);
    }
  }

  /** In place of all that is known; `recall` brings what is not in the entries, should it be asked for. */
  restore(entries: readonly SnapshotEntry[], recall?: () => readonly EarlierBatch[]): void {
    this.clear();
    this.recall = recall;
    for (const saved of [...entries].sort((a, b) => a.lastOffset - b.lastOffset)) {
      const { lastOffset, lastSequence, offsetDelta, timestamp, coordinatorEpoch } = saved;
      const firstSequence = lastSequence - offsetDelta;
      const last: SeenBatch = {
        firstSequence: firstSequence < 0 ? firstSequence + MAX_SEQUENCE + 1 : firstSequence,
        lastSequence,
        firstOffset: lastOffset - offsetDelta,
        lastOffset,
        timestamp,
      };
      const batches = lastOffset < 0 ? [] : [last];
      const entry = { epoch: saved.producerEpoch, batches, lastOffset, lastTimestamp: timestamp, coordinatorEpoch };
      this.entries.set(saved.producerId, entry);
    }
    const open = entries.filter(({ transactionStart }) => transactionStart >= 0);
    for (const { producerId, transactionStart } of open.sort((a, b) => a.transactionStart - b.transactionStart)) {
      this.ongoing.set(producerId, transactionStart);
    }
  }

  private endTransaction(entry: ProducerEntry, header: BatchHeader, marker: Marker): IndexedAbort | undefined {
    entry.coordinatorEpoch = marker.coordinatorEpoch;
    const { producerId, lastOffset } = header;
    const firstOffset = this.ongoing.get(producerId);
    if (firstOffset === undefined) return undefined;
    this.ongoing.delete(producerId);
    if (lastOffset >= this.decidedBelow) this.undecided.push({ firstOffset, lastOffset });
    if (!marker.aborts) return undefined;
    const lastStableOffset = this.ongoing.values().next().value ?? lastOffset + 1;
    return { producerId, firstOffset, lastOffset, lastStableOffset };
  }

  clear(): void {
    this.entries.clear();
    this.ongoing.clear();
    this.undecided = [];
    this.latest = -1;
    this.recall = undefined;
  }

  /** The entry of a producer, moved to the end; a new one may push out the one that was silent for longest. */
  private touch(id: number, epoch: number): ProducerEntry {
    let entry = this.entries.get(id);
    if (entry !== undefined && id === this.latest) return entry;
    if (entry !== undefined) this.entries.delete(id);
    else entry = { epoch, batches: [], lastOffset: -1, lastTimestamp: -1, coordinatorEpoch: -1 };
    this.entries.set(id, entry);
    this.latest = id;
    if (this.entries.size > this.maxProducers) this.entries.delete(this.entries.keys().next().value!);
    return entry;
  }
}

/** What a transaction's marker says; undefined for other control batches, and for one that compaction has emptied. */
function readMarker(bytes: Uint8Array): Marker | undefined {
  const record = readRecords(bytes).next().value;
  if (!record?.key || record.key.length < 4) return undefined;
  const type = Buffer.from(record.key).readInt16BE(2);
  if (type !== ABORT && type !== COMMIT) return undefined;
  const value = record.value;
  const coordinatorEpoch = value && value.length >= 6 ? Buffer.from(value).readInt32BE(2) : -1;
  return { aborts: type === ABORT, coordinatorEpoch };
}

function checkSequence(entry: ProducerEntry, header: BatchHeader): SequenceCheck {
  const lastSequence = addToSequence(header.baseSequence, header.lastOffsetDelta);
  for (const seen of entry.batches) {
    if (seen.firstSequence === header.baseSequence && seen.lastSequence === lastSequence) {
      return {
        kind: 'duplicate',
        firstOffset: seen.firstOffset,
        lastOffset: seen.lastOffset,
        timestamp: seen.timestamp,
      };
    }
  }
  const last = entry.batches.at(-1)?.lastSequence;
  const expected = last === undefined ? 0 : addToSequence(last, 1);
  if (header.baseSequence === expected) return OK;
  return refuse(45, header, `sequence ${header.baseSequence} where ${expected} is next`);
}

/** Sequences run from 0 to 2^31 − 1 and then from 0 again. */
function addToSequence(sequence: number, increment: number): number {
  const sum = sequence + increment;
  return sum > MAX_SEQUENCE ? sum - MAX_SEQUENCE - 1 : sum;
}

function refuse(errorCode: 45 | 47, header: BatchHeader, why: string): SequenceCheck {
  return { kind: 'error', errorCode, detail: `producer ${header.producerId}, epoch ${header.producerEpoch}: ${why}` };
}
