/**
 * What one leader has been told of our long polls (KIP-227): which partitions, from where; and what it said of each last.
 * So a request names only what has changed since the one before, and an answer only partitions with news. Kept by
 * `NodePoll`, for its main lane.
 *
 *   full (epoch 0) ──answered with an id──▶ incremental (epoch 1, 2, …) ──refused, or broken off──▶ full
 *        ▲──── the leader has no room ────┘
 *
 * A leader of ours reads on by itself behind its last answer, wherever that ends: requests can be sent ahead of answers.
 * Invariant: a partition without news stands as it was answered last; who reads on hears of it after every answer.
 */
import { ERROR, type Fetch, type RequestInput, type ResponseOf } from '@meridian/protocol';
import type { FetchPartition, PartitionAnswer } from './fetch-partition.ts';

type Request = RequestInput<typeof Fetch>;
export type Naming = Pick<Request, 'sessionId' | 'sessionEpoch' | 'topics' | 'forgottenTopicsData' | 'readsOn'>;
type Answer = ResponseOf<typeof Fetch>;

/** A partition as the leader's session has it. */
interface Told {
  readonly topic: string;
  readonly topicId: string;
  readonly index: number;
  /** −1: the leader has read on by itself. */
  position: number;
  generation: number;
  leaderEpoch: number;
  lastEpoch: number;
  originEpochs: number;
  maxBytes: number;
  /** The last request that it was part of. */
  round: number;
  /** What was answered last, without data; undefined: nothing yet. */
  quiet: PartitionAnswer | undefined;
}

const NO_SESSION = 0;
const FULL_EPOCH = 0;
const SESSIONLESS_EPOCH = -1;
const MAX_EPOCH = 2 ** 31 - 1;
const READ_ON = -1;

const SESSION_ERRORS: ReadonlySet<number> = new Set<number>([
  ERROR.FETCH_SESSION_ID_NOT_FOUND,
  ERROR.INVALID_FETCH_SESSION_EPOCH,
  ERROR.FETCH_SESSION_TOPIC_ID_ERROR,
]);

/** The leader does not go on with the session; nothing is wrong with the partitions. */
export const isSessionError = (errorCode: number): boolean => SESSION_ERRORS.has(errorCode);

export class FetchSession {
  private readonly told = new Map<FetchPartition, Told>();
  private id = NO_SESSION;
  private epoch = FULL_EPOCH;
  private round = 0;
  private isById = false;
  /** The leader has had room for it, when it was asked last. */
  isGiven = true;

  /** The next request is a full one, and ends what the leader still has. */
  reset(): void {
    this.epoch = FULL_EPOCH;
    this.told.clear();
  }

  /** What the next request says: of `partitions`, and of no others. `byId`: topics go by their ids. */
  next(partitions: readonly FetchPartition[], partitionMaxBytes: number, byId: boolean): Naming {
    if (byId !== this.isById) this.reset();
    this.isById = byId;
    return this.name(partitions, partitionMaxBytes, false);
  }

  get isOpen(): boolean {
    return this.epoch !== FULL_EPOCH;
  }

  /** Whether the leader knows by itself where the partition goes on behind the last request. */
  canReadOn(partition: FetchPartition): boolean {
    const told = this.told.get(partition);
    return told !== undefined && told.round === this.round && told.generation === partition.generation;
  }

  /** What a request says that is sent before the last one is answered. */
  nextOn(partitions: readonly FetchPartition[], partitionMaxBytes: number): Naming {
    return { ...this.name(partitions, partitionMaxBytes, true), readsOn: true };
  }

  private name(partitions: readonly FetchPartition[], partitionMaxBytes: number, readsOn: boolean): Naming {
    const before = this.round++;
    const isFull = this.epoch === FULL_EPOCH;
    const forgotten: Told[] = [];
    const named: FetchPartition[] = [];
    for (const partition of partitions) {
      if (readsOn && this.readOn(partition, before)) continue;
      if (this.tell(partition, partitionMaxBytes, forgotten)) named.push(partition);
    }
    if (this.told.size > partitions.length) this.forgetOthers(forgotten);
    const sessionEpoch = this.epoch;
    if (!isFull) this.epoch = this.epoch === MAX_EPOCH ? 1 : this.epoch + 1;
    return {
      sessionId: this.id,
      sessionEpoch,
      topics: topicsOf(named, partitionMaxBytes),
      forgottenTopicsData: isFull ? [] : forgottenOf(forgotten),
    };
  }

  /** Returns whether the answer to `naming` is an incremental one: what it does not name has no news. */
  take({ sessionId }: Answer, { sessionEpoch }: Naming): boolean {
    this.isGiven = sessionId !== NO_SESSION;
    if (!this.isGiven) this.reset();
    else if (sessionEpoch === FULL_EPOCH) this.epoch = FULL_EPOCH + 1;
    this.id = sessionId;
    return sessionEpoch !== FULL_EPOCH;
  }

