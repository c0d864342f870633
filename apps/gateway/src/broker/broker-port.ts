/**
 * What the gateway asks of its region's brokers. `client-broker.ts` does it with the Kafka client, tests with brokers
 * in memory.
 * Invariant: epochs and offsets here are the origin's: for a copy those of the region where the records were born.
 */

export interface TopicFacts {
  /** Physical name. */
  readonly name: string;
  /** Topic id in this region. */
  readonly localId: string;
  readonly partitions: number;
  /** Where its records are born: the region and the id there; for a topic of this region its own. */
  readonly originRegion: string;
  readonly originTopicId: string;
  readonly isCopy: boolean;
  /** A copy whose log has offsets of its own (on Apache Kafka): what goes through the port is translated. */
  readonly isRebased: boolean;
  /** It was a copy, and has been a topic of this region since. */
  readonly promoted?: Promoted;
}

/** What a topic was before it was promoted, and where its log ended then: what lies below was born there. */
export interface Promoted {
  readonly region: string;
  readonly topicId: string;
  readonly cuts: readonly number[];
}

/** Asked of a partition before reading it. */
export interface EndsQuery {
  readonly partition: number;
  /** Epoch of the last record that a reader has; −1: none. */
  readonly epoch: number;
}

export interface PartitionEnds {
  readonly start: number;
  readonly end: number;
  /** The largest epoch ≤ the one asked for and where it ends here; undefined if none was asked for or is known. */
  readonly epochEnd: { readonly epoch: number; readonly endOffset: number } | undefined;
}

export interface EpochStart {
  readonly epoch: number;
  readonly startOffset: number;
}

/** Whole batches as they lie in the log; of a copy also the origin's epochs that are new since the last slice. */
export interface Slice {
  readonly buffers: readonly Buffer[];
  readonly epochs: readonly EpochStart[];
  /** Up to here the slice accounts for all offsets: batches behind the last one may have been left out. */
  readonly next?: number | undefined;
  /** Offsets behind the batches that a bad batch takes. */
  readonly undecodable?: UndecodableRange;
}

/** One read of old records. */
export interface OldSlice extends Slice {
  /** Up to here the leader that was asked knows the log; a new leader learns only little by little what is committed. */
  readonly end: number;
}

/** `to` is exclusive. */
export interface UndecodableRange {
  readonly from: number;
  readonly to: number;
  readonly reason: string;
}

/** Where the log is, when the wanted offset is not in it. */
export interface LogRange {
  readonly start: number;
  readonly end: number;
}

export interface TailHandlers {
  onSlice(slice: Slice): void;
  /** The log has neither a batch nor will have one below `offset`. */
  onAdvance(offset: number): void;
  /** The position is below or beyond the log; nothing more comes until `seek`. */
  onOutOfRange(range: LogRange): void;
  /** The log no longer holds what was read from `offset` on (an unsynced tail was lost); nothing more comes until `seek`. */
  onDiverged(offset: number): void;
}

export interface Tail {
  seek(offset: number): void;
  remove(): void;
}

export interface Produced {
  /** Kafka's error code; 0 is success. */
  readonly errorCode: number;
  readonly errorMessage: string | null;
  readonly baseOffset: number;
  /** Of the stored batch. */
  readonly leaderEpoch: number;
  /** The broker had the batch already. */
  readonly isDuplicate: boolean;
}

export interface BrokerPort {
  /** Those of the topics that exist; never creates one. */
  describe(names: readonly string[]): Promise<Map<string, TopicFacts>>;
  /** Lets the broker create the topic if it does that; undefined if it does not. */
  create(name: string): Promise<TopicFacts | undefined>;
  /** How many topics of the region have names that begin so. */
  countTopics(prefix: string): Promise<number>;
  /** In the order of the queries; undefined: the partition is unavailable at present. Rejects if nobody answers. */
  ends(topic: TopicFacts, queries: readonly EndsQuery[]): Promise<(PartitionEnds | undefined)[]>;
  /** What a copy lacks inside of its log, ascending, in the origin's offsets: a list that goes on by itself. */
  lostIn(topic: TopicFacts, partition: number): readonly LogRange[];
  /** Everything that is on record as lost when this is called is in the lists when it comes back. */
  lookForLost(): Promise<void>;
  /** One read of old records; `outOfRange` instead of a slice if `offset` is not in the log. */
  read(
    topic: TopicFacts,
    partition: number,
    offset: number,
    maxBytes: number,
  ): Promise<OldSlice | { outOfRange: LogRange }>;
  /** Follows the log from `offset` on until removed; whatever can be retried is retried inside. */
  tail(topic: TopicFacts, partition: number, offset: number, handlers: TailHandlers): Tail;
  /**
   * Of a topic that was promoted: where a reader goes on that stood at `offset` of what it was before. `lost`: so many
   * offsets before that were never copied.
   */
  carryOver(topic: TopicFacts, partition: number, offset: number): Promise<{ offset: number; lost: number }>;
  produce(topic: TopicFacts, partition: number, batch: Buffer): Promise<Produced>;
  initProducer(): Promise<{ producerId: number; producerEpoch: number }>;
  close(): Promise<void>;
}
