/**
 * The fetch session of one follower (KIP-227): what it follows here, and which of it has news. Partitions report to it,
 * so that a request costs what has changed and not what is followed. Kept by `replica-fetches.ts`.
 *
 *     named            its offset is the leader machine's from now on; it has news if there is more, or something is wrong
 *     log goes on      news
 *     told             no news before it is named again: the follower names whatever an answer brought something of
 *     still out of sync  its offset is told to the leader machine again, from time to time: it may be let in by now
 *     high watermark   is told with the next answer, which comes for its sake a little later
 *
 * Invariant: a session is one life's of one follower; its parts are watched exactly while it lasts.
 */
import { ERROR, type Fetch, type RequestOf } from '@meridian/protocol';
import type { Partition } from '../partition/partition.ts';
import type { PartitionTable } from '../partition/partition-table.ts';
import type { FetchAsk, FetchedPartition } from '../partition/read.ts';
import { fetchError } from '../partition/read.ts';
import { readForReplica, replicaProblem } from '../partition/replica-read.ts';
import type { ReplicaWatcher } from '../partition/replication-door.ts';
import type { Throttle } from '../replication/throttle.ts';

type Request = RequestOf<typeof Fetch>;
type Named = Request['topics'][number]['partitions'][number];

/** What the session asks of the fetch that may be parked on it. */
export interface SessionOwner {
  /** Something has news. */
  onNews(): void;
  /** Only a high watermark has. */
  onCommitted(): void;
  /** Something has, and has to wait: `release` is to be called later. */
  onThrottled(): void;
}

/** One partition that the follower follows. */
export class ReplicaPart implements FetchAsk, ReplicaWatcher {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  currentLeaderEpoch = -1;
  fetchOffset = -1;
  lastFetchedEpoch = -1;
  partitionMaxBytes = 0;
  originEpochsFrom = -1;
  /** Where the follower's log begins. */
  logStart = -1;
  hosted: Partition | undefined;
  toldHighWatermark = -1;
  toldLogStart = -1;
  /** An answer brought something of it, and it has not been named since. */
  isTold = false;
  readonly #session: ReplicaSession;

  constructor(session: ReplicaSession, { topic, topicId }: { topic: string; topicId: string }, index: number) {
    this.#session = session;
    this.topic = topic;
    this.topicId = topicId;
    this.partition = index;
  }

  appended(): void {
    if (!this.isTold) this.#session.noteNews(this);
  }

  committed(): void {
    if (!this.isTold) this.#session.noteCommitted(this);
  }

  moved(): void {
    if (!this.isTold) this.#session.noteNews(this);
  }
}

export class ReplicaSession {
  readonly id: number;
  readonly replicaId: number;
  brokerEpoch: number;
  /** The one that the next request must carry. */
  epoch = 1;
  readonly #partitions: PartitionTable;
  readonly #owner: SessionOwner;
  readonly #throttle: Throttle;
  readonly #parts = new Map<string, Map<number, ReplicaPart>>();
  /** Looked at first come, first served, so that none starves. */
  readonly #news = new Set<ReplicaPart>();
  readonly #committed = new Set<ReplicaPart>();
  /** They have news, and wait for the throttle. */
  readonly #throttled = new Set<ReplicaPart>();

  constructor(options: {
    readonly id: number;
    readonly replicaId: number;
    readonly brokerEpoch: number;
    readonly partitions: PartitionTable;
    readonly owner: SessionOwner;
    readonly throttle: Throttle;
  }) {
    this.id = options.id;
    this.replicaId = options.replicaId;
    this.brokerEpoch = options.brokerEpoch;
    this.#partitions = options.partitions;
    this.#owner = options.owner;
    this.#throttle = options.throttle;
  }

  get hasNews(): boolean {
    return this.#news.size > 0;
  }

  /** Takes in what a request forgets, adds and changes. */
  update({ topics, forgottenTopicsData }: Pick<Request, 'topics' | 'forgottenTopicsData'>): void {
    for (const { topicId, partitions } of forgottenTopicsData)
      for (const index of partitions) this.#forget(topicId, index);
    for (const topic of topics)
      for (const named of topic.partitions) this.#name(this.#part(topic, named.partition), named);
  }

