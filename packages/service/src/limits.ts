/** Every bound of the package, by name. */
export const LIMITS = {
  /** A config file larger than this is refused unread. */
  maxConfigBytes: 1_048_576,
  /** Problems of one config that are told at once. */
  maxProblems: 20,
  /** Of a region whose engine is Apache Kafka. */
  maxBootstrapServers: 64,
  /** Of a pattern for names: its text, its states, and groups in each other. */
  maxPatternBytes: 256,
  maxPatternStates: 1_024,
  maxPatternDepth: 64,
  /** Brokers of a region on one machine, and its mirrors. */
  maxBrokers: 9,
  maxMirrors: 9,
  /** A stop that does not move for so long, from the first signal on, goes the hard way. */
  stopTimeoutMs: 8_000,
  /** How often the event loop is looked at, and the CPU time of one turn from which on that is a warning. */
  loopLookMs: 25,
  heldLoopMs: 200,
  /** Management server: the head of a request. */
  maxRequestHeadBytes: 8_192,
  /** Management server: the body of a request. */
  maxRequestBodyBytes: 262_144,
  /** Management server: from the connection to the whole request. */
  requestTimeoutMs: 5_000,
  /** Management server: how often connections are looked at for that. */
  connectionCheckMs: 1_000,
  /** Management server: connections at a time; more are closed unheard. */
  maxManagementConnections: 64,
} as const;
