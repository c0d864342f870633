/**
 * Fetches of followers: finds the session, reads what has news, and parks the request while nothing has. Asked by the
 * Fetch handler for whatever bears a replica id on the internal listener.
 *
 *     request comes   one that is parked on the session is answered with nothing; then, if anything has news: answered
 *     parked          answered as soon as something has news (with all that came in the same turn), a little later for a
 *                     high watermark alone, with nothing when its time is up
 *     first request   of a session: answered at once, so that others can follow it
 *
 * Invariant: at most one request is parked on a session, and each is answered once.
 */
import type { Timer } from '@meridian/io';
import { ERROR, type Fetch, type RequestOf } from '@meridian/protocol';
import type { HandlerReach, RequestHeader } from '../apis/handler.ts';
import { brokerConfigNumber } from '../controller/configs/effective.ts';
import type { FetchedPartition } from '../partition/read.ts';
import { REPLICATION_LIMITS } from '../replication/limits.ts';
import { Throttle } from '../replication/throttle.ts';
import { type ReplicaPart, ReplicaSession, type SessionOwner } from './replica-session.ts';

type Request = RequestOf<typeof Fetch>;
type Header = RequestHeader<typeof Fetch>;
type Reach = Pick<
  HandlerReach,
  'partitions' | 'timers' | 'limits' | 'random' | 'monotonic' | 'image' | 'configSources'
>;

const NO_SESSION = 0;
const NEW_SESSION_EPOCH = 0;
const FINAL_EPOCH = -1;
const MAX_ID = 2 ** 31 - 1;

export class ReplicaFetches {
  readonly #reach: Reach;
  /** Of all followers together. */
  readonly #throttle: Throttle;
  readonly #byReplica = new Map<number, ReplicaFetch>();

  constructor(reach: Reach) {
    this.#reach = reach;
    const rate = (): number => brokerConfigNumber(reach.configSources, 'leader.replication.throttled.rate');
    this.#throttle = new Throttle({ monotonic: reach.monotonic }, rate);
  }

  handle(request: Request, header: Header): void {
    const { replicaId, replicaEpoch } = identityOf(request);
    const current = this.#byReplica.get(replicaId);
    const refuse = (errorCode: number): void => header.answer({ errorCode, sessionId: NO_SESSION, responses: [] });
    // A life that is over: the broker has registered anew.
    const registered = this.#reach.image.brokers.get(replicaId)?.epoch ?? -1;
    const isStale = replicaEpoch < Math.max(registered, current?.session.brokerEpoch ?? -1);
    if (isStale) return refuse(ERROR.STALE_BROKER_EPOCH);
    const { sessionId, sessionEpoch } = request;
    if (sessionEpoch === NEW_SESSION_EPOCH || sessionEpoch === FINAL_EPOCH) {
      if (current !== undefined && (sessionEpoch === NEW_SESSION_EPOCH || current.session.id === sessionId)) {
        this.#byReplica.delete(replicaId);
        current.close();
      }
      if (sessionEpoch === FINAL_EPOCH && sessionId !== NO_SESSION) return refuse(ERROR.NONE);
      return this.#begin(request, header);
    }
    if (current?.session.id !== sessionId) return refuse(ERROR.FETCH_SESSION_ID_NOT_FOUND);
    if (current.session.epoch !== sessionEpoch) return refuse(ERROR.INVALID_FETCH_SESSION_EPOCH);
    current.goOn(request, header);
  }

  #begin(request: Request, header: Header): void {
    const fetch = new ReplicaFetch(this.#reach, identityOf(request), this.#throttle);
    if (request.sessionEpoch === NEW_SESSION_EPOCH) this.#byReplica.set(fetch.session.replicaId, fetch);
    fetch.begin(request, header);
    if (request.sessionEpoch !== NEW_SESSION_EPOCH) fetch.close();
  }
}

/** Since version 15 the epoch comes with it. */
function identityOf({ replicaId, replicaState }: Request): { replicaId: number; replicaEpoch: number } {
  return replicaState.replicaId >= 0 ? replicaState : { replicaId, replicaEpoch: -1 };
}

