/** Records that this release never writes, and that the log of an Apache Kafka may hold. */
import { completeMetadataRecord, type MetadataRecordInput, ZERO_UUID } from '@meridian/protocol';
import { expect, test } from 'vitest';
import { applyBatch } from './apply.ts';
import { MutableImage } from './mutable-image.ts';

const uuid = (digit: string): string => ZERO_UUID.replaceAll('0', digit);

function apply(image: MutableImage, ...records: MetadataRecordInput[]): MutableImage {
  applyBatch(image, records.map(completeMetadataRecord), image.endOffset + records.length);
  return image;
}

function topic(name: string, topicId: string, elrs: readonly number[][]): MetadataRecordInput[] {
  const nodes = { replicas: [1, 2, 3], isr: [1], removingReplicas: [], addingReplicas: [], leader: 1 };
  const partitions = elrs.map((eligibleLeaderReplicas, partitionId) => ({
    ...{ type: 'PartitionRecord', partitionId, topicId, ...nodes, leaderEpoch: 5, partitionEpoch: 9 },
    ...{ directories: [], eligibleLeaderReplicas, lastKnownElr: [] },
  }));
  return [{ type: 'TopicRecord', name, topicId }, ...(partitions as MetadataRecordInput[])];
}

const elrsOf = (image: MutableImage, name: string) =>
  image.topicsByName.get(name)!.partitions.map((each) => [each.eligibleLeaderReplicas, each.partitionEpoch]);

const twoTopics = () =>
  apply(new MutableImage('c'), ...topic('orders', uuid('a'), [[2, 3], []]), ...topic('users', uuid('b'), [[2]]));

test('eligible leader replicas are forgotten of one topic, and only where there are any', () => {
  const image = apply(twoTopics(), { type: 'ClearElrRecord', topicName: 'orders' });
  expect(elrsOf(image, 'orders')).toEqual([
    [[], 10],
    [[], 9],
  ]);
  expect(elrsOf(image, 'users')).toEqual([[[2], 9]]);
  expect(image.topicsById.get(uuid('a'))).toBe(image.topicsByName.get('orders'));
});

test('without a name they are forgotten of all topics, of those that the batch itself creates, too', () => {
  const image = apply(twoTopics(), ...topic('new', uuid('c'), [[3]]), { type: 'ClearElrRecord', topicName: '' });
  expect(['orders', 'users', 'new'].map((name) => elrsOf(image, name)[0])).toEqual([
    [[], 10],
    [[], 10],
    [[], 10],
  ]);
});

test('of a topic that is not there they cannot be forgotten', () => {
  expect(() => apply(twoTopics(), { type: 'ClearElrRecord', topicName: 'other' })).toThrow('no topic other');
});

test('acls, users, tokens, quotas and the way from ZooKeeper change nothing, and are no reason to refuse a log', () => {
  const name = 'alice';
  const acl = { resourceType: 2, resourceName: 'orders', patternType: 3, host: '*', operation: 3, permissionType: 3 };
  const keys = { salt: Buffer.from('s'), storedKey: Buffer.from('k'), serverKey: Buffer.from('v'), iterations: 4096 };
  const times = { issueTimestamp: 1, maxTimestamp: 2, expirationTimestamp: 3 };
  const image = twoTopics();
  const before = image.copy();
  apply(
    image,
    { type: 'AccessControlEntryRecord', id: uuid('d'), principal: 'User:alice', ...acl },
    { type: 'RemoveAccessControlEntryRecord', id: uuid('d') },
    { type: 'UserScramCredentialRecord', name, mechanism: 1, ...keys },
    { type: 'RemoveUserScramCredentialRecord', name, mechanism: 1 },
    { type: 'DelegationTokenRecord', owner: name, requester: name, renewers: [], ...times, tokenId: 't' },
    { type: 'RemoveDelegationTokenRecord', tokenId: 't' },
    {
      type: 'ClientQuotaRecord',
      entity: [{ entityType: 'user', entityName: null }],
      key: 'k',
      value: 1.5,
      remove: false,
    },
    { type: 'ZkMigrationStateRecord', zkMigrationState: 0 },
  );
  expect(image.endOffset).toBe(before.endOffset + 8);
  expect(image.topicsByName).toEqual(before.topicsByName);
});
