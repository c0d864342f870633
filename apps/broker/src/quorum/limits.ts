/** Bounds of the quorum's shell, by name. Kafka's numbers where Kafka has one. */
export const QUORUM_LIMITS = {
  /** Kafka's file has some hundred bytes, with a list of all voters in its first version. */
  quorumStateBytes: 65_536,
  /** Of the metadata log in one answer to a Fetch. */
  fetchBytes: 8 * 1024 * 1024,
  /** Of a snapshot in one answer to a FetchSnapshot. */
  snapshotPieceBytes: 1024 * 1024,
  /** Committed bytes that are read ahead of whoever applies them. */
  readAheadBytes: 1024 * 1024,
  /** Of the log that are looked through at a time when it is opened. */
  scanBytes: 8 * 1024 * 1024,
  /** Small enough that what lies below a snapshot goes soon. */
  segmentBytes: 64 * 1024 * 1024,
  /** Kafka's `controller.quorum.request.timeout.ms`: until another node is given up. */
  requestTimeoutMs: 2_000,
  /** Changes of voters whose requests have no time of their own. */
  changeTimeoutMs: 5_000,
  /** To find out whether anybody listens at the leader's address, or what a new voter can run. */
  askTimeoutMs: 500,
  /** How long `resign` waits for another leader. */
  resignTimeoutMs: 1_000,
  resignPollMs: 10,
  /** The same complaint is logged no more often. */
  complaintIntervalMs: 5_000,
} as const;
