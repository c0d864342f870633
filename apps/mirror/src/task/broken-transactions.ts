/**
 * Transactions that are open in a copy before a lost range and not at the origin any more: their ends lay in it. They are
 * ended in the copy as aborted, inside of the range, or readers of committed records would wait for them for ever.
 * Kept by the machine of a partition; pure.
 *
 *   origin  … [T 50 .. 99]  100 ──── lost ──── 199 | 200 …     what of T lies below 200 nobody can read there
 *   copy    … [T 50 .. 99]  100 abort of T        | 200 …     and the copy's start follows the origin's, to 200
 *
 * Invariant: a marker takes an offset of the lost range. Each of these transactions has lost one there, so there is room.
 */
import { abortMarker } from '@meridian/protocol/record-batch';

/** What a leader tells of a producer whose transaction is open. */
export interface OpenTransaction {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly coordinatorEpoch: number;
  readonly lastTimestamp: number;
  /** Of its first record. */
  readonly startOffset: number;
}

/** Those of the copy that the origin does not have any more: one of a producer that began later is another one. */
export function endedUnseen(copy: readonly OpenTransaction[], origin: readonly OpenTransaction[]): OpenTransaction[] {
  const open = new Map(origin.map(({ producerId, startOffset }) => [producerId, startOffset]));
  return copy.filter(({ producerId, startOffset }) => open.get(producerId) !== startOffset);
}

/** From `from` on and below `to`, the oldest transaction first: readers wait for that one. */
export function abortMarkers(
  broken: readonly OpenTransaction[],
  { from, to, leaderEpoch }: { readonly from: number; readonly to: number; readonly leaderEpoch: number },
): Buffer[] {
  const oldestFirst = [...broken].sort((a, b) => a.startOffset - b.startOffset).slice(0, Math.max(0, to - from));
  return oldestFirst.map(({ producerId, producerEpoch, coordinatorEpoch, lastTimestamp }, index) => {
    const batch = { producerId, producerEpoch, coordinatorEpoch, timestamp: Math.max(0, lastTimestamp) };
    const bytes = abortMarker({ baseOffset: from + index, leaderEpoch, ...batch });
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  });
}
