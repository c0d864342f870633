/**
 * Fetch: reads what is there, and parks the request while that is less than it asked for.
 *
 *     handle → read all → enough, an error, or no time to wait → answer
 *                       → else parked on its partitions ── one of them moves → read again
 *                                                       ── time is up, or the broker stops → answer what is there
 *
 * In a session (`fetch/`) only partitions with news are answered, and quiet ones are not even read. Followers' fetches go
 * another way (`fetch/replica-fetches.ts`). What a far mirror wants compressed is so on its way out (`fetch/wire-packer.ts`).
 * Invariant: a parked fetch is woken by its own partitions only, and answered exactly once.
 */
import type { Timer } from '@meridian/io';
import { ERROR, Fetch, type RequestOf, type ResponseInput } from '@meridian/protocol';
import type { FetchFinder, FetchPart } from '../fetch/fetch-part.ts';
import { headersOf } from '../fetch/headers-only.ts';
import { preferredReplica } from '../fetch/preferred-replica.ts';
import { ReplicaFetches } from '../fetch/replica-fetches.ts';
import { type FetchContext, FetchSessionCache, NO_SESSION } from '../fetch/session-cache.ts';
import type { FetchWaiter } from '../partition/fetch-waiters.ts';
import type { Partition } from '../partition/partition.ts';
import { type ConsumerRead, type FetchedPartition, fetchError, readPartition } from '../partition/read.ts';
import { type Handler, type HandlerReach, LATER, type RequestHeader } from './handler.ts';
import { leaderNodes, leaderOf } from './leader-hint.ts';

type Request = RequestOf<typeof Fetch>;
type Header = RequestHeader<typeof Fetch>;
type Reach = Pick<
  HandlerReach,
  'partitions' | 'timers' | 'limits' | 'monotonic' | 'random' | 'image' | 'configSources' | 'facts' | 'packer'
>;
type AnswerHead = Pick<ResponseInput<typeof Fetch>, 'sessionId' | 'nodeEndpoints'>;
type Asking = Exclude<FetchContext, { kind: 'refused' }>;

/** From this version on a topic goes by its id. */
const BY_ID_SINCE = 13;
/** From this version on a client that came to the wrong broker is told the right one. */
const LEADER_SINCE = 16;
/** From this version on a client may read from any replica, as Apache Kafka has it. */
const ANY_REPLICA_SINCE = 11;
const READ_COMMITTED = 1;
/** Kafka's id of those who compare replicas: they read up to where each log ends. */
const DEBUGGING_REPLICA = -2;

export function createFetchHandler(reach: Reach): Handler<typeof Fetch> {
  const { limits, monotonic, random, partitions } = reach;
  const sessions = new FetchSessionCache({
    maxSessions: limits.maxFetchSessions,
    maxPartitions: limits.maxFetchSessionPartitions,
    evictionMs: limits.fetchSessionEvictionMs,
    monotonic,
    random,
  });
  const replicas = new ReplicaFetches(reach);
  return {
    api: Fetch,
    handle(request, header) {
      const isInternal = header.source.listener === 'internal';
      if (isOfReplica(request)) {
        if (!isInternal) {
          return { errorCode: ERROR.NONE, sessionId: NO_SESSION, responses: request.topics.map(refuseReplica) };
        }
        replicas.handle(request, header);
        return LATER;
      }
      const finder = { partitions, byId: header.version >= BY_ID_SINCE, isInternal };
      const context = sessions.contextOf(request, finder);
      if (context.kind === 'refused') {
        return { errorCode: context.errorCode, sessionId: NO_SESSION, responses: [] };
      }
      new FetchInWork({ request, header, reach, sessions, finder, context }).start();
      return LATER;
    },
  };
}

/** Whether it says to come from a broker; −1 and below are consumers. */
function isOfReplica({ replicaId, replicaState }: Request): boolean {
  return replicaId >= 0 || replicaState.replicaId >= 0;
}

/** As Apache Kafka answers one who may not act for the cluster. */
function refuseReplica({ topic, topicId, partitions }: Request['topics'][number]) {
  const refused = ({ partition }: { partition: number }) => fetchError(partition, ERROR.TOPIC_AUTHORIZATION_FAILED);
  return { topic, topicId, partitions: partitions.map(refused) };
}

