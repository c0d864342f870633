/**
 * Fetches all partitions that this broker follows from one leader, over one connection and one fetch session. Made by
 * `replication.ts` with the first of them.
 *
 *     nothing due     one long poll is out
 *     something due   (a new partition, one whose disk or rest held it up) a second request goes out behind it; the
 *                     leader answers the first at once, so nobody waits for a poll to end
 *     an error        of a partition: it rests; of the connection or the session: the session begins anew
 *
 * Invariant: at most two requests are out, and what an answer says is given to a partition only while it still asks so.
 */
import type { Io, Logger, Timer } from '@meridian/io';
import { ERROR, errorName, Fetch, type RequestInput, type ResponseOf } from '@meridian/protocol';
import type { Partition } from '../partition/partition.ts';
import type { NodeAddress, Peers } from '../peers/peers.ts';
import { FetcherSession, type FollowedPart } from './fetcher-session.ts';
import { REPLICATION_LIMITS } from './limits.ts';
import type { Throttle } from './throttle.ts';

export interface FetcherSettings {
  readonly maxBytes: number;
  readonly responseMaxBytes: number;
  readonly minBytes: number;
  readonly maxWaitMs: number;
  readonly backoffMs: number;
  /** Bytes in a second that throttled partitions may take together. */
  readonly throttledRate: number;
}

export interface ReplicaFetcherOptions {
  readonly io: Pick<Io, 'clock' | 'timers'>;
  readonly logger: Logger;
  readonly peers: Peers;
  readonly nodeId: number;
  readonly leader: number;
  /** Undefined while the leader has none that is known. */
  readonly address: () => NodeAddress | undefined;
  readonly brokerEpoch: () => number;
  /** Of all fetchers together. */
  readonly throttle: Throttle;
  /** Asked before every request, as they may change. */
  readonly settings: () => FetcherSettings;
}

type Answer = ResponseOf<typeof Fetch>;
type AnsweredPartition = Answer['responses'][number]['partitions'][number];

export class ReplicaFetcher {
  readonly #options: ReplicaFetcherOptions;
  readonly #session = new FetcherSession();
  #inFlight = 0;
  /** Moves when the session begins anew: what is under way is of another. */
  #generation = 0;
  #troubles = 0;
  /** After trouble with the connection or the session. */
  #restsUntilMs = 0;
  #rest: Timer | undefined;
  #restEndMs = Number.POSITIVE_INFINITY;
  #isArmed = false;
  #isClosed = false;

  constructor(options: ReplicaFetcherOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#session.size;
  }

  add(partition: Partition): void {
    this.#session.add(partition);
    this.#sendSoon();
  }

  remove(partition: Partition): void {
    this.#session.remove(partition);
    if (this.#session.size > 0) this.#sendSoon();
  }

  /** It may be asked for again. */
  ready(partition: Partition): void {
    const part = this.#session.find(partition.topicId, partition.index);
    if (part === undefined || part.asked !== undefined) return;
    this.#session.due(part);
    this.#sendSoon();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#rest?.cancel();
    const address = this.#options.address();
    if (address === undefined) return;
    const body = { ...this.#question(), ...this.#session.last(), maxWaitMs: 0 };
    this.#options.peers
      .send(address, PURPOSE, Fetch, body, { timeoutMs: REPLICATION_LIMITS.farewellTimeoutMs })
      .catch(() => {});
  }

  /** What becomes due in one turn goes out together. */
  #sendSoon(): void {
    if (this.#isArmed || this.#isClosed) return;
    this.#isArmed = true;
    this.#options.io.timers.defer(() => {
      this.#isArmed = false;
      this.#sendMore();
    });
  }

  #sendMore(): void {
    if (this.#isClosed || this.#options.io.clock.monotonic() < this.#restsUntilMs) return;
    if (this.#inFlight === 0) {
      if (this.#session.size > 0) void this.#send();
    } else if (this.#inFlight === 1 && this.#session.isOpen && this.#session.hasDue) void this.#send();
  }

  /** Not what rests, and not what has to wait for the throttle: only replicas that are in sync go before it. */
  readonly #mayAsk = (part: FollowedPart): boolean => {
    const nowMs = this.#options.io.clock.monotonic();
    const { partition } = part;
    if (partition.isThrottledAsFollower && !partition.isInSync && this.#options.throttle.isExceeded) {
      part.restsUntilMs = nowMs + REPLICATION_LIMITS.throttledRetryMs;
      this.#wakeAt(part.restsUntilMs);
    }
    return part.restsUntilMs <= nowMs;
  };

  #question(): Omit<RequestInput<typeof Fetch>, 'topics'> {
    const { nodeId, brokerEpoch, settings } = this.#options;
    const { maxWaitMs, minBytes, responseMaxBytes } = settings();
    const replicaState = { replicaId: nodeId, replicaEpoch: brokerEpoch() };
    return { replicaState, maxWaitMs, minBytes, maxBytes: responseMaxBytes };
  }

