/**
 * A fetch session (KIP-227): the partitions that a client reads, so that it need not name them every time and is told
 * only of those with news. Kept by `session-cache.ts`.
 *
 *     epoch n comes  → the parts change as the request says, and epoch n + 1 is expected next
 *     any other      → INVALID_FETCH_SESSION_EPOCH, and nothing changes
 *
 * Invariant: a part with records moves behind all others, so that none starves when answers are full.
 */
import type { Fetch, RequestOf } from '@meridian/protocol';
import { type FetchFinder, FetchPart } from './fetch-part.ts';

type Request = Pick<RequestOf<typeof Fetch>, 'topics' | 'forgottenTopicsData'>;

const FIRST_EPOCH = 1;
const MAX_EPOCH = 2 ** 31 - 1;

/** Epochs go from 1 to the largest and then from 1 again. */
export function nextEpoch(epoch: number): number {
  return epoch === MAX_EPOCH ? FIRST_EPOCH : epoch + 1;
}

export class FetchSession {
  readonly id: number;
  readonly usesTopicIds: boolean;
  /** Of a broker or a mirror: clients never push it out. */
  readonly isPrivileged: boolean;
  readonly createdMs: number;
  usedMs: number;
  /** The one that the next request must carry. */
  epoch = FIRST_EPOCH;
  /** Answers the request that waits for records, if one does. */
  answerParked: (() => void) | undefined = undefined;
  readonly #parts = new Map<string, FetchPart>();
  /** Those to which the answer to the last request brought records: what an older one brought is not read on from. */
  readonly #answered: Set<FetchPart>;

  constructor(options: {
    id: number;
    usesTopicIds: boolean;
    isPrivileged: boolean;
    nowMs: number;
    parts: readonly FetchPart[];
  }) {
    this.id = options.id;
    this.usesTopicIds = options.usesTopicIds;
    this.isPrivileged = options.isPrivileged;
    this.createdMs = this.usedMs = options.nowMs;
    this.#answered = new Set(options.parts);
    for (const part of options.parts) this.#parts.set(this.#key(part, part.partition), part);
  }

  get size(): number {
    return this.#parts.size;
  }

  parts(): Iterable<FetchPart> {
    return this.#parts.values();
  }

  /** A request comes. One that `readsOn` goes on behind the answer to the one before, which is given now if it was not. */
  begin(readsOn: boolean): void {
    if (readsOn) {
      this.answerParked?.();
      for (const part of this.#answered) part.readOn();
    }
    this.#answered.clear();
  }

  /** Takes in what a request adds, changes and forgets; whatever has ended is looked for anew. */
  update({ topics, forgottenTopicsData }: Request, finder: FetchFinder): void {
    for (const topic of topics) {
      for (const ask of topic.partitions) {
        const key = this.#key(topic, ask.partition);
        const known = this.#parts.get(key);
        if (known !== undefined) known.update(ask, finder.isInternal);
        else this.#parts.set(key, new FetchPart(topic, ask, finder.isInternal));
      }
    }
    for (const topic of forgottenTopicsData) {
      for (const partition of topic.partitions) this.#parts.delete(this.#key(topic, partition));
    }
    for (const part of this.#parts.values()) part.find(finder);
  }

  /** It was answered records: others have their turn first. */
  moveToEnd(part: FetchPart): void {
    this.#answered.add(part);
    const key = this.#key(part, part.partition);
    if (this.#parts.delete(key)) this.#parts.set(key, part);
  }

  #key({ topic, topicId }: { topic: string; topicId: string }, partition: number): string {
    return `${this.usesTopicIds ? topicId : topic}-${partition}`;
  }
}
