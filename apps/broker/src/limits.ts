/**
 * Every bound of the broker, by name, with its default. `createBroker` takes a partial set of them (tests make them
 * small); nothing else in the broker writes a bound down. The codec's and the log's own bounds are in their packages.
 */
export interface BrokerLimits {
  /** Longest request frame, Kafka's `socket.request.max.bytes`. */
  readonly maxFrameBytes: number;
  /** The same on a connection that has not proved who it is yet. */
  readonly maxFrameBytesBeforeAuthentication: number;
  /** Longest frame of a request that carries no records: decoded it takes several times its size. */
  readonly maxFrameBytesWithoutRecords: number;
  /** Memory for requests of all connections together (Kafka's `queued.max.request.bytes`): above it reading waits. */
  readonly maxRequestBytes: number;
  /** Time that requests may take in one turn of the event loop; those behind wait for the next. */
  readonly maxTurnMs: number;
  /** Connections per listener; one more is closed at once. */
  readonly maxConnections: number;
  /** Requests of one connection that are being worked on; what comes behind waits, and reading pauses. */
  readonly maxInFlightPerConnection: number;
  /** Bytes of request frames of one connection that are being worked on. At least one frame always is. */
  readonly maxInFlightBytesPerConnection: number;
  /** Bytes of answers of one connection not yet taken by the kernel: above it nothing more is worked on. */
  readonly maxQueuedAnswerBytes: number;
  /** A connection that neither sends nor takes anything is closed (Kafka's `connections.max.idle.ms`). */
  readonly idleConnectionMs: number;
  /** A frame that has begun must be complete by then, and an answer must be moving: else the connection is closed. */
  readonly stalledConnectionMs: number;
  /** How often connections are looked over for the two above. */
  readonly sweepIntervalMs: number;
  /** A connection's refused requests are told to the log no more often than this. */
  readonly refusalLogIntervalMs: number;
  /** A graceful stop waits this long for what is in flight. */
  readonly drainTimeoutMs: number;
  /** Most bytes of records in one Fetch answer, whatever was asked for (Kafka's `fetch.max.bytes`). */
  readonly maxFetchBytes: number;
  /** Of records that wait for the compression which far mirrors ask for; further answers go as they lie. */
  readonly maxPackedBytes: number;
  /** Records of one partition that are fewer are not compressed on the wire. */
  readonly packedLeastBytes: number;
  /** What is compressed by lz4 before others have their turn. */
  readonly lz4PieceBytes: number;
  /** Longest a Fetch is parked. */
  readonly maxFetchWaitMs: number;
  /** A follower's parked fetch is answered so long after the high watermark has moved, if nothing else comes. */
  readonly replicaHighWatermarkDelayMs: number;
  /** A follower that is not in sync is looked at so often, at the most, though it does not move. */
  readonly replicaReminderMs: number;
  /** Largest plain size of one compressed batch that a client may send. */
  readonly maxDecompressedBatchBytes: number;
  /** The same for all batches of one request together: what one request may make us unpack. */
  readonly maxDecompressedRequestBytes: number;
  /** Records in all batches of one client's request: what one request may make us walk over in one turn. */
  readonly maxRecordsPerRequest: number;
  /** Topics that one Metadata request may bring into being; the client asks again for the others. */
  readonly maxAutoCreatedTopics: number;
  /** Partitions in one answer to DescribeTopicPartitions (Kafka's `max.request.partition.size.limit`). */
  readonly maxDescribedPartitions: number;
  /** Fetch sessions that are kept (Kafka's `max.incremental.fetch.session.cache.slots`). */
  readonly maxFetchSessions: number;
  /** Partitions in all fetch sessions together: what their memory is bounded by. */
  readonly maxFetchSessionPartitions: number;
  /** A fetch session that was used within this time is only pushed out by a larger one. */
  readonly fetchSessionEvictionMs: number;
  /** Metrics that a client may push at a time, packed and unpacked (Kafka's `telemetry.max.bytes`). */
  readonly maxTelemetryBytes: number;
  /** Clients with telemetry subscriptions that are remembered. */
  readonly maxTelemetryClients: number;
  /** One that is silent for so long is forgotten, at the earliest. */
  readonly telemetryClientExpiryMs: number;
  /** Batches in one append of the mirror. */
  readonly maxMirrorBatches: number;
  /** Memory for the newest batches of all partitions together, from which tail readers are served. */
  readonly tailCacheBytes: number;
  /** After its start a broker waits so long, at most, before it looks for segments whose time is up. */
  readonly retentionFirstCheckMs: number;
  /** Segments that retention drops in one turn of the event loop; each costs fsyncs. */
  readonly maxSegmentsDroppedPerTurn: number;
  /** Bytes that the cleaner reads and writes in a second, if `log.cleaner.io.max.bytes.per.second` allows more. */
  readonly cleanerBytesPerSecond: number;
  /** Time that opening new partitions, or removing deleted ones, takes of one turn of the event loop. */
  readonly partitionTurnMs: number;
  /** Time that loading groups takes of one turn of the event loop. */
  readonly groupLoadTurnMs: number;
  /** Logs that are closed at a time when the broker stops: each waits for its fsyncs. */
  readonly maxLogsClosing: number;
  /** Partitions that are looked over for expired producers in one turn of the event loop. */
  readonly maxPartitionsExpiredPerTurn: number;
  /** SCRAM rounds that the internal listener asks for. */
  readonly scramIterations: number;
}

