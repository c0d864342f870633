/**
 * An image as metadata records: applied to an empty image they make the same one again. Written into snapshots, and what
 * an image's hash is taken of.
 * Invariant: all that a record can put into an image comes out here; feature levels come first, because they say how to
 * read what follows.
 */
import type { MetadataRecordInput } from '@meridian/protocol';
import { CONFIG_RESOURCE_IDS, CONFIG_RESOURCES } from './configs/resource-types.ts';
import { METADATA_VERSION_FEATURE } from './features.ts';
import type { BrokerInfo, ControllerInfo, MetadataImage, PartitionInfo, Topic } from './image.ts';

/** In Apache Kafka's order, each kind in the order in which the image has it. */
export function* imageRecords(image: MetadataImage): Generator<MetadataRecordInput> {
  yield* featureRecords(image);
  for (const broker of image.brokers.values()) yield brokerRecord(broker);
  for (const controller of image.controllers.values()) yield controllerRecord(controller);
  for (const topic of image.topicsById.values()) yield* topicRecords(topic);
  yield* configRecords(image);
  if (image.nextProducerId >= 0) {
    yield { type: 'ProducerIdsRecord', brokerId: -1, brokerEpoch: -1, nextProducerId: image.nextProducerId };
  }
  yield* image.securityRecords();
}

function* featureRecords({ features }: MetadataImage): Generator<MetadataRecordInput> {
  const names = [...features.keys()].filter((name) => name !== METADATA_VERSION_FEATURE).sort();
  for (const name of [METADATA_VERSION_FEATURE, ...names]) {
    const featureLevel = features.get(name);
    if (featureLevel !== undefined) yield { type: 'FeatureLevelRecord', name, featureLevel };
  }
}

function brokerRecord(broker: BrokerInfo): MetadataRecordInput {
  return {
    type: 'RegisterBrokerRecord',
    brokerId: broker.id,
    incarnationId: broker.incarnationId,
    brokerEpoch: broker.epoch,
    endPoints: broker.endpoints,
    features: broker.features,
    rack: broker.rack,
    fenced: broker.fenced,
    inControlledShutdown: broker.inControlledShutdown,
    logDirs: broker.directories,
    cordonedLogDirs: broker.cordonedDirectories,
  };
}

function controllerRecord(controller: ControllerInfo): MetadataRecordInput {
  return {
    type: 'RegisterControllerRecord',
    controllerId: controller.id,
    incarnationId: controller.incarnationId,
    zkMigrationReady: false,
    endPoints: controller.endpoints,
    features: controller.features,
  };
}

function* topicRecords({ name, id, partitions }: Topic): Generator<MetadataRecordInput> {
  yield { type: 'TopicRecord', name, topicId: id };
  for (const partition of partitions) yield partitionRecord(id, partition);
}

function partitionRecord(topicId: string, partition: PartitionInfo): MetadataRecordInput {
  const { eligibleLeaderReplicas, lastKnownElr } = partition;
  return {
    type: 'PartitionRecord',
    topicId,
    partitionId: partition.index,
    replicas: partition.replicas,
    isr: partition.isr,
    removingReplicas: partition.removingReplicas,
    addingReplicas: partition.addingReplicas,
    leader: partition.leader,
    leaderRecoveryState: partition.leaderRecoveryState,
    leaderEpoch: partition.leaderEpoch,
    partitionEpoch: partition.partitionEpoch,
    directories: partition.directories,
    eligibleLeaderReplicas: eligibleLeaderReplicas.length === 0 ? null : eligibleLeaderReplicas,
    lastKnownElr: lastKnownElr.length === 0 ? null : lastKnownElr,
  };
}

function* configRecords(image: MetadataImage): Generator<MetadataRecordInput> {
  for (const resource of CONFIG_RESOURCES.values()) {
    for (const resourceName of image.configuredNames(resource)) {
      for (const [name, value] of image.configOf(resource, resourceName)) {
        const resourceType = CONFIG_RESOURCE_IDS[resource];
        yield { type: 'ConfigRecord', resourceType, resourceName, name, value };
      }
    }
  }
}
