/**
 * Fetch: reads what is there, and parks the request while that is less than it asked for.
 *
 *     handle → read all → enough, an error, or no time to wait → answer
 *                       → else parked on its partitions ── one of them moves → read again
 *                                                       ── time is up, or the broker stops → answer what is there
 *
 * Invariant: a parked fetch is woken by its own partitions only, and answered exactly once. Sessions are not kept: the
 * session id in the answer is 0, which every client understands.
 */
import type { Timer } from '@meridian/io';
import { ERROR, Fetch, type RequestOf } from '@meridian/protocol';
import type { FetchWaiter } from '../partition/fetch-waiters.ts';
import type { Partition } from '../partition/partition.ts';
import { type FetchAsk, type FetchedPartition, fetchError, readPartition } from '../partition/read.ts';
import { type Handler, type HandlerReach, LATER, type RequestHeader } from './handler.ts';

type Request = RequestOf<typeof Fetch>;
type Header = RequestHeader<typeof Fetch>;
type Reach = Pick<HandlerReach, 'partitions' | 'timers' | 'limits'>;

/** From this version on a topic goes by its id. */
const BY_ID_SINCE = 13;
const NO_SESSION = 0;
/** Session epochs of a fetch that wants none, or a new one. */
const SESSIONLESS = [-1, 0];
const READ_COMMITTED = 1;

export function createFetchHandler(reach: Reach): Handler<typeof Fetch> {
  return {
    api: Fetch,
    handle(request, header) {
      if (!SESSIONLESS.includes(request.sessionEpoch)) {
        return { errorCode: ERROR.FETCH_SESSION_ID_NOT_FOUND, sessionId: NO_SESSION, responses: [] };
      }
      new FetchInWork(request, header, reach).start();
      return LATER;
    },
  };
}

/** One partition asked for; `partition` is undefined if it is not here, and `errorCode` says why. */
interface Asked {
  readonly ask: FetchAsk;
  readonly partition: Partition | undefined;
  readonly errorCode: number;
}

interface AskedTopic {
  readonly topic: string;
  readonly topicId: string;
  readonly asked: readonly Asked[];
}

interface ReadTopic {
  readonly topic: string;
  readonly topicId: string;
  readonly partitions: readonly FetchedPartition[];
}

class FetchInWork implements FetchWaiter {
  readonly #request: Request;
  readonly #header: Header;
  readonly #reach: Reach;
  readonly #topics: readonly AskedTopic[];
  #timer: Timer | undefined;

  constructor(request: Request, header: Header, reach: Reach) {
    this.#request = request;
    this.#header = header;
    this.#reach = reach;
    this.#topics = request.topics.map((topic) => ({
      topic: topic.topic,
      topicId: topic.topicId,
      asked: topic.partitions.map((ask) => this.#find(topic, ask)),
    }));
  }

  start(): void {
    const { maxWaitMs } = this.#request;
    if (this.#answerIf(maxWaitMs <= 0 || this.#topics.length === 0)) return;
    for (const partition of this.#partitions()) partition.waiters.add(this);
    const waitMs = Math.min(maxWaitMs, this.#reach.limits.maxFetchWaitMs);
    const giveUp = (): void => void this.#answerIf(true);
    this.#timer = this.#reach.timers.after(waitMs, giveUp);
    this.#header.onAbandon = giveUp;
  }

  wake(): void {
    this.#answerIf(false);
  }

  #find(topic: Request['topics'][number], ask: Request['topics'][number]['partitions'][number]): Asked {
    const { partitions } = this.#reach;
    const isById = this.#header.version >= BY_ID_SINCE;
    const index = ask.partition;
    const partition = isById ? partitions.byId(topic.topicId, index) : partitions.byName(topic.topic, index);
    if (partition !== undefined) {
      const isInternal = this.#header.source.listener === 'internal';
      return { ask: isInternal ? ask : { ...ask, originEpochsFrom: -1 }, partition, errorCode: ERROR.NONE };
    }
    const errorCode = isById ? partitions.errorById(topic.topicId, index) : partitions.errorByName(topic.topic, index);
    return { ask, partition, errorCode };
  }

  /** Reads everything, and answers if that is enough, or if `anyway`. */
  #answerIf(anyway: boolean): boolean {
    const { minBytes, maxBytes, isolationLevel } = this.#request;
    let left = Math.min(Math.max(0, maxBytes), this.#reach.limits.maxFetchBytes);
    let bytes = 0;
    let isUrgent = anyway;
    const read = ({ ask, partition, errorCode }: Asked): FetchedPartition => {
      if (partition === undefined) {
        isUrgent = true;
        return fetchError(ask.partition, errorCode);
      }
      const options = { maxBytes: left, minOneBatch: bytes === 0, committedOnly: isolationLevel === READ_COMMITTED };
      const fetched = readPartition(partition, ask, options);
      bytes += fetched.bytes;
      left -= fetched.bytes;
      if (fetched.errorCode !== ERROR.NONE || fetched.divergingEpoch !== undefined) isUrgent = true;
      return fetched;
    };
    const responses = this.#topics.map(
      ({ topic, topicId, asked }): ReadTopic => ({ topic, topicId, partitions: asked.map(read) }),
    );
    if (!isUrgent && bytes < minBytes) return false;
    this.#leave();
    this.#header.answer({ errorCode: ERROR.NONE, sessionId: NO_SESSION, responses });
    return true;
  }

  #leave(): void {
    if (this.#timer === undefined) return;
    this.#timer.cancel();
    this.#timer = undefined;
    this.#header.onAbandon = undefined;
    for (const partition of this.#partitions()) partition.waiters.remove(this);
  }

  *#partitions(): Iterable<Partition> {
    for (const { asked } of this.#topics) {
      for (const { partition } of asked) if (partition !== undefined) yield partition;
    }
  }
}
