/**
 * `__consumer_offsets`: the topic in which groups and their offsets lie, which partition of it a group belongs to, and how
 * it is made when the first group looks for its coordinator.
 * Invariant: a group's partition is Apache Kafka's (the hash of Java's strings), so either broker finds what the other wrote.
 */
import type { NewTopic } from '../controller/commands.ts';
import type { GroupSettings } from './group-settings.ts';

export const OFFSETS_TOPIC = '__consumer_offsets';

const INT_MIN = -2147483648;

export function partitionOf(groupId: string, partitionCount: number): number {
  let hash = 0;
  for (let i = 0; i < groupId.length; i++) hash = (Math.imul(hash, 31) + groupId.charCodeAt(i)) | 0;
  return (hash === INT_MIN ? 0 : Math.abs(hash)) % partitionCount;
}

export function offsetsTopic(settings: GroupSettings, brokerCount: number): NewTopic {
  const { offsetsTopicReplicationFactor: wanted, isReplicationFactorSet } = settings;
  return {
    name: OFFSETS_TOPIC,
    numPartitions: settings.offsetsTopicPartitions,
    replicationFactor: isReplicationFactorSet ? wanted : Math.max(1, Math.min(wanted, brokerCount)),
    assignments: [],
    configs: [
      { name: 'cleanup.policy', value: 'compact' },
      { name: 'compression.type', value: 'producer' },
      { name: 'segment.bytes', value: String(settings.offsetsTopicSegmentBytes) },
    ],
  };
}
