/**
 * What is told of a topic, and of its partitions' leaders and replicas, by both APIs that describe topics (Metadata and
 * DescribeTopicPartitions).
 */
import { isReplicaOnline } from '../controller/directories.ts';
import type { MetadataImage, PartitionInfo } from '../controller/image.ts';

const INTERNAL_TOPICS = new Set(['__consumer_offsets', '__transaction_state', '__share_group_state']);

/** Bit set of all operations that exist on a topic: there are no ACLs on this broker. */
export const ALL_TOPIC_OPERATIONS = 3576;
/** The same of the cluster. */
export const ALL_CLUSTER_OPERATIONS = 8096;
/** Kafka's value where operations were not asked for. */
export const OPERATIONS_NOT_ASKED = -2147483648;

/** A topic that brokers keep for themselves. */
export function isInternalTopic(name: string): boolean {
  return INTERNAL_TOPICS.has(name);
}

/** Replicas whose broker is gone or fenced, or whose log dir has failed. */
export function offlineReplicas(partition: PartitionInfo, image: MetadataImage): number[] {
  return partition.replicas.filter((id) => !isReplicaOnline(image, partition, id));
}

/** The leader while its broker lives, else −1. */
export function aliveLeader({ leader }: PartitionInfo, image: MetadataImage): number {
  return image.brokers.get(leader)?.fenced === false ? leader : -1;
}
