/**
 * What became of the transactions in the part of a log that is compacted. A first walk (`TransactionScan`) finds the
 * aborted ones and where the first undecided one begins; the walks that fill the map and filter batches then ask
 * `TransactionFates`, batch by batch in the log's order.
 *
 *   data of an aborted transaction                     → may go
 *   marker, and data of its transaction was met        → stays
 *   marker whose transaction has left nothing          → may go, by way of a delete horizon
 */
import { type BatchHeader, readRecords } from '@meridian/protocol/record-batch';

export interface AbortedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
  /** Of the marker. */
  readonly lastOffset: number;
}

/** Kafka's `ControlRecordType`, the second int16 of a control record's key. */
const ABORT = 0;
const COMMIT = 1;

/** Type of a control batch; undefined if it was emptied, or has no key to tell. */
function controlType(bytes: Uint8Array): number | undefined {
  const key = readRecords(bytes).next().value?.key;
  return key && key.length >= 4 ? (key[2]! << 8) | key[3]! : undefined;
}

export class TransactionScan {
  readonly aborted: AbortedTransaction[] = [];
  private readonly ongoing = new Map<number, number>();

  visit(bytes: Uint8Array, header: BatchHeader): void {
    if (header.isControl) this.end(header, controlType(bytes));
    else if (header.isTransactional && !this.ongoing.has(header.producerId)) {
      this.ongoing.set(header.producerId, header.baseOffset);
    }
  }

  /** First offset of a transaction that has not ended; from there on nothing may be compacted. */
  get firstUndecidedOffset(): number {
    let first = Number.POSITIVE_INFINITY;
    for (const offset of this.ongoing.values()) first = Math.min(first, offset);
    return first;
  }

  private end({ producerId, lastOffset }: BatchHeader, type: number | undefined): void {
    const firstOffset = this.ongoing.get(producerId);
    if (type !== ABORT && type !== COMMIT) return;
    this.ongoing.delete(producerId);
    if (type === ABORT && firstOffset !== undefined) this.aborted.push({ producerId, firstOffset, lastOffset });
  }
}

export class TransactionFates {
  /** By first offset; those up to `next` have begun. */
  private readonly aborted: readonly AbortedTransaction[];
  private next = 0;
  /** Aborted ones that have begun and not ended: whether a batch of theirs was met. */
  private readonly ongoingAborted = new Map<number, boolean>();
  private readonly ongoingCommitted = new Set<number>();

  /** For a walk that begins at `fromOffset`. */
  constructor(aborted: readonly AbortedTransaction[], fromOffset: number) {
    this.aborted = aborted
      .filter(({ lastOffset }) => lastOffset >= fromOffset)
      .toSorted((a, b) => a.firstOffset - b.firstOffset);
  }

  /** Whether no reader can miss the records of the batch. */
  mayDiscard(bytes: Uint8Array, header: BatchHeader): boolean {
    for (; (this.aborted[this.next]?.firstOffset ?? Number.POSITIVE_INFINITY) <= header.lastOffset; this.next++) {
      this.ongoingAborted.set(this.aborted[this.next]!.producerId, false);
    }
    if (header.isControl) return this.mayDiscardMarker(bytes, header.producerId);
    if (!header.isTransactional) return false;
    if (this.ongoingAborted.has(header.producerId)) {
      this.ongoingAborted.set(header.producerId, true);
      return true;
    }
    this.ongoingCommitted.add(header.producerId);
    return false;
  }

  private mayDiscardMarker(bytes: Uint8Array, producerId: number): boolean {
    const type = controlType(bytes);
    if (type === undefined) return true;
    if (type === COMMIT) return !this.ongoingCommitted.delete(producerId);
    if (type !== ABORT) return false;
    const wasMet = this.ongoingAborted.get(producerId) ?? false;
    this.ongoingAborted.delete(producerId);
    return !wasMet;
  }
}
