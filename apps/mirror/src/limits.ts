/** Every bound and wait of the mirror, by name; `createMirror` takes others for tests. */
export interface MirrorLimits {
  /** How often topics are looked for; a new one is mirrored within this and a few requests. */
  readonly discoveryMs: number;
  /** Appended and not yet acknowledged, per partition: fetching rests above it, and goes on below half of it. */
  readonly partitionInFlightBytes: number;
  /** The same over all partitions of the process. */
  readonly totalInFlightBytes: number;
  /** One answer of an origin's broker, and one partition's share of it. Larger ones cost more in garbage than they save. */
  readonly fetchMaxBytes: number;
  readonly fetchPartitionMaxBytes: number;
  /** Full jitter between attempts of a partition that failed. */
  readonly backoffBaseMs: number;
  readonly backoffCapMs: number;
  /** The same where somebody has to change something first: a record too large, a right that is missing. */
  readonly refusedBackoffMs: number;
  /** One request to either side. */
  readonly requestTimeoutMs: number;
  /** Asking where the origin ends for partitions that do not fetch. */
  readonly observeTimeoutMs: number;
  /** A partition that is further behind is `catching-up`. */
  readonly catchingUpMs: number;
  /** A partition of which the origin has said nothing for so long is not healthy, whatever else it says. */
  readonly silentMs: number;
  /** Marks kept per partition to tell how old its lag is. */
  readonly lagMarks: number;
  readonly lagMarkEveryMs: number;
  /** Topics whose configs are asked for in one request. */
  readonly describeTopics: number;
  readonly maxTopicNameLength: number;
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
  /** Commits under way at once per link, of as many groups. */
  readonly groupCommits: number;
  /** How often heartbeats, and what has moved since, are written into MirrorMaker 2's topics. */
  readonly mm2RoundMs: number;
  readonly mm2BatchRecords: number;
}

export const DEFAULT_LIMITS: MirrorLimits = {
  discoveryMs: 1_000,
  partitionInFlightBytes: 4 * 1024 * 1024,
  totalInFlightBytes: 24 * 1024 * 1024,
  fetchMaxBytes: 4 * 1024 * 1024,
  fetchPartitionMaxBytes: 1024 * 1024,
  backoffBaseMs: 50,
  backoffCapMs: 2_000,
  refusedBackoffMs: 30_000,
  requestTimeoutMs: 10_000,
  observeTimeoutMs: 2_000,
  catchingUpMs: 2_000,
  silentMs: 15_000,
  lagMarks: 64,
  lagMarkEveryMs: 100,
  describeTopics: 500,
  maxTopicNameLength: 249,
  gapsKept: 10_000,
  gapReasonLength: 1_000,
  groupRoundMs: 1_000,
  groupRetranslateMs: 5_000,
  groupBackoffCapMs: 30_000,
  maxGroups: 5_000,
  groupCommits: 16,
  mm2RoundMs: 1_000,
  mm2BatchRecords: 500,
};
