/**
 * A follower, or a node that looks for its leader, fetches: one request at a time, the next one once what came is fsynced.
 *
 *   records   → appended, and the high watermark of the leader believed as far as our log goes
 *   diverging → our log is cut back to where it may agree, and asked again
 *   snapshot  → downloaded in pieces and put in place of the log
 */
import { doubtLeader, learnLeader } from './leadership.ts';
import type {
  FetchRequest,
  FetchResponse,
  FetchSnapshotRequest,
  FetchSnapshotResponse,
  OffsetAndEpoch,
  RaftRequest,
  RaftResponse,
} from './messages.ts';
import type { Follower, Quorum } from './state.ts';
import { hasMoved, wantsFetch } from './state.ts';
import { commit, remember, send, type Turn } from './turn.ts';

/** Sends what should be under way. */
export function fetch(turn: Turn): void {
  const { quorum, nowMs } = turn;
  if (!wantsFetch(quorum) || nowMs < quorum.fetchNotBeforeMs) return;
  const to = quorum.role.kind === 'follower' ? quorum.leaderId : someVoter(quorum);
  if (to === undefined) return;
  quorum.fetching = nextRequest(quorum);
  send(turn, to, quorum.fetching);
}

function nextRequest({ self, epoch, log, role, highWatermark, settings }: Quorum): RaftRequest {
  if (role.kind === 'follower' && role.download !== undefined) {
    const { snapshot, position } = role.download;
    return { api: 'FetchSnapshot', replica: self, epoch, snapshot, position };
  }
  const { offset, epoch: lastFetchedEpoch } = log.last;
  const wait = { highWatermark, maxWaitMs: role.kind === 'follower' ? settings.fetchMaxWaitMs : 0 };
  return { api: 'Fetch', replica: self, epoch, fetchOffset: offset, lastFetchedEpoch, ...wait };
}

/** Whoever it is: he says who leads. */
function someVoter(quorum: Quorum): number | undefined {
  const others = quorum.voters.current.filter(({ id }) => id !== quorum.self.id);
  if (others.length === 0) return undefined;
  const { id } = others[quorum.nextAsked % others.length]!;
  quorum.nextAsked = (quorum.nextAsked + 1) % others.length;
  return id;
}

/** True if it is our leader that answers what we asked last. Anybody's answer tells who leads. */
function isOurs(
  turn: Turn,
  from: number,
  request: FetchRequest | FetchSnapshotRequest,
  response: RaftResponse,
): boolean {
  const { quorum, nowMs } = turn;
  const isAwaited = quorum.fetching === request;
  if (isAwaited) quorum.fetching = undefined;
  learnLeader(turn, response.epoch, response.leaderId);
  if (!isAwaited) return false;
  const { role, settings } = quorum;
  const isLeaders = role.kind === 'follower' && quorum.leaderId === from;
  if (isLeaders && request.epoch === quorum.epoch && response.error === 'NONE') {
    role.fetchDeadlineMs = nowMs + settings.fetchTimeoutMs;
    role.hasFetched = true;
    return true;
  }
  // It has come up again, or has given up, and leads no more.
  if (isLeaders && response.error === 'NOT_LEADER_OR_FOLLOWER' && response.epoch === quorum.epoch) {
    doubtLeader(turn, from);
  }
  quorum.fetchNotBeforeMs = role.kind === 'follower' && !isLeaders ? nowMs : nowMs + settings.retryBackoffMs;
  return false;
}

export function takeFetched(turn: Turn, from: number, request: FetchRequest, response: FetchResponse): void {
  if (!isOurs(turn, from, request, response)) return;
  const { quorum } = turn;
  const follower = quorum.role as Follower;
  const { diverging, snapshot, batches } = response;
  quorum.toldHighWatermark = Math.max(quorum.toldHighWatermark, response.highWatermark);
  if (diverging !== undefined) return cutBack(turn, diverging);
  if (snapshot !== undefined) follower.download = { snapshot, position: 0, isWhole: false };
  else {
    if (batches.length > 0 && request.fetchOffset === quorum.log.endOffset && !take(turn, batches)) return;
    commit(turn, Math.min(response.highWatermark, quorum.log.endOffset));
    // What it asked with was fsynced, and has all that any leader has ever committed.
    if (response.highWatermark >= 0 && request.fetchOffset >= response.highWatermark) remember(turn);
  }
}

