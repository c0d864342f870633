/**
 * What of an answer was committed: the batches of transactions that were aborted are left out, as `read_committed`
 * consumers do it. Asked for every answer, by reads of old records and by tails.
 * Invariant: without aborted transactions, which is nearly always, nothing is looked at.
 */
import { AbortedData, type AbortedTransaction, type FetchedSlice } from '@meridian/client';
import { iterateBatches } from '@meridian/protocol/record-batch';
import type { Slice } from './broker-port.ts';

const NONE: readonly Buffer[] = [];

/** `next`: the offset behind the last batch, with what was left out. */
export function committedOnly(
  bytes: Buffer | undefined,
  next: number | undefined,
  aborted: readonly AbortedTransaction[],
): { readonly buffers: readonly Buffer[]; readonly next: number | undefined } {
  if (bytes === undefined) return { buffers: NONE, next: undefined };
  return { buffers: aborted.length === 0 ? [bytes] : withoutAborted([bytes], aborted), next };
}

export function committedSlice({ buffers, nextOffset, abortedTransactions, originEpochs }: FetchedSlice): Slice {
  const kept = abortedTransactions.length === 0 ? buffers : withoutAborted(buffers, abortedTransactions);
  return { buffers: kept, epochs: originEpochs, next: buffers.length === 0 ? undefined : nextOffset };
}

function withoutAborted(buffers: readonly Buffer[], transactions: readonly AbortedTransaction[]): Buffer[] {
  const aborted = new AbortedData(transactions);
  const kept: Buffer[] = [];
  for (const buffer of buffers) {
    for (const { bytes, header } of iterateBatches(buffer)) {
      if (aborted.kindOf(header, bytes) !== 'aborted') kept.push(bytes);
    }
  }
  return kept;
}
