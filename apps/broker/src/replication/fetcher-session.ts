/**
 * What a follower has told one leader in its fetch session (KIP-227): which partitions, from where. The fetcher asks it
 * for the next request. Invariant: a partition that an answer had something of is named again before the leader sends
 * more of it, and what has not changed is not named.
 */
import type { Fetch, RequestInput } from '@meridian/protocol';
import type { ReplicaAsk } from '../partition/follower-role.ts';
import type { Partition } from '../partition/partition.ts';

type Request = RequestInput<typeof Fetch>;
type Topics = Request['topics'];

/** One partition that is fetched from this leader. */
export interface FollowedPart {
  readonly partition: Partition;
  /** As the leader knows it; undefined if its session does not have it. */
  asked: ReplicaAsk | undefined;
  /** In the list of those that the next request is about. */
  isDue: boolean;
  /** After trouble: not asked for before; and how often in a row there was some. */
  restsUntilMs: number;
  troubles: number;
  isGone: boolean;
}

const NO_SESSION = 0;
const FIRST_EPOCH = 0;
const FINAL_EPOCH = -1;
const MAX_EPOCH = 2 ** 31 - 1;

export class FetcherSession {
  readonly #topics = new Map<string, (FollowedPart | undefined)[]>();
  #due: FollowedPart[] = [];
  #id = NO_SESSION;
  #epoch = FIRST_EPOCH;
  #isTold = false;
  #size = 0;

  /** Partitions that are followed. */
  get size(): number {
    return this.#size;
  }

  /** The leader has told its id, so that requests can follow one another. */
  get isOpen(): boolean {
    return this.#epoch !== FIRST_EPOCH && this.#isTold;
  }

  get hasDue(): boolean {
    return this.#due.length > 0;
  }

  find(topicId: string, index: number): FollowedPart | undefined {
    return this.#topics.get(topicId)?.[index];
  }

  *parts(): Iterable<FollowedPart> {
    for (const parts of this.#topics.values()) for (const part of parts) if (part !== undefined) yield part;
  }

  add(partition: Partition): void {
    let parts = this.#topics.get(partition.topicId);
    if (parts === undefined) this.#topics.set(partition.topicId, (parts = []));
    while (parts.length < partition.index) parts.push(undefined);
    const asked = parts[partition.index]?.asked;
    if (parts[partition.index] === undefined) this.#size++;
    const part = { partition, asked, isDue: false, restsUntilMs: 0, troubles: 0, isGone: false };
    parts[partition.index] = part;
    this.due(part);
  }

  remove(partition: Partition): void {
    const parts = this.#topics.get(partition.topicId);
    const part = parts?.[partition.index];
    if (parts === undefined || part?.partition !== partition) return;
    parts[partition.index] = undefined;
    if (parts.every((each) => each === undefined)) this.#topics.delete(partition.topicId);
    this.#size--;
    part.isGone = true;
    this.due(part);
  }

  /** The next request is about it. */
  due(part: FollowedPart): void {
    if (part.isDue) return;
    part.isDue = true;
    this.#due.push(part);
  }

  /** The session is begun anew with the next request, which names everything. */
  reset(): void {
    this.#epoch = FIRST_EPOCH;
    this.#isTold = false;
    for (const part of this.#due) part.isDue = false;
    this.#due = [];
    for (const parts of this.#topics.values()) {
      for (const part of parts) {
        if (part === undefined) continue;
        part.asked = undefined;
        this.due(part);
      }
    }
  }

  /** The leader's word on it. */
  began(sessionId: number): void {
    this.#id = sessionId;
    this.#isTold = true;
  }

  /** What the next request says of session and partitions; those for whom `mayAsk` is false are left out. */
  next(
    mayAsk: (part: FollowedPart) => boolean,
    partitionMaxBytes: number,
  ): Pick<Request, 'sessionId' | 'sessionEpoch' | 'topics' | 'forgottenTopicsData'> {
    const named: FollowedPart[] = [];
    const forgotten: FollowedPart[] = [];
    for (const part of this.#due) {
      part.isDue = false;
      const ask = part.isGone || !mayAsk(part) ? undefined : part.partition.replicaAsk;
      if (ask !== undefined) named.push(part);
      else if (part.asked !== undefined && !this.#isBack(part)) forgotten.push(part);
      part.asked = ask;
    }
    this.#due = [];
    const sessionEpoch = this.#epoch;
    this.#epoch = sessionEpoch === MAX_EPOCH ? 1 : sessionEpoch + 1;
    const isFirst = sessionEpoch === FIRST_EPOCH;
    return {
      sessionId: this.#id,
      sessionEpoch,
      topics: topicsOf(named, partitionMaxBytes),
      forgottenTopicsData: isFirst ? [] : forgottenOf(forgotten),
    };
  }

  /** It went and came again: then it is named, and the leader has it anew. */
  #isBack({ isGone, partition }: FollowedPart): boolean {
    return isGone && this.find(partition.topicId, partition.index) !== undefined;
  }

  /** A request that ends the session. */
  last(): Pick<Request, 'sessionId' | 'sessionEpoch' | 'topics' | 'forgottenTopicsData'> {
    return { sessionId: this.#id, sessionEpoch: FINAL_EPOCH, topics: [], forgottenTopicsData: [] };
  }
}

/** Neighbours of one topic share its entry. */
function topicsOf(parts: readonly FollowedPart[], partitionMaxBytes: number): Topics {
  const topics: { topic: string; topicId: string; partitions: Topics[number]['partitions'][number][] }[] = [];
  for (const { partition, asked } of parts) {
    const { leaderEpoch, fetchOffset, lastFetchedEpoch, logStartOffset, originEpochsFrom } = asked!;
    const entry = {
      partition: partition.index,
      currentLeaderEpoch: leaderEpoch,
      fetchOffset,
      lastFetchedEpoch,
      logStartOffset,
      partitionMaxBytes,
      originEpochsFrom,
    };
    const last = topics.at(-1);
    if (last?.topicId === partition.topicId) last.partitions.push(entry);
    else topics.push({ topic: partition.topic, topicId: partition.topicId, partitions: [entry] });
  }
  return topics;
}

function forgottenOf(parts: readonly FollowedPart[]): NonNullable<Request['forgottenTopicsData']> {
  const topics: { topic: string; topicId: string; partitions: number[] }[] = [];
  for (const { partition } of parts) {
    const last = topics.at(-1);
    if (last?.topicId === partition.topicId) last.partitions.push(partition.index);
    else topics.push({ topic: partition.topic, topicId: partition.topicId, partitions: [partition.index] });
  }
  return topics;
}
