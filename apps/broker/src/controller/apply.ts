/**
 * The only code that changes a metadata image: one case per record type, the same for the image that runs ahead on the
 * active controller and for what is committed, on every node, replayed or from snapshots.
 * Invariant: applying the same records in the same order gives the same image, whoever does it; a record that does not
 * fit the image is a bug or a damaged log, and throws.
 */
import assert from 'node:assert/strict';
import type { MetadataRecord, MetadataRecordOf } from '@meridian/protocol';
import { CONFIG_RESOURCES } from './configs/resource-types.ts';
import type { PartitionInfo, Topic } from './image.ts';
import type { MutableImage } from './mutable-image.ts';

/** Applies a batch of records, the last of which stands before `endOffset`; the only way in. */
export function applyBatch(image: MutableImage, records: readonly MetadataRecord[], endOffset: number): void {
  for (const record of records) applyRecord(image, record);
  image.endOffset = endOffset;
  image.seal();
}

/** Record types of Kafka that say nothing at all any more are passed over. */
function applyRecord(image: MutableImage, record: MetadataRecord): void {
  switch (record.type) {
    case 'RegisterBrokerRecord':
      applyRegisterBroker(image, record);
      break;
    case 'BrokerRegistrationChangeRecord':
      applyRegistrationChange(image, record);
      break;
    case 'UnregisterBrokerRecord':
      image.brokers.delete(record.brokerId);
      break;
    case 'FenceBrokerRecord':
      applyFencing(image, record, true);
      break;
    case 'UnfenceBrokerRecord':
      applyFencing(image, record, false);
      break;
    case 'RegisterControllerRecord':
      applyRegisterController(image, record);
      break;
    case 'TopicRecord':
      applyTopic(image, record);
      break;
    case 'PartitionRecord':
      applyPartition(image, record);
      break;
    case 'PartitionChangeRecord':
      applyPartitionChange(image, record);
      break;
    case 'ClearElrRecord':
      applyClearElr(image, record);
      break;
    case 'RemoveTopicRecord':
      applyRemoveTopic(image, record);
      break;
    case 'ConfigRecord':
      applyConfig(image, record);
      break;
    case 'FeatureLevelRecord':
      if (record.featureLevel === 0) image.features.delete(record.name);
      else image.features.set(record.name, record.featureLevel);
      break;
    case 'ProducerIdsRecord':
      image.nextProducerId = record.nextProducerId;
      break;
    default:
      image.security.apply(record);
  }
}

function applyRegisterBroker(image: MutableImage, record: MetadataRecordOf<'RegisterBrokerRecord'>): void {
  image.brokers.set(record.brokerId, {
    id: record.brokerId,
    epoch: record.brokerEpoch,
    incarnationId: record.incarnationId,
    endpoints: record.endPoints,
    rack: record.rack,
    fenced: record.fenced,
    inControlledShutdown: record.inControlledShutdown,
    directories: record.logDirs,
    cordonedDirectories: record.cordonedLogDirs,
    features: record.features,
  });
}

function applyRegisterController(image: MutableImage, record: MetadataRecordOf<'RegisterControllerRecord'>): void {
  image.controllers.set(record.controllerId, {
    id: record.controllerId,
    incarnationId: record.incarnationId,
    endpoints: record.endPoints,
    features: record.features,
  });
}

function applyRegistrationChange(
  image: MutableImage,
  record: MetadataRecordOf<'BrokerRegistrationChangeRecord'>,
): void {
  const broker = image.brokers.get(record.brokerId);
  assert(broker?.epoch === record.brokerEpoch, `no broker ${record.brokerId} with epoch ${record.brokerEpoch}`);
  const fenced = record.fenced === 0 ? broker.fenced : record.fenced === 1;
  const inControlledShutdown = broker.inControlledShutdown || record.inControlledShutdown === 1;
  const directories = record.logDirs.length === 0 ? broker.directories : record.logDirs;
  const cordonedDirectories = record.cordonedLogDirs ?? broker.cordonedDirectories;
  image.brokers.set(record.brokerId, { ...broker, fenced, inControlledShutdown, directories, cordonedDirectories });
}

function applyFencing(image: MutableImage, { id, epoch }: { id: number; epoch: number }, fenced: boolean): void {
  const broker = image.brokers.get(id);
  assert(broker?.epoch === epoch, `no broker ${id} with epoch ${epoch}`);
  image.brokers.set(id, { ...broker, fenced });
}