interface ReadTopic {
  readonly topic: string;
  readonly topicId: string;
  readonly partitions: FetchedPartition[];
}

interface FetchWork {
  readonly request: Request;
  readonly header: Header;
  readonly reach: Reach;
  readonly sessions: FetchSessionCache;
  readonly finder: FetchFinder;
  readonly context: Asking;
}

/** What one look at all partitions has found; parallel lists. */
interface Look {
  readonly parts: FetchPart[];
  readonly fetched: FetchedPartition[];
  /** Those that are not here, which are told behind the others, as Apache Kafka does; parallel, too. */
  readonly absentParts: FetchPart[];
  readonly absent: FetchedPartition[];
  bytes: number;
  bytesLeft: number;
  /** Something cannot wait. */
  isUrgent: boolean;
}

class FetchInWork implements FetchWaiter {
  readonly #work: FetchWork;
  readonly #how: Omit<ConsumerRead, 'maxBytes' | 'minOneBatch'>;
  #timer: Timer | undefined;
  /** A session's parts may change while this waits; these are where it does. */
  readonly #parkedOn: Partition[] = [];

  constructor(work: FetchWork) {
    this.#work = work;
    const { version } = work.header;
    this.#how = {
      upTo: endOf(work.request),
      tellsLeader: version >= LEADER_SINCE,
      fromAnyReplica: version >= ANY_REPLICA_SINCE,
    };
  }

  start(): void {
    const { request, reach, header } = this.#work;
    if (this.#answerIf(request.maxWaitMs <= 0)) return;
    for (const { hosted } of this.#parts()) if (hosted !== undefined) this.#parkedOn.push(hosted);
    for (const hosted of this.#parkedOn) hosted.waiters.add(this);
    const waitMs = Math.min(request.maxWaitMs, reach.limits.maxFetchWaitMs);
    const giveUp = (): void => void this.#answerIf(true);
    this.#timer = reach.timers.after(waitMs, giveUp);
    header.onAbandon = giveUp;
    const { context } = this.#work;
    if (context.kind === 'incremental') context.session.answerParked = giveUp;
  }

  wake(): void {
    this.#answerIf(false);
  }

  #parts(): Iterable<FetchPart> {
    const { context } = this.#work;
    return context.kind === 'full' ? context.parts : context.session.parts();
  }

  /** Reads everything, and answers if that is enough, or if `anyway`. */
  #answerIf(anyway: boolean): boolean {
    const { request, reach } = this.#work;
    const bytesLeft = Math.min(Math.max(0, request.maxBytes), reach.limits.maxFetchBytes);
    const look: Look = {
      parts: [],
      fetched: [],
      absentParts: [],
      absent: [],
      bytes: 0,
      bytesLeft,
      isUrgent: anyway,
    };
    let isEmpty = true;
    for (const part of this.#parts()) {
      isEmpty = false;
      this.#read(part, look);
    }
    if (!look.isUrgent && !isEmpty && look.bytes < request.minBytes) return false;
    this.#leave();
    look.parts.push(...look.absentParts);
    look.fetched.push(...look.absent);
    this.#answer(look);
    return true;
  }

  #read(part: FetchPart, look: Look): void {
    const { context } = this.#work;
    const { hosted } = part;
    const isIncremental = context.kind === 'incremental';
    if (isIncremental && hosted !== undefined && part.isQuiet(hosted)) return;
    const fetched = hosted === undefined ? this.#absent(part) : this.#fetch(hosted, part, look);
    look.bytes += fetched.bytes;
    look.bytesLeft -= fetched.bytes;
    if (isUrgent(fetched)) look.isUrgent = true;
    if (isIncremental && !part.isNews(fetched)) return;
    (hosted === undefined ? look.absentParts : look.parts).push(part);
    (hosted === undefined ? look.absent : look.fetched).push(fetched);
  }

  #fetch(hosted: Partition, part: FetchPart, look: Look): FetchedPartition {
    const { request, reach, header } = this.#work;
    const minOneBatch = look.bytes === 0;
    const preferred =
      request.rackId === '' ? -1 : preferredReplica(hosted, part, request.rackId, header.source.listener, reach);
    const maxBytes = preferred === -1 ? look.bytesLeft : 0;
    const given = { ...this.#how, maxBytes, minOneBatch: minOneBatch && preferred === -1 };
    const fetched = readPartition(hosted, part, given);
    return preferred === -1 || fetched.errorCode !== ERROR.NONE
      ? fetched
      : { ...fetched, preferredReadReplica: preferred };
  }

  /** Not here; whoever knows the hint is told where. */
  #absent(part: FetchPart): FetchedPartition {
    const { errorCode, topic, topicId, partition } = part;
    if (errorCode !== ERROR.NOT_LEADER_OR_FOLLOWER || !this.#how.tellsLeader) return fetchError(partition, errorCode);
    const currentLeader = leaderOf(this.#work.reach.image, { topic, topicId }, partition);
    return { ...fetchError(partition, errorCode), currentLeader };
  }

  #answer(look: Look): void {
    const { context, header, sessions, finder, reach } = this.#work;
    const nodeEndpoints = leaderNodes(look.fetched, reach.image, header.source.listener);
    if (context.kind === 'full') {
      if (context.wantsSession) for (const [i, part] of look.parts.entries()) part.told(look.fetched[i]!);
      const sessionId = context.wantsSession ? sessions.create(context.parts, finder) : NO_SESSION;
      this.#send({ sessionId, nodeEndpoints }, look);
      return;
    }
    const { session, epoch } = context;
    if (session.epoch !== epoch) {
      // A later request of the session has come while this one was parked: the client has given it up.
      header.answer({ errorCode: ERROR.INVALID_FETCH_SESSION_EPOCH, sessionId: session.id, responses: [] });
      return;
    }
    look.parts.forEach((part, i) => {
      const fetched = look.fetched[i]!;
      part.told(fetched);
      if (fetched.bytes > 0) session.moveToEnd(part);
    });
    this.#send({ sessionId: session.id, nodeEndpoints }, look);
  }

  #send(head: AnswerHead, { parts, fetched }: Look): void {
    const { request, header, finder, reach } = this.#work;
    const answer = (told: readonly FetchedPartition[]): void =>
      header.answer({ errorCode: ERROR.NONE, ...head, responses: byTopic(parts, told) });
    if (!finder.isInternal) answer(fetched);
    else if (request.headersOnly) answer(fetched.map(headersOf));
    else if (request.wireCodec === 0) answer(fetched);
    else reach.packer.pack(request.wireCodec, fetched, answer);
  }

  #leave(): void {
    if (this.#timer === undefined) return;
    this.#timer.cancel();
    this.#timer = undefined;
    this.#work.header.onAbandon = undefined;
    const { context } = this.#work;
    if (context.kind === 'incremental') context.session.answerParked = undefined;
    for (const hosted of this.#parkedOn) hosted.waiters.remove(this);
  }
}

/** Not to be waited with. */
function isUrgent({ errorCode, divergingEpoch, preferredReadReplica }: FetchedPartition): boolean {
  return errorCode !== ERROR.NONE || divergingEpoch !== undefined || preferredReadReplica !== -1;
}

function endOf({ replicaId, replicaState, isolationLevel }: Request): ConsumerRead['upTo'] {
  if (replicaId === DEBUGGING_REPLICA || replicaState.replicaId === DEBUGGING_REPLICA) return 'log end';
  return isolationLevel === READ_COMMITTED ? 'last stable offset' : 'high watermark';
}

/** Neighbours of the same topic are answered together. */
function byTopic(parts: readonly FetchPart[], fetched: readonly FetchedPartition[]): ReadTopic[] {
  const topics: ReadTopic[] = [];
  let last: ReadTopic | undefined;
  for (let i = 0; i < parts.length; i++) {
    const { topic, topicId } = parts[i]!;
    if (last === undefined || last.topicId !== topicId || last.topic !== topic) {
      last = { topic, topicId, partitions: [] };
      topics.push(last);
    }
    last.partitions.push(fetched[i]!);
  }
  return topics;
}
