/**
 * A follower of one partition as a pure machine: what an answer to its fetch means for its log. `partition.ts` performs
 * what it returns, the fetchers of `replication/` ask.
 *
 *     answer           | effect
 *     batches          | appended as they came, behind those that are there; one that is not sound is not, nor what follows
 *     diverging epoch  | our log is cut to where it can agree with the leader's; the next fetch looks on (KIP-101, 279, 595)
 *     out of range     | the leader has nothing any more where we end: we begin anew where it begins
 *     any other error  | we ask again later; who has moved is told by the image
 *
 * Every answer carries the leader's high watermark and log start, which are ours as far as our log reaches.
 * Invariant: what is appended follows our end, in epochs no older than our last and no newer than the leader's.
 */
import type { EpochCache } from '@meridian/log';
import { ERROR, errorName } from '@meridian/protocol';
import { NO_RUN, type ReplicatedRun, soundRun } from './replicated-run.ts';

export interface Follower {
  readonly leader: number;
  readonly leaderEpoch: number;
  highWatermark: number;
}

/** Our log, as it is when an answer comes. */
export interface FollowedLog {
  readonly startOffset: number;
  readonly endOffset: number;
  readonly epochs: Pick<EpochCache, 'latestEpoch' | 'endOffsetFor'>;
}

/** A partition's part of an answer. */
export interface ReplicaAnswer {
  readonly errorCode: number;
  readonly highWatermark: number;
  readonly logStartOffset: number;
  readonly divergingEpoch: { readonly epoch: number; readonly endOffset: number };
  readonly records: readonly Buffer[] | null;
}

export interface FollowerEffects {
  /** Where our log has to end; −1: as it is. */
  readonly truncateTo: number;
  /** Everything goes, and the log begins here; −1: it stays. */
  readonly restartAt: number;
  /** To be appended. */
  readonly run: ReplicatedRun;
  /** Where our log has to begin; −1: as it is. */
  readonly startOffset: number;
  readonly highWatermarkMoved: boolean;
  /** What was wrong: asked again a little later. */
  readonly trouble: string | undefined;
}

const NOTHING: FollowerEffects = {
  truncateTo: -1,
  restartAt: -1,
  run: NO_RUN,
  startOffset: -1,
  highWatermarkMoved: false,
  trouble: undefined,
};

export function createFollower(leader: number, leaderEpoch: number, highWatermark: number): Follower {
  return { leader, leaderEpoch, highWatermark };
}

export function takeAnswer(follower: Follower, log: FollowedLog, answer: ReplicaAnswer): FollowerEffects {
  switch (answer.errorCode) {
    case ERROR.NONE:
      return answer.divergingEpoch.endOffset >= 0
        ? agree(follower, log, answer.divergingEpoch)
        : append(follower, log, answer);
    case ERROR.OFFSET_OUT_OF_RANGE:
      return beginAnew(follower, log, answer);
    default:
      return { ...NOTHING, trouble: errorName(answer.errorCode) };
  }
}

function append(follower: Follower, log: FollowedLog, answer: ReplicaAnswer): FollowerEffects {
  const bytes = answer.records?.[0];
  const run = bytes === undefined || bytes.length === 0 ? NO_RUN : soundRun(bytes, log, follower.leaderEpoch);
  const end = run.headers.length === 0 ? log.endOffset : run.nextOffset;
  const startOffset = answer.logStartOffset > log.startOffset ? Math.min(answer.logStartOffset, end) : -1;
  const highWatermark = Math.min(answer.highWatermark, end);
  const highWatermarkMoved = highWatermark > follower.highWatermark;
  if (highWatermarkMoved) follower.highWatermark = highWatermark;
  return { truncateTo: -1, restartAt: -1, run, startOffset, highWatermarkMoved, trouble: run.trouble };
}

/** The leader's largest epoch that is not newer than our last, and where it ends there. */
function agree(follower: Follower, log: FollowedLog, diverging: ReplicaAnswer['divergingEpoch']): FollowerEffects {
  const own = log.epochs.endOffsetFor(diverging.epoch);
  const isShared = own.epoch === diverging.epoch || own.epoch === -1;
  const ownEnd = own.epoch === -1 ? log.endOffset : own.endOffset;
  const truncateTo = isShared ? Math.min(ownEnd, diverging.endOffset) : ownEnd;
  if (truncateTo >= log.endOffset) {
    const told = `epoch ${diverging.epoch} ends at ${diverging.endOffset}`;
    return { ...NOTHING, trouble: `the leader's ${told}, and nothing of ours lies behind` };
  }
  follower.highWatermark = Math.min(follower.highWatermark, truncateTo);
  return { ...NOTHING, truncateTo };
}

/** Only where the leader's log and ours have nothing in common: what else is out of range is asked for again. */
function beginAnew(follower: Follower, log: FollowedLog, { logStartOffset }: ReplicaAnswer): FollowerEffects {
  const isEmpty = log.endOffset === log.startOffset;
  const isBehind = logStartOffset > log.endOffset;
  if (logStartOffset < 0 || (!isBehind && !isEmpty) || (isEmpty && logStartOffset === log.endOffset)) {
    return { ...NOTHING, trouble: errorName(ERROR.OFFSET_OUT_OF_RANGE) };
  }
  follower.highWatermark = logStartOffset;
  return { ...NOTHING, restartAt: logStartOffset };
}