/** Nothing of it is taken unless all of it goes on where our log ends. */
function take(turn: Turn, batches: FetchResponse['batches']): boolean {
  const { quorum, effects } = turn;
  let { offset, epoch: lastEpoch } = quorum.log.last;
  for (const { baseOffset, nextOffset, epoch } of batches) {
    if (baseOffset !== offset || nextOffset <= baseOffset || epoch < lastEpoch || epoch > quorum.epoch) {
      distrust(turn, `batch ${baseOffset}..${nextOffset} of epoch ${epoch} does not follow ${offset}`);
      return false;
    }
    [offset, lastEpoch] = [nextOffset, epoch];
  }
  for (const { baseOffset, nextOffset, epoch, voters } of batches) {
    quorum.log.append(epoch, nextOffset);
    if (voters !== undefined) quorum.voters.add(baseOffset, voters);
  }
  effects.push({ kind: 'appendFetched', batches });
  return true;
}

function distrust({ quorum, nowMs, effects }: Turn, why: string): void {
  quorum.fetchNotBeforeMs = nowMs + quorum.settings.retryBackoffMs;
  effects.push({ kind: 'distrusted', why });
}

/** What is committed cannot diverge: if it does, somebody has lost what a majority had, and nobody may guess. */
function cutBack(turn: Turn, diverging: OffsetAndEpoch): void {
  const { quorum, effects } = turn;
  const to = quorum.log.cutFor(diverging);
  if (to < quorum.highWatermark) {
    return distrust(turn, `the leader’s log diverges at ${to}, below the high watermark ${quorum.highWatermark}`);
  }
  quorum.log.truncate(to);
  quorum.voters.truncate(to);
  effects.push({ kind: 'truncate', to });
}

/** A voter that is found elsewhere than the log says tells its leader, again after a while. */
export function tellOfMove(turn: Turn): void {
  const { quorum, nowMs } = turn;
  if (!hasMoved(quorum) || nowMs < quorum.nextUpdateMs) return;
  const { settings, own: voter, epoch, leaderId } = quorum;
  quorum.nextUpdateMs = nowMs + settings.fetchTimeoutMs;
  send(turn, leaderId, { api: 'UpdateRaftVoter', epoch, voter: voter!, timeoutMs: settings.fetchTimeoutMs });
}

export function takeSnapshotPart(
  turn: Turn,
  from: number,
  request: FetchSnapshotRequest,
  response: FetchSnapshotResponse,
): void {
  const { quorum, effects } = turn;
  const hasFailed = !isOurs(turn, from, request, response);
  if (quorum.role.kind !== 'follower' || quorum.role.download === undefined) return;
  const { download } = quorum.role;
  const { snapshot, position, bytes, sizeInBytes, error } = response;
  if (error === 'SNAPSHOT_NOT_FOUND' || error === 'POSITION_OUT_OF_RANGE') quorum.role.download = undefined;
  if (hasFailed || position !== download.position || snapshot.offset !== download.snapshot.offset) return;
  effects.push({ kind: 'writeSnapshot', snapshot, position, bytes });
  download.position += bytes.length;
  if (download.position < sizeInBytes) return;
  download.isWhole = true;
  effects.push({ kind: 'installSnapshot', snapshot, sizeInBytes });
}

/** A request that nobody answered. */
export function fetchFailed({ quorum, nowMs }: Turn, request: RaftRequest): void {
  if (quorum.fetching !== request) return;
  quorum.fetching = undefined;
  quorum.fetchNotBeforeMs = nowMs + quorum.settings.retryBackoffMs;
}
