/** Every bound of the package, by name. Those in `ConnectOptions` can be changed per client. */
export const LIMITS = {
  /** `connect()` gives up when no gateway has welcomed it by then. */
  connectTimeoutMs: 30_000,
  /** From opening a socket to `welcome`; then the next URL is tried. */
  handshakeTimeoutMs: 5_000,
  /** Full jitter: a random time up to `base × 2^round`, at most `max`. A round is one try of each URL. */
  backoffBaseMs: 200,
  backoffMaxMs: 15_000,
  /** A ping without any frame in answer for this long: the connection is half open, or dead. */
  pongTimeoutMs: 8_000,
  maxPingEveryMs: 25_000,
  /** A new token is fetched this long before the old one expires (at most half of its life). */
  tokenRefreshMarginMs: 30_000,
  /** A failed refresh is tried again after this. */
  tokenRetryMs: 2_000,
  /** A publish that was not acknowledged by then is rejected. */
  publishTimeoutMs: 30_000,
  publishSweepMs: 500,
  /** Publishes that were not yet answered, sent or not. */
  maxQueuedPublishes: 20_000,
  /** Idempotent ones, and batches, per partition on the wire: brokers remember five batches per producer. */
  maxInFlightPerPartition: 5,
  /** Bytes of batches on the wire; a gateway refuses more than twice as much. */
  maxInFlightBytes: 4 * 1024 * 1024,
  /** A batch of the binary subprotocol; a larger record goes alone. */
  maxBatchRecords: 1_000,
  maxBatchBytes: 256 * 1024,
  /** The last record of a batch is at most so much younger than its first, whose deadline it shares. */
  maxBatchSpanMs: 1_000,
  /** What a record adds to its key, value and headers, at most. */
  recordOverheadBytes: 64,
  /** Records without a key go to one partition for so many, then to the next: fuller batches. */
  stickyRecords: 100,
  publishRetryMs: 100,
  publishRetryMaxMs: 2_000,
  /** Records and bytes that a subscription holds ahead of its reader. */
  creditMessages: 10_000,
  creditBytes: 8 * 1024 * 1024,
  subscribeRetryMs: 500,
  /** A gateway takes no more of them; what is left out is sent again and dropped here. */
  maxAfterCoordinates: 1_024,
  /** A batch that decompresses to more is undecodable. */
  maxDecompressedBytes: 100 * 1024 * 1024,
} as const;
