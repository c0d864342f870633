/** Every bound and wait of the mirror, by name; `createMirror` takes others for tests. */
export interface MirrorLimits {
  /** How often topics are looked for; a new one is mirrored within this and a few requests. */
  readonly discoveryMs: number;
  /** From so many partitions on, a link looks half as often. */
  readonly largeLinkPartitions: number;
  /** Appended and not yet acknowledged, per partition: fetching rests above it, and goes on below half of it. */
  readonly partitionInFlightBytes: number;
  /** The same over all partitions of the process. */
  readonly totalInFlightBytes: number;
  /** One append; a fetched slice becomes several, of whole batches. The broker takes 10,000 batches at once. */
  readonly appendMaxBytes: number;
  readonly appendMaxBatches: number;
  /** Transactions that are ended behind one lost range, in front of what is appended first. */
  readonly gapMaxMarkers: number;
  /** One answer of an origin's broker, and one partition's share of it. Larger ones cost more in garbage than they save. */
  readonly fetchMaxBytes: number;
  readonly fetchPartitionMaxBytes: number;
  /** Of a fetch where nothing comes; each that ends so costs a look at all partitions of its leader. */
  readonly fetchMaxWaitMs: number;
  /** Of one answer over a long way, where the line would be idle between smaller ones. */
  readonly farFetchMaxBytes: number;
  /** Of all answers under way, or appended and not acknowledged, over a long way from leaders that let fetches go ahead. */
  readonly farAheadMaxBytes: number;
  /** Full jitter between attempts of a partition that failed. */
  readonly backoffBaseMs: number;
  readonly backoffCapMs: number;
  /** The same where somebody has to change something first: a record too large, a right that is missing. */
  readonly refusedBackoffMs: number;
  /** For so long an origin has to say that its log is another one than ours before that is believed. */
  readonly doubtMs: number;
  /** Questions of partitions that are put to a region together, and how long those of one that refuses are repeated. */
  readonly questionsAtOnce: number;
  readonly questionRetryMs: number;
  /** One request to either side. */
  readonly requestTimeoutMs: number;
  /** The first question to a region, which may be one that cannot be reached. */
  readonly firstLookMs: number;
  /** Asking where the origin ends for partitions that do not fetch. */
  readonly observeTimeoutMs: number;
  /** A partition that is further behind is `catching-up`. */
  readonly catchingUpMs: number;
  /** A partition of which the origin has said nothing for so long is not healthy, whatever else it says. */
  readonly silentMs: number;
  /** Marks kept per partition to tell how old its lag is. */
  readonly lagMarks: number;
  readonly lagMarkEveryMs: number;
  /**
   * Batches of one re-based partition without an answer. A broker recognises the last 5 of a producer when they come
   * again; where more are in doubt, the task fences anew and finds in the log which of them landed.
   */
  readonly batchesInFlight: number;
  /**
   * Batches of a re-based partition that wait together become one, of so many bytes at most. Apache Kafka takes 1,048,588
   * of a topic without a `max.message.bytes` of its own; where it takes less, its refusals tell.
   */
  readonly mergeMaxBytes: number;
  /**
   * Compressed batches, too, if each is no larger than this: to unpack and pack larger ones takes longer than their
   * requests. And what becomes one is no larger than that, unpacked, since nothing else goes on meanwhile.
   */
  readonly mergePackedBytes: number;
  readonly mergeUnpackedBytes: number;
  /** With so many requests under way, or that many bytes, a batch that could still become larger waits. */
  readonly mergeInFlight: number;
  /** Changes of a re-based partition's table in one record batch of `__meridian_runs`. */
  readonly changesPerSave: number;
  /** A producer that has written nothing for so long fences anew before it writes: brokers forget producers after a day. */
  readonly fenceLastsMs: number;
  /** How often a re-based partition that ends in a marker puts its end on record while nothing else comes. */
  readonly endToldMs: number;
  /** A re-based partition that was taken over rests for so long, and then takes itself back if it is still to be copied here. */
  readonly takenOverRestMs: number;
  /** Fences under way at one target. */
  readonly fencesInFlight: number;
  /** Topics whose configs are asked for in one request. */
  readonly describeTopics: number;
  readonly maxTopicNameLength: number;
  /** How often configs of topics that are known are looked at again. */
  readonly redescribeMs: number;
  /** So many looks in a row have to say that a topic, or its copy, is gone or another one. */
  readonly absentLooks: number;
  /** How often rules of topics are compared, where they follow. */
  readonly aclRoundMs: number;
  /** Of `links.yaml`. */
  readonly maxLinksFileBytes: number;
  /** One answer of an origin's broker under a bandwidth limit, at least; else a quarter of a second's worth. */
  readonly limitedFetchMinBytes: number;
  /**
   * Of the group that shares the work: without a heartbeat for `sessionTimeoutMs` others take over; a process that was not
   * answered for `leaseMs` stops before.
   */
  readonly sessionTimeoutMs: number;
  readonly leaseMs: number;
  readonly heartbeatMs: number;
  readonly rebalanceTimeoutMs: number;
  /** Records of gaps held in memory; what goes beyond them is counted, but not listed. */
  readonly gapsKept: number;
  readonly gapReasonLength: number;
  /** How often both regions are asked how far their groups are: half of what a group may be behind. */
  readonly groupRoundMs: number;
  /** A place that was translated exactly is looked at again after so long: a copy may have been cut. */
  readonly groupRetranslateMs: number;
  /** Between attempts for a group whose commits are refused; doubled from a second on. */
  readonly groupBackoffCapMs: number;
  /** Groups that a link carries. */
  readonly maxGroups: number;
  /** Rows of groups that a link's status shows. */
  readonly groupRowsShown: number;
  /** Commits under way at once per link, of as many groups. */
  readonly groupCommits: number;
  /** How often heartbeats, and what has moved since, are written into MirrorMaker 2's topics. */
  readonly mm2RoundMs: number;
  readonly mm2BatchRecords: number;
  /** Until all leaders of a copy have heard that it is sealed, and its followers have what it ends with. */
  readonly sealTimeoutMs: number;
  readonly sealRetryMs: number;
  /** Partitions that are sealed at once: on Apache Kafka each is a fence. */
  readonly sealsAtOnce: number;
  /** Topics of fail-overs that are worked at at once, and how often one that waits is looked at again. */
  readonly failoverTopicsAtOnce: number;
  readonly failoverRetryMs: number;
  /** How soon a run is seen that was begun by another mirror of the region. */
  readonly failoverIdleMs: number;
  /** Runs that are remembered; of those that are done, the oldest goes first. */
  readonly maxFailoverRuns: number;
  /** One window of what was copied last is compared so often; a window begins anew at multiples of its offsets. */
  readonly verifyEveryMs: number;
  readonly verifyWindowOffsets: number;
  readonly verifyWindowBytes: number;
  /** The same where headers of batches are enough: what a broker reads for one answer, of which a small part is sent. */
  readonly verifyHeaderOffsets: number;
  readonly verifyHeaderBytes: number;
  /** Of a partition that is further ahead of what was compared, only the newest window is looked at. */
  readonly verifyBacklogOffsets: number;
  /** Keys of a compacted partition that are kept while all of it is compared. */
  readonly verifyMaxKeys: number;
  /** A producer that has not written for so long is taken for one that has stopped. */
  readonly writerQuietMs: number;
  /** Between two looks at the end of a log that show somebody of whom its broker remembers nothing. */
  readonly writerLookMs: number;
  /** A region that does not answer for so long is taken for lost by a plan. */
  readonly originReachMs: number;
  /** From a topic's being closed to the last produce that a leader still takes. */
  readonly closeMs: number;
  /** Batches that are written aside, the largest record there, and how long one reading may take. */
  readonly asideBatchBytes: number;
  readonly asideMaxBytes: number;
  readonly asideReadTimeoutMs: number;
}

