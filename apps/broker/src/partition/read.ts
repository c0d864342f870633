/**
 * Reading one partition for a consumer: epoch and offset checks, divergence, then whole batches below the high watermark.
 * Called by the Fetch handler for each partition asked for, and again for a parked fetch that is woken.
 * Invariant: what comes back is the very object that the response is encoded from; its `records` are not copied, and are
 * there for this turn, or for as long as the connection that sends them holds them.
 */
import { type AbortedTransaction, type Log, LogError } from '@meridian/log';
import { ERROR, PROMOTED_EPOCH } from '@meridian/protocol';
import type { Partition } from './partition.ts';
import type { CurrentLeader } from './produce-part.ts';

export interface FetchAsk {
  readonly partition: number;
  readonly currentLeaderEpoch: number;
  readonly fetchOffset: number;
  readonly lastFetchedEpoch: number;
  readonly partitionMaxBytes: number;
  /** −1, or from which entry on the origin's epochs are wanted (internal listener); for a follower, from which epoch on. */
  readonly originEpochsFrom: number;
}

export interface FetchedPartition {
  readonly partitionIndex: number;
  readonly errorCode: number;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  readonly logStartOffset: number;
  readonly divergingEpoch: { readonly epoch: number; readonly endOffset: number } | undefined;
  readonly currentLeader: CurrentLeader | undefined;
  readonly originEpochs: readonly { readonly epoch: number; readonly startOffset: number }[] | undefined;
  readonly abortedTransactions: readonly AbortedTransaction[] | null;
  /** Whom the consumer should read from; −1: us. */
  readonly preferredReadReplica: number;
  readonly records: readonly Buffer[];
  readonly bytes: number;
  /** Where the records end, if there are any. */
  readonly nextOffset: number;
}

const NO_RECORDS: readonly Buffer[] = [];
const NO_ABORTED: readonly never[] = [];

/** An answer without records; as in Apache Kafka, only one of a partition that was found has no list of aborted ones. */
export function fetchError(
  partitionIndex: number,
  errorCode: number,
  found: { currentLeader?: CurrentLeader | undefined } | undefined = undefined,
): FetchedPartition {
  return {
    partitionIndex,
    errorCode,
    highWatermark: -1,
    lastStableOffset: -1,
    logStartOffset: -1,
    divergingEpoch: undefined,
    currentLeader: found?.currentLeader,
    originEpochs: undefined,
    abortedTransactions: found === undefined ? NO_ABORTED : null,
    preferredReadReplica: -1,
    records: NO_RECORDS,
    bytes: 0,
    nextOffset: -1,
  };
}

/** What is wrong with the place that somebody asks for. */
export interface PlaceProblem {
  readonly errorCode: number;
  readonly divergingEpoch: FetchedPartition['divergingEpoch'];
}

const OUT_OF_RANGE: PlaceProblem = { errorCode: ERROR.OFFSET_OUT_OF_RANGE, divergingEpoch: undefined };

/** Undefined if the log of whoever asks goes as ours up to where he asks from, as far as he says. */
export function placeProblem(log: Log, { fetchOffset, lastFetchedEpoch }: FetchAsk): PlaceProblem | undefined {
  if (lastFetchedEpoch >= 0) {
    const end = log.epochs.endOffsetFor(lastFetchedEpoch);
    if (end.epoch === -1) return OUT_OF_RANGE;
    if (end.epoch < lastFetchedEpoch || end.endOffset < fetchOffset) {
      return { errorCode: ERROR.NONE, divergingEpoch: end };
    }
  }
  return fetchOffset < log.startOffset || fetchOffset > log.endOffset ? OUT_OF_RANGE : undefined;
}

export interface ConsumerRead {
  /** What the whole answer has left. */
  readonly maxBytes: number;
  /** The first batch comes whatever its size. */
  readonly minOneBatch: boolean;
  readonly upTo: 'last stable offset' | 'high watermark' | 'log end';
  readonly tellsLeader: boolean;
  /** A follower will do. */
  readonly fromAnyReplica: boolean;
}

export function readPartition(partition: Partition, ask: FetchAsk, options: ConsumerRead): FetchedPartition {
  const { fromAnyReplica, upTo } = options;
  const epoch = ask.currentLeaderEpoch;
  const error = fromAnyReplica ? partition.errorForReader(epoch) : partition.errorFor(epoch);
  if (error !== ERROR.NONE) {
    const isMoved = error === ERROR.NOT_LEADER_OR_FOLLOWER || error === ERROR.FENCED_LEADER_EPOCH;
    return fetchError(
      ask.partition,
      error,
      isMoved && options.tellsLeader ? { currentLeader: partition.currentLeader } : {},
    );
  }
  const { log, highWatermark, lastStableOffset } = partition;
  const committedOnly = upTo === 'last stable offset';
  const end = committedOnly ? lastStableOffset : upTo === 'log end' ? log.endOffset : highWatermark;
  const offset = ask.fetchOffset;
  const problem = placeProblem(log, ask);
  if (problem === OUT_OF_RANGE) return fetchError(ask.partition, ERROR.OFFSET_OUT_OF_RANGE, {});
  const divergingEpoch = problem?.divergingEpoch;
  let records = NO_RECORDS;
  let bytes = 0;
  let nextOffset = -1;
  let aborted: readonly AbortedTransaction[] = NO_ABORTED;
  if (divergingEpoch === undefined && offset < end) {
    const maxBytes = Math.max(0, Math.min(ask.partitionMaxBytes, options.maxBytes));
    const result = readLog(partition, offset, end, { maxBytes, minOneBatch: options.minOneBatch });
    if (result === undefined) return fetchError(ask.partition, ERROR.KAFKA_STORAGE_ERROR, {});
    records = result.buffers;
    bytes = result.bytes;
    nextOffset = result.nextOffset;
    if (committedOnly) aborted = log.abortedTransactions(offset, result.nextOffset);
  }
  return {
    partitionIndex: ask.partition,
    errorCode: ERROR.NONE,
    highWatermark,
    lastStableOffset,
    logStartOffset: log.startOffset,
    divergingEpoch,
    currentLeader: undefined,
    originEpochs: ask.originEpochsFrom < 0 ? undefined : originEpochsOf(partition, ask.originEpochsFrom),
    abortedTransactions: committedOnly && divergingEpoch === undefined ? aborted : null,
    preferredReadReplica: -1,
    records,
    bytes,
    nextOffset,
  };
}

/** Whoever reads a copy hears by it that it is none any more, before any record that is its own. */
function originEpochsOf({ log, cut }: Partition, from: number) {
  const { entries } = log.originEpochs;
  const told = entries.slice(from);
  return cut === undefined || from > entries.length ? told : [...told, { epoch: PROMOTED_EPOCH, startOffset: cut }];
}

/** Undefined if the disk would not give it. */
function readLog(
  { log, highWatermark, waiters }: Partition,
  offset: number,
  end: number,
  { maxBytes, minOneBatch }: { maxBytes: number; minOneBatch: boolean },
) {
  const read = () => log.read(offset, { maxBytes, maxOffset: end, minOneBatch, forTurn: true });
  try {
    // Who does not read just what is committed shares with nobody.
    return end !== highWatermark ? read() : waiters.share(offset, maxBytes, minOneBatch, read);
  } catch (error) {
    if (error instanceof LogError || (error as { name?: unknown }).name === 'IoError') return undefined;
    throw error;
  }
}
