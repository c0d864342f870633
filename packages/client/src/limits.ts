/** Every bound and wait of this package, by name; `createClient` takes others for those in `ClientLimits`. */
export interface ClientLimits {
  /** Establishing a connection, authentication included. */
  readonly connectTimeoutMs: number;
  /** A request without its own timeout; on expiry the connection is given up, as the peer may be half gone. */
  readonly requestTimeoutMs: number;
  /** A whole call with its retries. */
  readonly callTimeoutMs: number;
  /** Full jitter: a uniform wait below min(cap, base × 2^attempt). */
  readonly backoffBaseMs: number;
  readonly backoffCapMs: number;
  /** Unanswered requests on one connection; the others wait. */
  readonly maxInFlight: number;
  /** Requests that may wait for a place on one connection. */
  readonly maxWaiting: number;
  /** Connections' places, used or not; beyond, those without a connection are forgotten. */
  readonly maxSlots: number;
  /** Largest answer that is taken. */
  readonly maxFrameBytes: number;
  /** A view of a topic is used for so long without asking again. */
  readonly metadataMaxAgeMs: number;
  /** After so many answers of one broker that say nothing new of what has proved wrong, another one is asked. */
  readonly metadataAnswersWithoutNews: number;
  /** Refreshes after which a topic that nobody knows does not exist. */
  readonly unknownTopicAttempts: number;
  /** A produce request takes further partitions while it is below this. */
  readonly produceRequestBytes: number;
  /** Batches that wait for one broker, in flight or not, before `too-many-pending`. */
  readonly maxPendingProduces: number;
  /** Produces of one partition that are in flight together (idempotent or mirror appends; brokers remember five). */
  readonly maxInFlightPerPartition: number;
  /** How long queued produces wait for a leader before mirror appends are told that there is none. */
  readonly leaderWaitMs: number;
  /** How often deadlines of produces are looked at. */
  readonly produceSweepMs: number;
  /** Groups and transactional ids that one request names. */
  readonly coordinatorKeys: number;
  /** How much longer than its rebalance a group's join may take: an empty group waits for others first. */
  readonly joinMarginMs: number;
  /** `backoffCapMs` while a coordinator is moving, loading or being made, which is soon over. */
  readonly coordinatorBackoffCapMs: number;
  /** Fences under way at once: each is a chain of questions to one coordinator, and more of them only wait for each other. */
  readonly fencesInFlight: number;
  /** Whole attempts of a fence. */
  readonly fenceAttempts: number;
  /** How long the coordinator may take to write a fence's markers, before another attempt. */
  readonly fenceMarkerMs: number;
  /** How often it is asked whether it has: first, and then doubling up to. */
  readonly fencePollMs: number;
  readonly fencePollCapMs: number;
  readonly fetchMaxWaitMs: number;
  readonly fetchMinBytes: number;
  readonly fetchMaxBytes: number;
  readonly fetchPartitionMaxBytes: number;
  /** A way that takes less than this there and back is a short one: its answers need not be larger. */
  readonly adaptiveRttMs: number;
  /** What all adaptive fetchers of a client may ask for beyond their least sizes. */
  readonly adaptiveBytes: number;
  /** Fetches of one fetcher that are under way to a leader that reads on by itself. */
  readonly maxFetchesAhead: number;
  /** The round trip is the least of so many, and one of them is measured anew after this while. */
  readonly rttSamples: number;
  readonly rttAgeMs: number;
  /** Answers with data of others that a partition waits for its turn, at most, before it is asked for alone. */
  readonly fetchPatience: number;
  /** Partitions that join while a long poll is out share a second one, which is held for this long only. */
  readonly fetchSecondLaneWaitMs: number;
}

export const DEFAULT_LIMITS: ClientLimits = {
  connectTimeoutMs: 5_000,
  requestTimeoutMs: 10_000,
  callTimeoutMs: 15_000,
  backoffBaseMs: 25,
  backoffCapMs: 1_000,
  maxInFlight: 5,
  maxWaiting: 10_000,
  maxSlots: 10_000,
  maxFrameBytes: 104_857_600,
  metadataMaxAgeMs: 30_000,
  metadataAnswersWithoutNews: 4,
  unknownTopicAttempts: 4,
  produceRequestBytes: 4 * 1024 * 1024,
  maxPendingProduces: 20_000,
  maxInFlightPerPartition: 5,
  leaderWaitMs: 2_000,
  produceSweepMs: 250,
  coordinatorKeys: 200,
  joinMarginMs: 5_000,
  coordinatorBackoffCapMs: 200,
  fencesInFlight: 8,
  fenceAttempts: 8,
  fenceMarkerMs: 5_000,
  fencePollMs: 10,
  fencePollCapMs: 320,
  fetchMaxWaitMs: 500,
  fetchMinBytes: 1,
  fetchMaxBytes: 16 * 1024 * 1024,
  fetchPartitionMaxBytes: 2 * 1024 * 1024,
  adaptiveRttMs: 20,
  adaptiveBytes: 64 * 1024 * 1024,
  maxFetchesAhead: 64,
  rttSamples: 8,
  rttAgeMs: 10_000,
  fetchPatience: 64,
  fetchSecondLaneWaitMs: 50,
};
