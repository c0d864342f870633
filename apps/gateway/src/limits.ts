/** Every bound of the gateway: what a client may ask, what is kept in memory, how long anything waits. */
export const LIMITS = {
  /** Largest WebSocket frame taken. */
  maxFrameBytes: 2 * 1024 * 1024,
  /** Largest HTTP body taken. */
  maxBodyBytes: 8 * 1024 * 1024,
  maxHttpHeaderBytes: 32 * 1024,
  maxUrlPartChars: 1_024,
  /** A request, headers and body, has arrived within this. */
  httpRequestTimeoutMs: 30_000,
  httpKeepAliveMs: 65_000,
  maxRecordsPerRequest: 10_000,
  /** Nesting of JSON that is taken, and that is shown as `json`. */
  maxJsonDepth: 64,
  maxRecordHeaders: 256,

  maxConnections: 20_000,
  maxConnectionsPerTenant: 10_000,
  maxSubscriptions: 64,
  /** Describes, subscribes and unsubscribes of a session that are not yet answered. */
  maxPendingRequests: 64,
  maxInFlightPublishes: 1_024,
  maxInFlightPublishBytes: 8 * 1024 * 1024,
  /** Records waiting for the broker, of all sessions. */
  maxQueuedPublishBytes: 128 * 1024 * 1024,
  maxCreditMessages: 1_000_000,
  maxCreditBytes: 256 * 1024 * 1024,
  maxAfterCoordinates: 1_024,
  /** Partitions of a topic that coordinates may name. */
  maxPartitions: 10_000,

  handshakeTimeoutMs: 10_000,
  /** A session that has been silent this long is pinged. */
  pingEveryMs: 25_000,
  /** … and closed when nothing is heard of it for this long. */
  idleTimeoutMs: 60_000,
  tickEveryMs: 250,
  cursorEveryMs: 1_000,
  cursorEveryMessages: 1_000,
  /** Above this many bytes not yet taken by its socket, a session reads nothing more, neither records nor requests. */
  maxBufferedBytes: 1024 * 1024,
  /** A socket that stays above it for this long is closed as a slow consumer. */
  slowConsumerMs: 120_000,

  /** A run of small batches is shown as one frame up to this size. */
  chunkBytes: 64 * 1024,
  /** A `messages` frame is ended at the first record that takes it past this. */
  messagesFrameBytes: 256 * 1024,
  /** A batch that would be larger when decompressed is undecodable. */
  maxDecompressedBatchBytes: 32 * 1024 * 1024,
  /** Bytes of recent batches kept per partition for sessions that are a little behind. */
  ringBytes: 512 * 1024,
  /** Bytes kept, over all partitions, of older batches that sessions are catching up on. */
  catchUpCacheBytes: 32 * 1024 * 1024,
  catchUpReadBytes: 1024 * 1024,
  /** A failed read of old records is tried again after this. */
  readRetryMs: 250,
  /** Markers that those who took a re-based copy over have left behind one another, at most. */
  maxMarkersInARow: 64,
  /** Answers that wait until the runs of a re-based copy are read; its log rests meanwhile. */
  maxUntranslatedSlices: 8,
  /** Where logs begin, end, and where epochs end is answered within this. */
  lookUpTimeoutMs: 5_000,
  /** A partition that refuses the look-up for so long is `unavailable`; the others do not wait longer for it. */
  lookUpRetryMs: 500,
  /** An unavailable partition is looked for again after this, doubled each time … */
  unavailableRetryMs: 250,
  /** … up to this. */
  unavailableRetryCapMs: 4_000,
  /** A partition that cannot be followed for another reason than retriable ones is tried again after this. */
  tailRetryMs: 5_000,
  /** Names and partition counts of the topics in use are asked for this often. */
  topicPollMs: 1_000,
  /** A topic that nobody subscribes to is forgotten this long after its last use. */
  topicIdleMs: 60_000,
  maxKnownTopics: 20_000,
  /** A topic that Apache Kafka is asked to create is looked for so often, this far apart, before it is unknown. */
  createLooks: 60,
  createLookMs: 50,
  /** Topics of a tenant in the region, beyond which publishing and describing create none. */
  maxTopicsPerTenant: 1_000,
  /** They are counted again when the count is this old. */
  topicCountMaxAgeMs: 10_000,

  /** A batch of records of many sessions. */
  maxBatchBytes: 512 * 1024,
  maxBatchRecords: 10_000,
  /** Records without a key go to one partition for so many, then to the next: fuller batches. */
  stickyRecords: 100,
  /** What a record adds to its key, value and headers, at most. */
  recordOverheadBytes: 64,
  /** Kafka's default `max.message.bytes`; the broker has the last word. */
  maxRecordBytes: 1024 * 1024,
  requestTimeoutMs: 30_000,

  /** How long `stop` waits for publishes that the broker has not answered. */
  drainPublishesMs: 4_000,
  /** … and for sockets to take their last frames. */
  drainCloseMs: 2_000,
  /** Clients come back at a random time within this. */
  drainDelayMs: 1_000,
  retryAfterMs: 500,
} as const;
