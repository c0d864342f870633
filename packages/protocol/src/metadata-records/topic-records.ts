/**
 * Metadata records about topics, partitions and configs. A change record carries only what changes: its defaults
 * (null, −2, −1) mean "as before". Written by the controller; listed by key in `metadata-records.ts`.
 */
import { array, int8, int32, schema, string, uuid } from '../codec/schema.ts';

export const TopicRecord = schema(
  'TopicRecord',
  { minVersion: 0, maxVersion: 0, flexibleFrom: 0 },
  { name: string(), topicId: uuid() },
);

export const PartitionRecord = schema(
  'PartitionRecord',
  { minVersion: 0, maxVersion: 2, flexibleFrom: 0 },
  {
    partitionId: int32({ default: -1 }),
    topicId: uuid(),
    replicas: array(int32()),
    isr: array(int32()),
    removingReplicas: array(int32()),
    addingReplicas: array(int32()),
    leader: int32({ default: -1 }),
    leaderRecoveryState: int8({ tag: 0, default: 0, ignorable: false }),
    leaderEpoch: int32({ default: -1 }),
    partitionEpoch: int32({ default: -1 }),
    directories: array(uuid(), { since: 1, ignorable: false }),
    eligibleLeaderReplicas: array(int32(), { since: 2, nullable: true, tag: 1, default: null, ignorable: false }),
    lastKnownElr: array(int32(), { since: 2, nullable: true, tag: 2, default: null, ignorable: false }),
  },
);

export const PartitionChangeRecord = schema(
  'PartitionChangeRecord',
  { minVersion: 0, maxVersion: 2, flexibleFrom: 0 },
  {
    partitionId: int32({ default: -1 }),
    topicId: uuid(),
    isr: array(int32(), { nullable: true, tag: 0, default: null, ignorable: false }),
    leader: int32({ tag: 1, default: -2, ignorable: false }),
    replicas: array(int32(), { nullable: true, tag: 2, default: null, ignorable: false }),
    removingReplicas: array(int32(), { nullable: true, tag: 3, default: null, ignorable: false }),
    addingReplicas: array(int32(), { nullable: true, tag: 4, default: null, ignorable: false }),
    leaderRecoveryState: int8({ tag: 5, default: -1, ignorable: false }),
    directories: array(uuid(), { since: 1, nullable: true, tag: 8, default: null, ignorable: false }),
    eligibleLeaderReplicas: array(int32(), { since: 2, nullable: true, tag: 6, default: null, ignorable: false }),
    lastKnownElr: array(int32(), { since: 2, nullable: true, tag: 7, default: null, ignorable: false }),
  },
);

/** Forgets the eligible leader replicas of all partitions of a topic; without a name, of all topics. */
export const ClearElrRecord = schema(
  'ClearElrRecord',
  { minVersion: 0, maxVersion: 0, flexibleFrom: 0 },
  { topicName: string() },
);

export const RemoveTopicRecord = schema(
  'RemoveTopicRecord',
  { minVersion: 0, maxVersion: 0, flexibleFrom: 0 },
  { topicId: uuid() },
);

export const ConfigRecord = schema(
  'ConfigRecord',
  { minVersion: 0, maxVersion: 0, flexibleFrom: 0 },
  { resourceType: int8(), resourceName: string(), name: string(), value: string({ nullable: true }) },
);