  /** The throttle may have room again. */
  release(): void {
    for (const part of this.#throttled) if (!part.isTold) this.noteNews(part);
    this.#throttled.clear();
  }

  /** Only replicas that are in sync go before the throttle. */
  #mustWait(part: ReplicaPart): boolean {
    const { hosted } = part;
    if (hosted === undefined || !hosted.isThrottledAsLeader || !this.#throttle.isExceeded) return false;
    if (hosted.inSync === undefined || hosted.inSync.isr.includes(this.replicaId)) return false;
    this.#news.delete(part);
    this.#throttled.add(part);
    this.#owner.onThrottled();
    return true;
  }

  /** Partitions in which the follower is not in sync hear again how far it is: it may be unfenced, or known, by now. */
  remind(): void {
    const { replicaId: replica, brokerEpoch } = this;
    for (const parts of this.#parts.values()) {
      for (const part of parts.values()) {
        const inSync = part.hosted?.inSync;
        if (inSync === undefined || part.isTold || inSync.isr.includes(replica)) continue;
        if (replicaProblem(part.hosted!, part) !== undefined) continue;
        const { fetchOffset, logStart } = part;
        part.hosted!.replicaFetched({ replica, brokerEpoch, fetchOffset, logStart });
      }
    }
  }

  noteNews(part: ReplicaPart): void {
    this.#news.add(part);
    this.#owner.onNews();
  }

  noteCommitted(part: ReplicaPart): void {
    if (this.#isUpToDate(part)) return;
    this.#committed.add(part);
    this.#owner.onCommitted();
  }

  /** Everything that there is to tell, up to `maxBytes` of records. Whether that is something is for `isWorthwhile`. */
  read(maxBytes: number): { readonly parts: readonly ReplicaPart[]; readonly fetched: readonly FetchedPartition[] } {
    const parts: ReplicaPart[] = [];
    const fetched: FetchedPartition[] = [];
    let bytesLeft = maxBytes;
    let isFirst = true;
    for (const part of this.#news) {
      if (bytesLeft <= 0) break;
      if (this.#mustWait(part)) continue;
      const answer = this.#read(part, bytesLeft, isFirst);
      if (isFull(part, answer)) continue;
      this.#news.delete(part);
      this.#committed.delete(part);
      if (answer.bytes > 0 && part.hosted!.isThrottledAsLeader) this.#throttle.note(answer.bytes);
      bytesLeft -= answer.bytes;
      isFirst &&= answer.bytes === 0;
      if (!this.#isNews(part, answer)) continue;
      this.#told(part, answer);
      parts.push(part);
      fetched.push(answer);
    }
    this.#readCommitted(parts, fetched);
    return { parts, fetched };
  }

  close(): void {
    for (const parts of this.#parts.values()) for (const part of parts.values()) part.hosted?.watchers.delete(part);
    this.#parts.clear();
    this.#news.clear();
    this.#committed.clear();
    this.#throttled.clear();
  }

  #part({ topic, topicId }: Request['topics'][number], index: number): ReplicaPart {
    let parts = this.#parts.get(topicId);
    if (parts === undefined) this.#parts.set(topicId, (parts = new Map()));
    let part = parts.get(index);
    if (part === undefined) parts.set(index, (part = new ReplicaPart(this, { topic, topicId }, index)));
    return part;
  }

  #forget(topicId: string, index: number): void {
    const parts = this.#parts.get(topicId);
    const part = parts?.get(index);
    if (parts === undefined || part === undefined) return;
    part.hosted?.watchers.delete(part);
    this.#news.delete(part);
    this.#committed.delete(part);
    this.#throttled.delete(part);
    parts.delete(index);
    if (parts.size === 0) this.#parts.delete(topicId);
  }

  #name(part: ReplicaPart, named: Named): void {
    part.currentLeaderEpoch = named.currentLeaderEpoch;
    part.fetchOffset = named.fetchOffset;
    part.lastFetchedEpoch = named.lastFetchedEpoch;
    part.partitionMaxBytes = named.partitionMaxBytes;
    part.originEpochsFrom = named.originEpochsFrom;
    part.logStart = named.logStartOffset;
    part.isTold = false;
    this.#throttled.delete(part);
    const hosted = this.#find(part);
    if (hosted === undefined || replicaProblem(hosted, part) !== undefined) {
      this.#news.add(part);
      return;
    }
    const { replicaId: replica, brokerEpoch } = this;
    hosted.replicaFetched({ replica, brokerEpoch, fetchOffset: named.fetchOffset, logStart: named.logStartOffset });
    if (part.fetchOffset < hosted.log.endOffset) this.#news.add(part);
    else if (!this.#isUpToDate(part)) this.noteCommitted(part);
  }

  #find(part: ReplicaPart): Partition | undefined {
    if (part.hosted?.hasEnded === false) return part.hosted;
    part.hosted?.watchers.delete(part);
    part.hosted = this.#partitions.byId(part.topicId, part.partition);
    part.hosted?.watchers.add(part);
    return part.hosted;
  }

  #read(part: ReplicaPart, maxBytes: number, minOneBatch: boolean): FetchedPartition {
    if (part.hosted === undefined) {
      return fetchError(part.partition, this.#partitions.errorById(part.topicId, part.partition));
    }
    return readForReplica(part.hosted, part, { maxBytes, minOneBatch });
  }

  /** Those that only the high watermark or the log's start has moved of. */
  #readCommitted(parts: ReplicaPart[], fetched: FetchedPartition[]): void {
    for (const part of this.#committed) {
      if (this.#isUpToDate(part) || part.hosted === undefined) continue;
      const answer = readForReplica(part.hosted, part, { maxBytes: 0, minOneBatch: false });
      this.#told(part, answer);
      parts.push(part);
      fetched.push(answer);
    }
    this.#committed.clear();
  }

  #isUpToDate({ hosted, toldHighWatermark, toldLogStart }: ReplicaPart): boolean {
    return (
      hosted === undefined || (hosted.highWatermark === toldHighWatermark && hosted.log.startOffset === toldLogStart)
    );
  }

  #isNews(
    part: ReplicaPart,
    { bytes, errorCode, divergingEpoch, highWatermark, logStartOffset }: FetchedPartition,
  ): boolean {
    if (bytes > 0 || errorCode !== ERROR.NONE || divergingEpoch !== undefined) return true;
    return highWatermark !== part.toldHighWatermark || logStartOffset !== part.toldLogStart;
  }

  #told(part: ReplicaPart, answer: FetchedPartition): void {
    part.toldHighWatermark = answer.highWatermark;
    part.toldLogStart = answer.logStartOffset;
    part.isTold = answer.bytes > 0 || answer.errorCode !== ERROR.NONE || answer.divergingEpoch !== undefined;
  }
}

/** There are records, but the next batch does not fit into this answer any more. */
function isFull({ hosted, fetchOffset }: ReplicaPart, answer: FetchedPartition): boolean {
  if (hosted === undefined || answer.errorCode !== ERROR.NONE || answer.divergingEpoch !== undefined) return false;
  return answer.bytes === 0 && fetchOffset < hosted.log.endOffset;
}
