/**
 * What has become different between two images, as the records that would have said so; for listeners, when a snapshot
 * takes the place of records that this node never saw. What is gone comes first, because a name may have a new owner.
 */
import type { MetadataRecordInput } from '@meridian/protocol';
import { CONFIG_RESOURCE_IDS, CONFIG_RESOURCES } from './configs/resource-types.ts';
import type { MetadataImage } from './image.ts';
import { imageRecords } from './image-records.ts';

/** What is there in both may be named although it is the same. */
export function imageChanges(before: MetadataImage, after: MetadataImage): MetadataRecordInput[] {
  return [...removals(before, after), ...imageRecords(after)];
}

function* removals(before: MetadataImage, after: MetadataImage): Generator<MetadataRecordInput> {
  for (const topicId of before.topicsById.keys()) {
    if (!after.topicsById.has(topicId)) yield { type: 'RemoveTopicRecord', topicId };
  }
  for (const { id: brokerId, epoch: brokerEpoch } of before.brokers.values()) {
    if (!after.brokers.has(brokerId)) yield { type: 'UnregisterBrokerRecord', brokerId, brokerEpoch };
  }
  for (const resource of CONFIG_RESOURCES.values()) {
    const resourceType = CONFIG_RESOURCE_IDS[resource];
    for (const resourceName of before.configuredNames(resource)) {
      const values = after.configOf(resource, resourceName);
      for (const name of before.configOf(resource, resourceName).keys()) {
        if (!values.has(name)) yield { type: 'ConfigRecord', resourceType, resourceName, name, value: null };
      }
    }
  }
}
