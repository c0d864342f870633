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
export interface AbortedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
}

export interface CommittableBatch {
  readonly producerId: number;
  readonly lastOffset: number;
  readonly isTransactional: boolean;
  readonly isControl: boolean;
  /** Of a control batch: its record says that the transaction was aborted. */
  readonly isAbort: boolean;
}

export type BatchKind = 'data' | 'control' | 'aborted';

/** The kind of each batch of one answer, in order. */
export function committedKinds(
  batches: readonly CommittableBatch[],
  aborted: readonly AbortedTransaction[],
): readonly BatchKind[] {
  const ahead = aborted.toSorted((a, b) => a.firstOffset - b.firstOffset);
  const aborting = new Set<number>();
  let next = 0;
  return batches.map(({ producerId, lastOffset, isTransactional, isControl, isAbort }) => {
    for (; next < ahead.length && ahead[next]!.firstOffset <= lastOffset; next++) aborting.add(ahead[next]!.producerId);
    if (isControl) {
      if (isAbort) aborting.delete(producerId);
      return 'control';
    }
    return isTransactional && aborting.has(producerId) ? 'aborted' : 'data';
  });
}
