/**
 * What a partition asks of the replication around it, which `replication/` performs: a follower is fetched for, a leader's
 * in-sync set is taken to the controller. Invariant: nothing is answered from inside a call.
 */
import type { BrokerStanding, IsrChange } from './leadership.ts';
import type { Partition } from './partition.ts';

export interface ReplicationDoor {
  readonly brokers: BrokerStanding;
  /** It follows `leader`, in an epoch that is new to it. */
  follow(partition: Partition, leader: number): void;
  /** It follows nobody any more. */
  leave(partition: Partition): void;
  /** A follower that had to wait for its disk (`mayFetch`) may be fetched for again. */
  ready(partition: Partition): void;
  /** `partition.isrAnswered` tells what came of it. */
  alterPartition(partition: Partition, change: IsrChange): void;
}

/** A partition as those see it who send its records to followers. */
export interface ReplicaWatcher {
  /** The log goes on. */
  appended(): void;
  /** The high watermark has moved, or the start of the log. */
  committed(): void;
  /** It leads no more, or in another epoch, or not at all. */
  moved(): void;
}
