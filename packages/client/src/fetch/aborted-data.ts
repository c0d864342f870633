/**
 * Tells what of a fetch answer was committed, as `read_committed` consumers do (KIP-98): the fetch goes up to the last
 * stable offset, and the broker lists the aborted transactions that touch the answer. Invariant: of a transaction, all
 * records are data or none are.
 *
 *   batch                               kind
 *   control                             control; an abort ends its producer's aborted transaction
 *   transactional, its producer aborts  aborted
 *   any other                           data
 */
import { CONTROL_RECORD_TYPE } from '@meridian/protocol';
import { readRecords } from '@meridian/protocol/record-batch';
import type { AbortedTransaction } from './fetch-types.ts';

interface Header {
  readonly producerId: number;
  readonly lastOffset: number;
  readonly isTransactional: boolean;
  readonly isControl: boolean;
}

export type BatchKind = 'data' | 'control' | 'aborted';

/** For the batches of one answer, asked in their order. */
export class AbortedData {
  private readonly ahead: readonly AbortedTransaction[];
  private readonly aborting = new Set<number>();
  private next = 0;

  constructor(aborted: readonly AbortedTransaction[]) {
    this.ahead = aborted.length < 2 ? aborted : aborted.toSorted((a, b) => a.firstOffset - b.firstOffset);
  }

  kindOf({ producerId, lastOffset, isTransactional, isControl }: Header, bytes: Uint8Array): BatchKind {
    for (; this.next < this.ahead.length; this.next++) {
      const { firstOffset, producerId: aborting } = this.ahead[this.next]!;
      if (firstOffset > lastOffset) break;
      this.aborting.add(aborting);
    }
    if (isControl) {
      if (this.aborting.size > 0 && isAbortMarker(bytes)) this.aborting.delete(producerId);
      return 'control';
    }
    return isTransactional && this.aborting.has(producerId) ? 'aborted' : 'data';
  }
}

/** The key of a marker is int16 version, int16 type. One that compaction has emptied says nothing any more. */
function isAbortMarker(bytes: Uint8Array): boolean {
  const [marker] = readRecords(bytes);
  const key = marker?.key;
  return (
    key !== null && key !== undefined && key.length >= 4 && ((key[2]! << 8) | key[3]!) === CONTROL_RECORD_TYPE.ABORT
  );
}
