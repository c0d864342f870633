/**
 * The partitions that this broker hosts, found by topic id or name. Written by `follow-image.ts` as the metadata image
 * moves on; read by the API handlers on every request.
 * Invariant: an entry exists exactly while the image says that this broker is a replica of the partition.
 */
import type { Partition } from './partition.ts';

export interface PartitionTable {
  byName(topic: string, partition: number): Partition | undefined;
  byId(topicId: string, partition: number): Partition | undefined;
}
