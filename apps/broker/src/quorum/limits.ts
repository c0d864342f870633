/** Bounds of the quorum's shell, by name. */
export const QUORUM_LIMITS = {
  /** Kafka's file has some hundred bytes, with a list of all voters in its first version. */
  quorumStateBytes: 65_536,
} as const;