  /** Of a partition that the answer named. */
  remember(partition: FetchPartition, answer: PartitionAnswer): void {
    const told = this.told.get(partition);
    if (told === undefined) return;
    const { errorCode, divergingEpoch, highWatermark, lastStableOffset, logStartOffset } = answer;
    if (errorCode !== ERROR.NONE || divergingEpoch.endOffset >= 0) {
      told.quiet = undefined; // the leader tells it again as long as it is so
      return;
    }
    const { quiet } = told;
    const isSame =
      quiet !== undefined &&
      quiet.highWatermark === highWatermark &&
      quiet.lastStableOffset === lastStableOffset &&
      quiet.logStartOffset === logStartOffset;
    if (!isSame) told.quiet = { ...answer, records: null, packed: null, abortedTransactions: null, originEpochs: [] };
  }

  /** Of a partition that the answer did not name. */
  quietOf(partition: FetchPartition): PartitionAnswer | undefined {
    return this.told.get(partition)?.quiet;
  }

  /** False: it was not part of the request before, in round `before`, or has moved since. */
  private readOn(partition: FetchPartition, before: number): boolean {
    const told = this.told.get(partition);
    if (told?.round !== before || told.generation !== partition.generation) return false;
    told.round = this.round;
    told.position = READ_ON;
    return true;
  }

  /** Returns whether the leader has to be told. */
  private tell(partition: FetchPartition, maxBytes: number, forgotten: Told[]): boolean {
    const { position, generation, leaderEpoch, lastEpoch, originEpochs, topicId } = partition;
    let told = this.told.get(partition);
    if (told !== undefined && told.topicId !== topicId) {
      if (this.isById) forgotten.push(told);
      told = undefined;
    }
    if (told === undefined) {
      const { topic, partition: index, position: from } = partition;
      const { round } = this;
      const asked = { position: from, generation, leaderEpoch, lastEpoch, originEpochs, maxBytes };
      this.told.set(partition, { topic, topicId, index, ...asked, round, quiet: undefined });
      return true;
    }
    const isSame =
      told.generation === generation && // else it may have left unheard what the leader would read on from
      told.position === position &&
      told.leaderEpoch === leaderEpoch &&
      told.lastEpoch === lastEpoch &&
      told.originEpochs === originEpochs &&
      told.maxBytes === maxBytes;
    told.round = this.round;
    if (isSame) return false;
    told.generation = generation;
    told.position = position;
    told.leaderEpoch = leaderEpoch;
    told.lastEpoch = lastEpoch;
    told.originEpochs = originEpochs;
    told.maxBytes = maxBytes;
    return true;
  }

  /** Those that are not fetched this time: paused, at rest, or gone. */
  private forgetOthers(forgotten: Told[]): void {
    for (const [partition, told] of this.told) {
      if (told.round === this.round) continue;
      this.told.delete(partition);
      const successor = this.successorOf(told);
      if (successor === undefined) forgotten.push(told);
      else successor.quiet ??= told.quiet; // the leader thinks it known, and says it again only when it changes
    }
  }

  /** Removed and added again, as another one: the leader has it under the same name. */
  private successorOf({ topic, topicId, index }: Told): Told | undefined {
    for (const [partition, other] of this.told) {
      if (other.round !== this.round || partition.partition !== index) continue;
      if (this.isById ? partition.topicId === topicId : partition.topic === topic) return other;
    }
    return undefined;
  }
}

/** A request by itself, which leaves the session alone. */
export function sessionless(partitions: readonly FetchPartition[], partitionMaxBytes: number): Naming {
  const topics = topicsOf(partitions, partitionMaxBytes);
  return { sessionId: NO_SESSION, sessionEpoch: SESSIONLESS_EPOCH, topics, forgottenTopicsData: [] };
}

/** Neighbours of one topic share its entry. */
function topicsOf(partitions: readonly FetchPartition[], partitionMaxBytes: number): Request['topics'] {
  type Entry = Request['topics'][number]['partitions'][number];
  const topics: { topic: string; topicId: string; partitions: Entry[] }[] = [];
  for (const partition of partitions) {
    const entry: Entry = {
      partition: partition.partition,
      currentLeaderEpoch: partition.leaderEpoch,
      fetchOffset: partition.position,
      lastFetchedEpoch: partition.lastEpoch,
      partitionMaxBytes,
      originEpochsFrom: partition.originEpochs,
    };
    const last = topics.at(-1);
    if (last?.topic === partition.topic) last.partitions.push(entry);
    else topics.push({ topic: partition.topic, topicId: partition.topicId, partitions: [entry] });
  }
  return topics;
}

function forgottenOf(forgotten: readonly Told[]): Request['forgottenTopicsData'] {
  const topics: { topic: string; topicId: string; partitions: number[] }[] = [];
  for (const { topic, topicId, index } of forgotten) {
    const last = topics.at(-1);
    if (last?.topicId === topicId && last.topic === topic) last.partitions.push(index);
    else topics.push({ topic, topicId, partitions: [index] });
  }
  return topics;
}
