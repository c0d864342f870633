/**
 * Reading one partition for a follower: where its log ends is looked at first, then whole batches up to the end of ours.
 * Called by the replicas' fetch sessions (`fetch/replica-session.ts`).
 * Invariant: a follower whose log is no beginning of ours is told so, and its offset counts for nothing.
 */
import { LogError } from '@meridian/log';
import { ERROR } from '@meridian/protocol';
import type { Partition } from './partition.ts';
import { type FetchAsk, type FetchedPartition, fetchError, type PlaceProblem, placeProblem } from './read.ts';

const NO_RECORDS: readonly Buffer[] = [];

/** Undefined if we lead it, and its log goes as ours up to where it fetches from. */
export function replicaProblem(partition: Partition, ask: FetchAsk): PlaceProblem | undefined {
  const errorCode = partition.errorFor(ask.currentLeaderEpoch);
  return errorCode === ERROR.NONE ? placeProblem(partition.log, ask) : { errorCode, divergingEpoch: undefined };
}

/** `maxBytes` is what the whole answer has left; with `minOneBatch` the first batch comes whatever its size. */
export function readForReplica(
  partition: Partition,
  ask: FetchAsk,
  options: { readonly maxBytes: number; readonly minOneBatch: boolean },
): FetchedPartition {
  const problem = replicaProblem(partition, ask);
  if (problem !== undefined) return problemAnswer(partition, ask, problem);
  const { log, highWatermark, lastStableOffset } = partition;
  const { fetchOffset, originEpochsFrom } = ask;
  let records = NO_RECORDS;
  let bytes = 0;
  if (fetchOffset < log.endOffset) {
    const maxBytes = Math.max(0, Math.min(ask.partitionMaxBytes, options.maxBytes));
    try {
      const read = log.read(fetchOffset, { maxBytes, minOneBatch: options.minOneBatch, forTurn: true });
      records = read.buffers;
      bytes = read.bytes;
    } catch (error) {
      if (!(error instanceof LogError) && (error as { name?: unknown }).name !== 'IoError') throw error;
      return fetchError(ask.partition, ERROR.KAFKA_STORAGE_ERROR, {});
    }
  }
  return {
    partitionIndex: ask.partition,
    errorCode: ERROR.NONE,
    highWatermark,
    lastStableOffset,
    logStartOffset: log.startOffset,
    divergingEpoch: undefined,
    currentLeader: undefined,
    originEpochs:
      originEpochsFrom < 0 ? undefined : log.originEpochs.entries.filter(({ epoch }) => epoch >= originEpochsFrom),
    abortedTransactions: null,
    preferredReadReplica: -1,
    records,
    bytes,
    nextOffset: -1,
  };
}

/** Where our log begins is told with it: it may be where the follower has to begin anew. */
function problemAnswer(
  partition: Partition,
  ask: FetchAsk,
  { errorCode, divergingEpoch }: PlaceProblem,
): FetchedPartition {
  const { currentLeader, highWatermark, log } = partition;
  const answer = fetchError(ask.partition, errorCode, { currentLeader });
  if (errorCode !== ERROR.NONE && errorCode !== ERROR.OFFSET_OUT_OF_RANGE) return answer;
  return { ...answer, highWatermark, logStartOffset: log.startOffset, divergingEpoch };
}