/** Records at fault that the answer to a refused batch names. */
export const MAX_RECORD_ERRORS = 1_000;

/** Resources that DescribeConfigs describes in one turn of the event loop. */
export const DESCRIBED_PER_TURN = 100;

/** Highest zstd level that batches are packed with: above it one of a megabyte takes most of a second, and all wait. */
export const MAX_ZSTD_LEVEL = 12;

export const DEFAULT_LIMITS: BrokerLimits = {
  maxFrameBytes: 104_857_600,
  maxFrameBytesBeforeAuthentication: 65_536,
  maxFrameBytesWithoutRecords: 16_777_216,
  maxRequestBytes: 268_435_456,
  maxTurnMs: 20,
  maxConnections: 10_000,
  maxInFlightPerConnection: 128,
  maxInFlightBytesPerConnection: 16_777_216,
  maxQueuedAnswerBytes: 4_194_304,
  idleConnectionMs: 600_000,
  stalledConnectionMs: 60_000,
  sweepIntervalMs: 10_000,
  refusalLogIntervalMs: 10_000,
  drainTimeoutMs: 3_000,
  maxFetchBytes: 57_671_680,
  maxPackedBytes: 67_108_864,
  packedLeastBytes: 1_024,
  lz4PieceBytes: 131_072,
  maxFetchWaitMs: 300_000,
  replicaHighWatermarkDelayMs: 10,
  replicaReminderMs: 250,
  maxDecompressedBatchBytes: 25_165_824,
  maxDecompressedRequestBytes: 41_943_040,
  maxRecordsPerRequest: 2_000_000,
  maxAutoCreatedTopics: 100,
  maxDescribedPartitions: 2_000,
  maxFetchSessions: 1_000,
  maxFetchSessionPartitions: 1_000_000,
  fetchSessionEvictionMs: 120_000,
  maxTelemetryBytes: 1_048_576,
  maxTelemetryClients: 16_384,
  telemetryClientExpiryMs: 60_000,
  maxMirrorBatches: 10_000,
  tailCacheBytes: 33_554_432,
  retentionFirstCheckMs: 30_000,
  maxSegmentsDroppedPerTurn: 16,
  maxPartitionsExpiredPerTurn: 500,
  cleanerBytesPerSecond: 67_108_864,
  partitionTurnMs: 20,
  groupLoadTurnMs: 20,
  maxLogsClosing: 64,
  scramIterations: 4_096,
};