function applyTopic(image: MutableImage, record: MetadataRecordOf<'TopicRecord'>): void {
  assert(!image.topicsByName.has(record.name) && !image.topicsById.has(record.topicId), `topic ${record.name} twice`);
  image.putTopic({ name: record.name, id: record.topicId, partitions: [] });
}

function topicOf(image: MutableImage, topicId: string): Topic {
  const topic = image.topicsById.get(topicId);
  assert(topic, `no topic ${topicId}`);
  return topic;
}

function applyPartition(image: MutableImage, record: MetadataRecordOf<'PartitionRecord'>): void {
  const partition: PartitionInfo = {
    index: record.partitionId,
    leader: record.leader,
    leaderEpoch: record.leaderEpoch,
    partitionEpoch: record.partitionEpoch,
    replicas: record.replicas,
    isr: record.isr,
    addingReplicas: idsOr(NO_IDS, record.addingReplicas),
    removingReplicas: idsOr(NO_IDS, record.removingReplicas),
    leaderRecoveryState: record.leaderRecoveryState,
    eligibleLeaderReplicas: idsOr(NO_IDS, record.eligibleLeaderReplicas),
    lastKnownElr: idsOr(NO_IDS, record.lastKnownElr),
    directories: record.directories,
  };
  image.putPartition(topicOf(image, record.topicId), partition);
}

const LEADER_UNCHANGED = -2;
const NO_IDS: readonly number[] = Object.freeze([]);

/** Mostly there are none: one empty list stands for all. */
function idsOr(unchanged: readonly number[], ids: readonly number[] | null): readonly number[] {
  if (ids === null) return unchanged;
  return ids.length === 0 ? NO_IDS : ids;
}

/** A change that names a leader moves the leader epoch even if it is the same one (as Kafka's registration merge). */
function applyPartitionChange(image: MutableImage, record: MetadataRecordOf<'PartitionChangeRecord'>): void {
  const topic = topicOf(image, record.topicId);
  const before = topic.partitions[record.partitionId];
  assert(before, `no partition ${topic.name}-${record.partitionId}`);
  const moved = record.leader !== LEADER_UNCHANGED;
  image.putPartition(topic, {
    index: before.index,
    leader: moved ? record.leader : before.leader,
    leaderEpoch: moved ? before.leaderEpoch + 1 : before.leaderEpoch,
    partitionEpoch: before.partitionEpoch + 1,
    replicas: record.replicas ?? before.replicas,
    isr: record.isr ?? before.isr,
    addingReplicas: idsOr(before.addingReplicas, record.addingReplicas),
    removingReplicas: idsOr(before.removingReplicas, record.removingReplicas),
    leaderRecoveryState: record.leaderRecoveryState === -1 ? before.leaderRecoveryState : record.leaderRecoveryState,
    eligibleLeaderReplicas: idsOr(before.eligibleLeaderReplicas, record.eligibleLeaderReplicas),
    lastKnownElr: idsOr(before.lastKnownElr, record.lastKnownElr),
    directories: record.directories ?? before.directories,
  });
}

/** Of one topic, or of all; as in Apache Kafka only partitions that had any are changed by it. */
function applyClearElr(image: MutableImage, { topicName }: MetadataRecordOf<'ClearElrRecord'>): void {
  const named = image.topicsByName.get(topicName);
  assert(named !== undefined || topicName === '', `no topic ${topicName}`);
  for (const topic of named === undefined ? [...image.topicsByName.values()] : [named]) {
    for (const before of topic.partitions) {
      if (before.eligibleLeaderReplicas.length + before.lastKnownElr.length === 0) continue;
      const partitionEpoch = before.partitionEpoch + 1;
      image.putPartition(topic, { ...before, partitionEpoch, eligibleLeaderReplicas: NO_IDS, lastKnownElr: NO_IDS });
    }
  }
}

/** The topic's configs go with it, without records of their own. */
function applyRemoveTopic(image: MutableImage, record: MetadataRecordOf<'RemoveTopicRecord'>): void {
  image.removeTopic(topicOf(image, record.topicId));
}

function applyConfig(image: MutableImage, record: MetadataRecordOf<'ConfigRecord'>): void {
  const resource = CONFIG_RESOURCES.get(record.resourceType);
  if (resource !== undefined) image.setConfig(resource, record.resourceName, record.name, record.value);
}
