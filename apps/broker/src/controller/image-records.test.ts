/** An image as records, and its hash: what a snapshot keeps, and what tells two images apart. */
import { completeMetadataRecord, decodeMetadataRecord, type MetadataRecordInput, ZERO_UUID } from '@meridian/protocol';
import { expect, test } from 'vitest';
import { applyBatch } from './apply.ts';
import { createTopics, newTopic, scenario, uuidNumber } from './decide/scenario.ts';
import { imageHash } from './image-hash.ts';
import { imageRecords } from './image-records.ts';
import { MutableImage } from './mutable-image.ts';
import { snapshotBatches } from './snapshot-writer.ts';

function imageOf(records: Iterable<MetadataRecordInput>, endOffset: number): MutableImage {
  const image = new MutableImage('cluster');
  applyBatch(image, Array.from(records, completeMetadataRecord), endOffset);
  return image;
}

const nobody = { principal: 'User:alice', host: '*' };
const acl = { resourceType: 2, resourceName: 'orders', patternType: 3, operation: 3, permissionType: 3, ...nobody };
const keys = { salt: Buffer.from('s'), storedKey: Buffer.from('k'), serverKey: Buffer.from('v'), iterations: 4096 };
const token = { owner: 'alice', requester: 'bob', renewers: ['carol'], tokenId: 't' };
const times = { issueTimestamp: 1, maxTimestamp: 2, expirationTimestamp: 3 };
const quota = (key: string, value: number, remove = false): MetadataRecordInput => {
  const entity = [
    { entityType: 'user', entityName: 'alice' },
    { entityType: 'client-id', entityName: null },
  ];
  return { type: 'ClientQuotaRecord', entity, key, value, remove };
};

/** Something of every kind that a record can put into an image. */
function everything(): MutableImage {
  const { image, run } = scenario([1, 2, 3], { defaultReplicationFactor: 3 });
  const configs = [{ name: 'retention.ms', value: '7200000' }];
  run(createTopics([newTopic('orders', { configs }), newTopic('a.b'), newTopic('gone')]));
  run({ kind: 'deleteTopics', requester: 'client', topics: [{ name: 'gone', topicId: ZERO_UUID }] });
  run({ kind: 'allocateProducerIds', brokerId: 1 });
  const { id: topicId } = image.topicsByName.get('orders')!;
  const partition = { topicId, partitionId: 1 };
  const [broker] = [...image.brokers.values()];
  const registered = { brokerId: 1, brokerEpoch: broker!.epoch };
  const more: MetadataRecordInput[] = [
    { type: 'FeatureLevelRecord', name: 'metadata.version', featureLevel: 30 },
    { type: 'FeatureLevelRecord', name: 'eligible.leader.replicas.version', featureLevel: 1 },
    { type: 'PartitionChangeRecord', ...partition, isr: [1], eligibleLeaderReplicas: [2], lastKnownElr: [3] },
    { type: 'PartitionChangeRecord', ...partition, addingReplicas: [3], removingReplicas: [2], leaderRecoveryState: 1 },
    {
      type: 'BrokerRegistrationChangeRecord',
      ...registered,
      inControlledShutdown: 1,
      cordonedLogDirs: [uuidNumber(7)],
    },
    { type: 'FenceBrokerRecord', id: 2, epoch: image.brokers.get(2)!.epoch },
    {
      type: 'RegisterControllerRecord',
      ...{ controllerId: 9, incarnationId: uuidNumber(9), zkMigrationReady: false, features: [] },
      endPoints: [{ name: 'INTERNAL', host: 'h', port: 1, securityProtocol: 2 }],
    },
    { type: 'ConfigRecord', resourceType: 4, resourceName: '', name: 'log.retention.ms', value: '5' },
    { type: 'ConfigRecord', resourceType: 32, resourceName: 'group', name: 'consumer.session.timeout.ms', value: '6' },
    { type: 'AccessControlEntryRecord', id: uuidNumber(30), ...acl },
    { type: 'AccessControlEntryRecord', id: uuidNumber(31), ...acl },
    { type: 'RemoveAccessControlEntryRecord', id: uuidNumber(31) },
    { type: 'UserScramCredentialRecord', name: 'alice', mechanism: 1, ...keys },
    { type: 'DelegationTokenRecord', ...token, ...times },
    quota('producer_byte_rate', 1.5),
    quota('consumer_byte_rate', 2.5),
    quota('consumer_byte_rate', 0, true),
  ];
  applyBatch(image, more.map(completeMetadataRecord), image.endOffset + more.length);
  return image;
}

test('an image made of its own records is the same, with what only apache kafka acts on', () => {
  const image = everything();
  const again = imageOf(imageRecords(image), image.endOffset);
  expect(imageHash(again)).toBe(imageHash(image));
  expect(again.topicsByName).toEqual(image.topicsByName);
  expect(again.brokers).toEqual(image.brokers);
  expect([...again.securityRecords()].map(({ type }) => type).sort()).toEqual([
    'AccessControlEntryRecord',
    'ClientQuotaRecord',
    'DelegationTokenRecord',
    'UserScramCredentialRecord',
  ]);
});

test('the level of the metadata comes first, and batches of a snapshot hold all of it', () => {
  const image = everything();
  const batches = [...snapshotBatches(image)];
  const records = batches.flat().map((value) => decodeMetadataRecord(value));
  expect(records[0]).toMatchObject({ type: 'FeatureLevelRecord', name: 'metadata.version' });
  expect(imageHash(imageOf(records, image.endOffset))).toBe(imageHash(image));
});

test('a hash does not depend on the order in which an image was filled', () => {
  const image = everything();
  const topics = [...imageRecords(image)];
  const created = topics.findIndex(({ type }) => type === 'TopicRecord');
  const second = topics.findIndex(({ type }, at) => at > created && type === 'TopicRecord');
  const behind = topics.findIndex(({ type }) => type === 'ConfigRecord');
  const moved = [
    ...topics.slice(0, created),
    ...topics.slice(second, behind),
    ...topics.slice(created, second),
    ...topics.slice(behind).reverse(),
  ];
  expect(imageHash(imageOf(moved, image.endOffset))).toBe(imageHash(image));
});

test.each<[string, (image: MutableImage) => void]>([
  ['one offset', (image) => (image.endOffset += 1)],
  ['one config', (image) => image.setConfig('topic', 'orders', 'retention.ms', '7200001')],
  ['one broker’s fence', (image) => image.brokers.set(1, { ...image.brokers.get(1)!, fenced: true })],
  ['one feature', (image) => image.features.set('group.version', 1)],
])('a hash tells %s', (_, change) => {
  const [image, other] = [everything(), everything()];
  expect(imageHash(other)).toBe(imageHash(image));
  change(other);
  expect(imageHash(other)).not.toBe(imageHash(image));
});

test('a copy goes its own way, and what becomes another image is that image', () => {
  const image = everything();
  const hash = imageHash(image);
  const copy = image.copy();
  copy.security.apply(completeMetadataRecord({ type: 'RemoveDelegationTokenRecord', tokenId: 't' }));
  copy.setConfig('broker', '', 'log.retention.ms', null);
  expect(imageHash(image)).toBe(hash);
  const other = new MutableImage('cluster');
  other.become(image.copy());
  expect(imageHash(other)).toBe(hash);
});