export const DEFAULT_LIMITS: MirrorLimits = {
  discoveryMs: 1_000,
  largeLinkPartitions: 1_000,
  partitionInFlightBytes: 4 * 1024 * 1024,
  totalInFlightBytes: 16 * 1024 * 1024,
  appendMaxBytes: 1024 * 1024,
  appendMaxBatches: 8_000,
  gapMaxMarkers: 1_000,
  fetchMaxBytes: 4 * 1024 * 1024,
  fetchPartitionMaxBytes: 1024 * 1024,
  fetchMaxWaitMs: 1_500,
  farFetchMaxBytes: 16 * 1024 * 1024,
  farAheadMaxBytes: 24 * 1024 * 1024,
  backoffBaseMs: 50,
  backoffCapMs: 2_000,
  refusedBackoffMs: 30_000,
  doubtMs: 1_000,
  questionsAtOnce: 1_000,
  questionRetryMs: 1_000,
  requestTimeoutMs: 10_000,
  firstLookMs: 3_000,
  observeTimeoutMs: 2_000,
  catchingUpMs: 2_000,
  silentMs: 15_000,
  lagMarks: 64,
  lagMarkEveryMs: 100,
  batchesInFlight: 32,
  mergeMaxBytes: 512 * 1024,
  mergePackedBytes: 4 * 1024,
  mergeUnpackedBytes: 128 * 1024,
  mergeInFlight: 8,
  changesPerSave: 1_000,
  fenceLastsMs: 12 * 3_600_000,
  endToldMs: 500,
  takenOverRestMs: 8_000,
  fencesInFlight: 50,
  describeTopics: 500,
  maxTopicNameLength: 249,
  redescribeMs: 5_000,
  absentLooks: 3,
  aclRoundMs: 10_000,
  maxLinksFileBytes: 1_048_576,
  limitedFetchMinBytes: 64 * 1024,
  sessionTimeoutMs: 6_000,
  leaseMs: 5_000,
  heartbeatMs: 500,
  rebalanceTimeoutMs: 1_000,
  gapsKept: 10_000,
  gapReasonLength: 1_000,
  groupRoundMs: 1_000,
  groupRetranslateMs: 5_000,
  groupBackoffCapMs: 30_000,
  maxGroups: 5_000,
  groupRowsShown: 1_000,
  groupCommits: 16,
  mm2RoundMs: 1_000,
  mm2BatchRecords: 500,
  sealTimeoutMs: 15_000,
  sealRetryMs: 50,
  sealsAtOnce: 50,
  failoverTopicsAtOnce: 8,
  failoverRetryMs: 1_000,
  failoverIdleMs: 5_000,
  maxFailoverRuns: 100,
  verifyEveryMs: 1_000,
  verifyWindowOffsets: 4_096,
  verifyWindowBytes: 1024 * 1024,
  verifyHeaderOffsets: 65_536,
  verifyHeaderBytes: 8 * 1024 * 1024,
  verifyBacklogOffsets: 262_144,
  verifyMaxKeys: 1_000_000,
  writerQuietMs: 60_000,
  writerLookMs: 1_000,
  originReachMs: 3_000,
  closeMs: 1_000,
  asideBatchBytes: 512 * 1024,
  asideMaxBytes: 64 * 1024 * 1024,
  asideReadTimeoutMs: 30_000,
};
