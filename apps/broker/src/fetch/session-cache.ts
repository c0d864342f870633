/**
 * The fetch sessions of a broker. Asked by the Fetch handler about every request; bounded in sessions and in the
 * partitions of all of them together.
 *
 * Who has to go when a new session finds no slot, as in Apache Kafka: one that was not used for `evictionMs`; else the
 * smallest that is older than that, or of any age if it is a client's and the new one a peer's, unless the new one is
 * smaller still. Then the new one is not kept, and its client goes on with full fetches.
 * Invariant: an answer names a session only if it is kept.
 */
import { ERROR, type Fetch, type RequestOf } from '@meridian/protocol';
import { type FetchFinder, type FetchPart, partsOf } from './fetch-part.ts';
import { FetchSession, nextEpoch } from './fetch-session.ts';

type Request = RequestOf<typeof Fetch>;

export const NO_SESSION = 0;
const NEW_SESSION_EPOCH = 0;
const FINAL_EPOCH = -1;
const MAX_ID = 2 ** 31 - 1;

export interface SessionCacheOptions {
  readonly maxSessions: number;
  readonly maxPartitions: number;
  readonly evictionMs: number;
  readonly monotonic: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** What a fetch reads: by its request alone, for a new session, or as a session has it. */
export type FetchContext =
  | { readonly kind: 'full'; readonly parts: readonly FetchPart[]; readonly wantsSession: boolean }
  | { readonly kind: 'incremental'; readonly session: FetchSession; readonly epoch: number }
  | { readonly kind: 'refused'; readonly errorCode: number };

export class FetchSessionCache {
  readonly #options: SessionCacheOptions;
  /** Used longest ago first. */
  readonly #sessions = new Map<number, FetchSession>();
  #partitions = 0;

  constructor(options: SessionCacheOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** Partitions of all sessions. */
  get partitionCount(): number {
    return this.#partitions;
  }

  contextOf(request: Request, finder: FetchFinder): FetchContext {
    const { sessionId, sessionEpoch, topics } = request;
    if (sessionEpoch === FINAL_EPOCH || sessionEpoch === NEW_SESSION_EPOCH) {
      if (sessionId !== NO_SESSION) this.#removeById(sessionId);
      return { kind: 'full', parts: partsOf(topics, finder), wantsSession: sessionEpoch === NEW_SESSION_EPOCH };
    }
    const session = this.#sessions.get(sessionId);
    if (session === undefined) return { kind: 'refused', errorCode: ERROR.FETCH_SESSION_ID_NOT_FOUND };
    if (session.epoch !== sessionEpoch) return { kind: 'refused', errorCode: ERROR.INVALID_FETCH_SESSION_EPOCH };
    if (session.usesTopicIds !== finder.byId) return { kind: 'refused', errorCode: ERROR.FETCH_SESSION_TOPIC_ID_ERROR };
    return this.#continue(session, request, finder);
  }

  /** After a full fetch that wants a session: its id, or `NO_SESSION` if there is no room for it. */
  create(parts: readonly FetchPart[], { byId, isInternal }: FetchFinder): number {
    const nowMs = this.#options.monotonic();
    if (this.#partitions + parts.length > this.#options.maxPartitions) return NO_SESSION;
    if (this.#sessions.size >= this.#options.maxSessions && !this.#makeRoom(parts.length, isInternal, nowMs)) {
      return NO_SESSION;
    }
    const id = this.#newId();
    const session = new FetchSession({ id, usesTopicIds: byId, isPrivileged: isInternal, nowMs, parts });
    this.#sessions.set(id, session);
    this.#partitions += session.size;
    return id;
  }

  /** A session that grows beyond all bounds is ended; its client begins anew. */
  #continue(session: FetchSession, request: Request, finder: FetchFinder): FetchContext {
    session.begin(request.readsOn && finder.isInternal);
    const before = session.size;
    session.update(request, finder);
    this.#partitions += session.size - before;
    if (session.size === 0) {
      this.#remove(session);
      return { kind: 'full', parts: partsOf(request.topics, finder), wantsSession: false }; // named and forgotten at once
    }
    if (session.size > before && this.#partitions > this.#options.maxPartitions) {
      this.#remove(session);
      return { kind: 'refused', errorCode: ERROR.FETCH_SESSION_ID_NOT_FOUND };
    }
    session.usedMs = this.#options.monotonic();
    this.#sessions.delete(session.id);
    this.#sessions.set(session.id, session);
    const { epoch } = session;
    session.epoch = nextEpoch(epoch);
    return { kind: 'incremental', session, epoch: session.epoch };
  }

  #makeRoom(size: number, isPrivileged: boolean, nowMs: number): boolean {
    const oldest = this.#sessions.values().next().value;
    if (oldest === undefined) return false;
    if (nowMs - oldest.usedMs > this.#options.evictionMs) {
      this.#remove(oldest);
      return true;
    }
    let least: FetchSession | undefined;
    for (const session of this.#sessions.values()) {
      const isOld = nowMs - session.createdMs > this.#options.evictionMs;
      const mayGo = isOld || (isPrivileged && !session.isPrivileged);
      if (mayGo && (least === undefined || rank(session) < rank(least))) least = session;
    }
    if (least === undefined || rank({ isPrivileged, size }) < rank(least)) return false;
    this.#remove(least);
    return true;
  }

  #newId(): number {
    for (;;) {
      const id = 1 + Math.floor(this.#options.random() * (MAX_ID - 1));
      if (!this.#sessions.has(id)) return id;
    }
  }

  #removeById(id: number): void {
    const session = this.#sessions.get(id);
    if (session !== undefined) this.#remove(session);
  }

  #remove(session: FetchSession): void {
    this.#sessions.delete(session.id);
    this.#partitions -= session.size;
  }
}

/** The order in which sessions are given up: clients' before peers', small ones before large ones. */
function rank({ isPrivileged, size }: { readonly isPrivileged: boolean; readonly size: number }): number {
  return (isPrivileged ? 2 ** 32 : 0) + size;
}