/** A session, and the request that is parked on it. */
class ReplicaFetch implements SessionOwner {
  readonly session: ReplicaSession;
  readonly #reach: Reach;
  #parked: { readonly request: Request; readonly header: Header; readonly timer: Timer } | undefined;
  #isAnsweringSoon = false;
  #committedTimer: Timer | undefined;
  #throttledTimer: Timer | undefined;
  #remindMs = 0;

  constructor(reach: Reach, { replicaId, replicaEpoch }: ReturnType<typeof identityOf>, throttle: Throttle) {
    this.#reach = reach;
    const { partitions, random } = reach;
    const id = 1 + Math.floor(random() * (MAX_ID - 1));
    this.session = new ReplicaSession({ id, replicaId, brokerEpoch: replicaEpoch, partitions, owner: this, throttle });
  }

  begin(request: Request, header: Header): void {
    this.session.update(request);
    this.#answer(request, header);
  }

  goOn(request: Request, header: Header): void {
    this.#answerParked();
    const { session } = this;
    session.epoch = session.epoch === MAX_ID ? 1 : session.epoch + 1;
    const { replicaEpoch } = identityOf(request);
    const nowMs = this.#reach.monotonic();
    const isNew = session.brokerEpoch !== replicaEpoch;
    session.brokerEpoch = replicaEpoch;
    session.update(request);
    if (isNew || nowMs >= this.#remindMs) {
      this.#remindMs = nowMs + this.#reach.limits.replicaReminderMs;
      session.remind();
    }
    if (session.hasNews || request.maxWaitMs <= 0) return this.#answer(request, header);
    this.#park(request, header);
  }

  close(): void {
    this.#committedTimer?.cancel();
    this.#throttledTimer?.cancel();
    this.#answerParked();
    this.session.close();
  }

  /** At the end of the turn: other partitions may have news by then. */
  onNews(): void {
    if (this.#parked === undefined || this.#isAnsweringSoon) return;
    this.#isAnsweringSoon = true;
    this.#reach.timers.defer(() => {
      this.#isAnsweringSoon = false;
      if (this.session.hasNews) this.#answerParked();
    });
  }

  onCommitted(): void {
    if (this.#committedTimer !== undefined) return;
    this.#committedTimer = this.#reach.timers.after(this.#reach.limits.replicaHighWatermarkDelayMs, () => {
      this.#committedTimer = undefined;
      this.#answerParked();
    });
  }

  onThrottled(): void {
    if (this.#throttledTimer !== undefined) return;
    this.#throttledTimer = this.#reach.timers.after(REPLICATION_LIMITS.throttledRetryMs, () => {
      this.#throttledTimer = undefined;
      this.session.release();
    });
  }

  #park(request: Request, header: Header): void {
    const waitMs = Math.min(request.maxWaitMs, this.#reach.limits.maxFetchWaitMs);
    const timer = this.#reach.timers.after(waitMs, () => this.#answerParked());
    this.#parked = { request, header, timer };
    header.onAbandon = () => this.#answerParked();
  }

  #answerParked(): void {
    const parked = this.#parked;
    if (parked === undefined) return;
    this.#parked = undefined;
    parked.timer.cancel();
    parked.header.onAbandon = undefined;
    this.#answer(parked.request, parked.header);
  }

  #answer(request: Request, header: Header): void {
    const maxBytes = Math.min(Math.max(0, request.maxBytes), this.#reach.limits.maxFetchBytes);
    const { parts, fetched } = this.session.read(maxBytes);
    const sessionId = request.sessionEpoch === FINAL_EPOCH ? NO_SESSION : this.session.id;
    header.answer({ errorCode: ERROR.NONE, sessionId, responses: byTopic(parts, fetched) });
  }
}

interface ReadTopic {
  readonly topic: string;
  readonly topicId: string;
  readonly partitions: FetchedPartition[];
}

/** Neighbours of the same topic are answered together. */
function byTopic(parts: readonly ReplicaPart[], fetched: readonly FetchedPartition[]): ReadTopic[] {
  const topics: ReadTopic[] = [];
  let last: ReadTopic | undefined;
  for (let i = 0; i < parts.length; i++) {
    const { topic, topicId } = parts[i]!;
    if (last === undefined || last.topicId !== topicId) topics.push((last = { topic, topicId, partitions: [] }));
    last.partitions.push(fetched[i]!);
  }
  return topics;
}
