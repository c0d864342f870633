/**
 * What the metadata image says of a partition, as far as its replicas act on it, and what they know of the cluster's
 * brokers. Handed to `partition.ts` whenever the image has moved.
 * Invariant: `leaderEpoch` and `partitionEpoch` only grow; what comes with an older one is not believed.
 */
import type { MetadataImage, PartitionInfo } from '../controller/image.ts';

export type Leadership = Pick<
  PartitionInfo,
  'leader' | 'leaderEpoch' | 'partitionEpoch' | 'replicas' | 'isr' | 'addingReplicas' | 'removingReplicas'
>;

/** Which brokers may be in sync at all. */
export interface BrokerStanding {
  /** Its epoch, if it is registered, not fenced and not about to stop; else −1 (KIP-903). */
  eligibleEpoch(brokerId: number): number;
}

/** The in-sync set that a leader asks the controller for. */
export interface IsrChange {
  readonly leaderEpoch: number;
  readonly partitionEpoch: number;
  /** −1: its epoch is not known, or it is the leader itself. */
  readonly isr: readonly { readonly brokerId: number; readonly brokerEpoch: number }[];
}

/** What the controller said to it. */
export interface IsrAnswer {
  readonly errorCode: number;
  readonly leaderEpoch: number;
  readonly partitionEpoch: number;
  readonly isr: readonly number[];
}

export function brokerStanding(image: MetadataImage): BrokerStanding {
  return {
    eligibleEpoch(brokerId) {
      const broker = image.brokers.get(brokerId);
      return broker === undefined || broker.fenced || broker.inControlledShutdown ? -1 : broker.epoch;
    },
  };
}