  async #send(): Promise<void> {
    const { peers, address, settings } = this.#options;
    const to = address();
    if (to === undefined) return this.#beginAnew('no address of the leader is known');
    const generation = this.#generation;
    const { maxBytes, maxWaitMs } = settings();
    const body = { ...this.#question(), ...this.#session.next(this.#mayAsk, maxBytes) };
    this.#inFlight++;
    let answer: Answer;
    try {
      const timeoutMs = maxWaitMs + REPLICATION_LIMITS.fetchTimeoutMs;
      const call = { timeoutMs, minVersion: LEAST_VERSION, borrows: true };
      answer = (await peers.send(to, PURPOSE, Fetch, body, call)).body;
    } catch (error) {
      if (generation === this.#generation) this.#beginAnew((error as Error).message);
      return;
    }
    if (generation !== this.#generation || this.#isClosed) return;
    this.#inFlight--;
    if (answer.errorCode !== ERROR.NONE) return this.#beginAnew(errorName(answer.errorCode));
    this.#troubles = 0;
    this.#session.began(answer.sessionId);
    this.#distribute(answer);
    this.#sendMore();
  }

  #distribute({ responses }: Answer): void {
    for (const { topicId, partitions } of responses) {
      for (const answered of partitions) {
        const part = this.#session.find(topicId, answered.partitionIndex);
        if (part?.asked !== undefined) this.#take(part, answered);
      }
    }
  }

  #take(part: FollowedPart, answered: AnsweredPartition): void {
    const asked = part.asked!;
    const after = part.partition.takeReplicaAnswer(asked, answered);
    if (after === 'ask later') {
      part.restsUntilMs = this.#options.io.clock.monotonic() + this.#backoffMs(part.troubles++);
      this.#wakeAt(part.restsUntilMs);
      this.#session.due(part); // to be forgotten by the leader meanwhile
      return;
    }
    const bytes = answered.records?.[0]?.length ?? 0;
    if (bytes > 0 && part.partition.isThrottledAsFollower) this.#options.throttle.note(bytes);
    const hasNews = bytes > 0 || answered.errorCode !== ERROR.NONE;
    if (hasNews) part.troubles = 0;
    if (hasNews || after === 'void' || hasMoved(part, asked)) this.#session.due(part);
  }

  /** After what concerns the whole connection. */
  #beginAnew(reason: string): void {
    const { logger, leader } = this.#options;
    this.#generation++;
    this.#inFlight = 0;
    this.#session.reset();
    if (this.#isClosed) return;
    const delayMs = this.#backoffMs(this.#troubles++);
    logger.info('fetching from a leader begins anew', { leader, reason, delayMs });
    this.#restsUntilMs = this.#options.io.clock.monotonic() + delayMs;
    this.#wakeAt(this.#restsUntilMs);
  }

  #backoffMs(troubles: number): number {
    const { backoffMs } = this.#options.settings();
    return Math.min(backoffMs, REPLICATION_LIMITS.backoffBaseMs * 2 ** Math.min(troubles, MAX_DOUBLINGS));
  }

  /** One timer for whatever rests, armed for the earliest. */
  #wakeAt(timeMs: number): void {
    if (timeMs >= this.#restEndMs) return;
    const { clock, timers } = this.#options.io;
    this.#rest?.cancel();
    this.#restEndMs = timeMs;
    this.#rest = timers.after(Math.max(0, timeMs - clock.monotonic()), () => {
      this.#rest = undefined;
      this.#restEndMs = Number.POSITIVE_INFINITY;
      this.#wakeRested();
      this.#sendMore();
    });
  }

  #wakeRested(): void {
    const nowMs = this.#options.io.clock.monotonic();
    if (this.#restsUntilMs > nowMs) this.#wakeAt(this.#restsUntilMs);
    for (const part of this.#session.parts()) {
      if (part.restsUntilMs === 0) continue;
      if (part.restsUntilMs > nowMs) {
        this.#wakeAt(part.restsUntilMs);
        continue;
      }
      part.restsUntilMs = 0;
      this.#session.due(part);
    }
  }
}

/** The connections of fetchers; replica state came with this version. */
const PURPOSE = 'replica';
const LEAST_VERSION = 15;
const MAX_DOUBLINGS = 10;

function hasMoved({ partition }: FollowedPart, asked: NonNullable<FollowedPart['asked']>): boolean {
  const now = partition.replicaAsk;
  return now === undefined || now.fetchOffset !== asked.fetchOffset || now.logStartOffset !== asked.logStartOffset;
}
