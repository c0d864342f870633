/**
 * One partition that a fetch asks for: the asking, where the partition is, and what was last told of it. Lives as long as
 * one request or, in a session, from request to request.
 */
import { ERROR, type Fetch, type RequestOf } from '@meridian/protocol';
import type { Partition } from '../partition/partition.ts';
import type { PartitionTable } from '../partition/partition-table.ts';
import type { FetchAsk, FetchedPartition } from '../partition/read.ts';

type RequestTopic = RequestOf<typeof Fetch>['topics'][number];
type RequestPartition = RequestTopic['partitions'][number];

/** How to find the partitions that a request names. */
export interface FetchFinder {
  readonly partitions: PartitionTable;
  /** Whether topics go by id. */
  readonly byId: boolean;
  /** Whether the origin's epochs may be asked for. */
  readonly isInternal: boolean;
}

const NOTHING_TOLD = -1;

export class FetchPart implements FetchAsk {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  currentLeaderEpoch = -1;
  fetchOffset = -1;
  lastFetchedEpoch = -1;
  partitionMaxBytes = 0;
  originEpochsFrom = -1;
  /** Undefined if it is not here; `errorCode` says why. */
  hosted: Partition | undefined = undefined;
  errorCode: number = ERROR.NONE;
  /** Its topic's id was once known: when the topic goes, it is missed by its name. */
  #isNamed = false;
  /** As last told to the client. */
  #highWatermark = NOTHING_TOLD;
  #logStartOffset = NOTHING_TOLD;
  #preferredReadReplica = NOTHING_TOLD;
  /** Behind what was answered last; −1: it held no records. */
  #answeredEnd = -1;

  constructor({ topic, topicId }: Pick<RequestTopic, 'topic' | 'topicId'>, ask: RequestPartition, isInternal: boolean) {
    this.topic = topic;
    this.topicId = topicId;
    this.partition = ask.partition;
    this.update(ask, isInternal);
  }

  /** The client goes on from somewhere else. */
  update(ask: RequestPartition, isInternal: boolean): void {
    this.currentLeaderEpoch = ask.currentLeaderEpoch;
    this.fetchOffset = ask.fetchOffset;
    this.lastFetchedEpoch = ask.lastFetchedEpoch;
    this.partitionMaxBytes = ask.partitionMaxBytes;
    this.originEpochsFrom = isInternal ? ask.originEpochsFrom : -1;
    this.#answeredEnd = -1;
  }

  /** The client goes on behind what it was answered, which it may not have yet. */
  readOn(): void {
    if (this.#answeredEnd < 0) return;
    this.fetchOffset = this.#answeredEnd;
    this.lastFetchedEpoch = -1; // it is our own record that lies before; who led meanwhile is told by the leader's epoch
    this.#answeredEnd = -1;
  }

  /** Looks for the partition unless it is known where it is. */
  find({ partitions, byId }: FetchFinder): void {
    if (this.hosted?.hasEnded === false) return;
    const { topic, topicId, partition } = this;
    this.hosted = byId ? partitions.byId(topicId, partition) : partitions.byName(topic, partition);
    if (this.hosted !== undefined) this.errorCode = ERROR.NONE;
    else this.errorCode = byId ? partitions.errorById(topicId, partition) : partitions.errorByName(topic, partition);
    if (this.errorCode !== ERROR.UNKNOWN_TOPIC_ID) this.#isNamed = true;
    else if (this.#isNamed) this.errorCode = ERROR.UNKNOWN_TOPIC_OR_PARTITION;
  }

  /**
   * True if reading would give nothing that the client has not been told: what sessions save on idle partitions. False
   * wherever that takes more than a look.
   */
  isQuiet(hosted: Partition): boolean {
    const { log, highWatermark } = hosted;
    return (
      highWatermark === this.#highWatermark &&
      log.startOffset === this.#logStartOffset &&
      this.fetchOffset >= highWatermark &&
      this.fetchOffset <= log.endOffset &&
      this.originEpochsFrom < 0 &&
      (this.lastFetchedEpoch < 0 || this.lastFetchedEpoch === log.epochs.latestEpoch) &&
      hosted.errorFor(this.currentLeaderEpoch) === ERROR.NONE
    );
  }

  /** Whether what was read has to be told, after all that was told before. */
  isNews(fetched: FetchedPartition): boolean {
    return (
      fetched.bytes > 0 ||
      fetched.errorCode !== ERROR.NONE ||
      fetched.highWatermark !== this.#highWatermark ||
      fetched.logStartOffset !== this.#logStartOffset ||
      fetched.divergingEpoch !== undefined ||
      fetched.preferredReadReplica !== this.#preferredReadReplica ||
      (fetched.originEpochs !== undefined && fetched.originEpochs.length > 0)
    );
  }

  told(fetched: FetchedPartition): void {
    this.#highWatermark = fetched.errorCode === ERROR.NONE ? fetched.highWatermark : NOTHING_TOLD;
    this.#logStartOffset = fetched.logStartOffset;
    this.#preferredReadReplica = fetched.preferredReadReplica;
    this.#answeredEnd = fetched.bytes > 0 ? fetched.nextOffset : -1;
  }
}

/** The parts of a request, each found. */
export function partsOf(topics: readonly RequestTopic[], finder: FetchFinder): FetchPart[] {
  const parts: FetchPart[] = [];
  for (const topic of topics) {
    for (const ask of topic.partitions) {
      const part = new FetchPart(topic, ask, finder.isInternal);
      part.find(finder);
      parts.push(part);
    }
  }
  return parts;
}
