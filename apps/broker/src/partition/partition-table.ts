/**
 * The partitions that this broker hosts, as the API handlers see them: found by topic name or id, on every request.
 * Invariant: an entry exists exactly while the image says that this broker is a replica of the partition and its log
 * could be opened.
 */
import type { Partition } from './partition.ts';

export interface PartitionTable {
  byName(topic: string, partition: number): Partition | undefined;
  byId(topicId: string, partition: number): Partition | undefined;
  /** Every partition that is open here. */
  all(): Iterable<Partition>;
  /** Kafka's error code for one that was not found: unknown, on other brokers, or its log could not be opened. */
  errorByName(topic: string, partition: number): number;
  errorById(topicId: string, partition: number): number;
}
