/** The controller's bounds, in one place. Kafka's numbers where Kafka has one. */
export const CONTROLLER_LIMITS = {
  /** Longest topic name. */
  topicNameChars: 249,
  /** Partitions that one CreateTopics or CreatePartitions may ask for in all. */
  partitionsPerRequest: 10_000,
  /** Characters of config values that one command may set in all: keeps a batch small. */
  configCharsPerRequest: 1024 * 1024,
  /** Producer ids in one block. */
  producerIdsPerBlock: 1_000,
  /** Commands that may wait for the metadata log; beyond, `submit` refuses. */
  waitingCommands: 10_000,
  /** Commands that share one append and one fsync. */
  commandsPerCommit: 512,
  /** Groups of commands that are proposed and not yet applied; what comes meanwhile becomes one group. */
  groupsInFlight: 8,
  /** Records of several commands are put into one batch up to this many; one command's never part. */
  recordsPerSharedBatch: 10_000,
  /** A batch that several commands share holds at most this much; Kafka's bound for a metadata batch. */
  metadataBatchBytes: 8 * 1024 * 1024,
  /** A batch of a snapshot holds about so much. */
  snapshotBatchBytes: 256 * 1024,
  /** After a snapshot that could not be written, before the next try. */
  snapshotRetryMs: 60_000,
  /** One registration of a controller; and after it, before the next if the image does not show it. */
  registrationMs: 30_000,
  registrationRetryMs: 1_000,
  /** A stop waits so long for the commands that were taken. */
  drainMs: 5_000,
  /** How often a node looks whether it has caught up with its leader, until it has. */
  catchUpCheckMs: 10,
  /** Configs that one request may change in all. */
  configsPerRequest: 10_000,
  /** Configs that may be set on one resource: its values are copied when one changes. */
  configsPerResource: 1_000,
  /** Subscriptions of client metrics: each is matched for every client that asks. */
  clientMetricsSubscriptions: 1_000,
  /** Groups that may have configs of their own. */
  configuredGroups: 10_000,
  /** Longest name of a config that the broker does not know, or of a subscription. */
  configNameChars: 1_024,
  /** Leaders that one round of balancing, or of unclean elections, moves; Kafka's number. */
  electionsPerRound: 1_000,
  /** Partitions that one AlterPartitionReassignments may name. */
  reassignmentsPerRequest: 10_000,
  /** A broker's session is at least this long, whatever the config says: heartbeats need time. */
  leastSessionMs: 100,
  /** Sessions are not looked at more often. */
  leastSessionCheckMs: 10,
  /** Longest config value. */
  configValueChars: 32_767,
} as const;
