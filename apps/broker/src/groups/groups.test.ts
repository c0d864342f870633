/** Groups and offsets through a whole broker: what clients are told, and what is still there after a death. */
import {
  APIS,
  ApiVersions,
  DeleteGroups,
  DeleteTopics,
  DescribeConfigs,
  DescribeGroups,
  ERROR,
  encodeRequest,
  FindCoordinator,
  Heartbeat,
  JoinGroup,
  LeaveGroup,
  ListGroups,
  Metadata,
  OffsetCommit,
  OffsetDelete,
  OffsetFetch,
  Produce,
  SyncGroup,
} from '@meridian/protocol';
import { writeBatch } from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import { produceOf } from '../testing/batches.ts';
import { startTestBroker } from '../testing/test-broker.ts';
import type { TestConnection } from '../testing/test-connection.ts';
import { partitionOf } from './offsets-topic.ts';

const GROUP = 'readers';
const CONSUMER = { protocolType: 'consumer', protocols: [{ name: 'range', metadata: Buffer.alloc(0) }] };
const TIMEOUTS = { sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 20_000 };

async function start() {
  const test = await startTestBroker({ config: { configs: { 'offsets.topic.num.partitions': '3' } } });
  const client = await test.connect();
  await client.request(Metadata, 12, { topics: [{ name: 'orders' }], allowAutoTopicCreation: true });
  await client.request(FindCoordinator, 4, { keyType: 0, coordinatorKeys: [GROUP] });
  return { test, client };
}

const offset = (committedOffset: number, partitionIndex = 0) => ({
  partitionIndex,
  committedOffset,
  committedMetadata: `at ${committedOffset}`,
});

function commit(
  client: TestConnection,
  committedOffset: number,
  member = { generationIdOrMemberEpoch: -1, memberId: '' },
) {
  const topics = [{ name: 'orders', partitions: [offset(committedOffset), offset(9, 77)] }];
  return client.request(OffsetCommit, 8, { groupId: GROUP, ...member, topics });
}

async function fetched(client: TestConnection, version = 8): Promise<number[]> {
  const topics = [{ name: 'orders', partitionIndexes: [0, 1] }];
  const answer = await client.request(OffsetFetch, version, { groups: [{ groupId: GROUP, topics }] });
  return answer.groups[0]!.topics[0]!.partitions.map(({ committedOffset }) => committedOffset);
}

/** A member that is alone in its group and has been assigned something. */
async function member(client: TestConnection) {
  const first = await client.request(JoinGroup, 7, { groupId: GROUP, memberId: '', ...TIMEOUTS, ...CONSUMER });
  expect(first.errorCode).toBe(ERROR.MEMBER_ID_REQUIRED);
  const { memberId } = first;
  const joined = await client.request(JoinGroup, 7, { groupId: GROUP, memberId, ...TIMEOUTS, ...CONSUMER });
  const { generationId } = joined;
  const assignments = [{ memberId, assignment: Buffer.from('mine') }];
  const synced = await client.request(SyncGroup, 3, { groupId: GROUP, generationId, memberId, assignments });
  expect([joined.errorCode, joined.leader, synced.assignment.toString()]).toEqual([ERROR.NONE, memberId, 'mine']);
  return { memberId, generationId };
}

test('what has a handler is advertised and served, and nothing else', async () => {
  const { test, client } = await start();
  const { apiKeys } = await client.request(ApiVersions, 3, { clientSoftwareName: 'a', clientSoftwareVersion: '1' });
  const advertised = new Set(apiKeys.map(({ apiKey }) => apiKey));
  expect(advertised).toContain(JoinGroup.key);
  const silent = APIS.filter(({ key }) => !advertised.has(key));
  for (const { key } of [...silent, { key: 24 }, { key: 999 }]) {
    const other = await test.connect();
    const frame = Buffer.concat(encodeRequest(ApiVersions, 0, { correlationId: 1, clientId: null }, {}));
    frame.writeInt16BE(key, 4);
    other.sendBytes(frame);
    expect(await other.closes()).toBe(true);
  }
});

test('an offset that was answered is there after a death, and each partition has its own code', async () => {
  const { test, client } = await start();
  const answer = await commit(client, 5);
  expect(answer.topics[0]!.partitions.map(({ errorCode }) => errorCode)).toEqual([
    ERROR.NONE,
    ERROR.UNKNOWN_TOPIC_OR_PARTITION,
  ]);
  expect(await fetched(client)).toEqual([5, -1]);
  test.node.kill();
  await test.restart();
  expect(await fetched(await test.connect())).toEqual([5, -1]);
});

test('a commit and a fetch in one go are answered in their order', async () => {
  const { client } = await start();
  const topics = [{ name: 'orders', partitions: [offset(8)] }];
  client.send(OffsetCommit, 8, { groupId: GROUP, memberId: '', topics });
  client.send(OffsetFetch, 8, { groups: [{ groupId: GROUP, topics: null }] });
  await client.receive(OffsetCommit, 8);
  const { groups } = await client.receive(OffsetFetch, 8);
  expect(groups[0]!.topics[0]!.partitions[0]).toMatchObject({ committedOffset: 8, metadata: 'at 8' });
});

test('on the internal listener a commit may name what it replaces, and is refused if that has moved', async () => {
  const { test, client } = await start();
  const internal = await test.connectInternal();
  const replace = async (connection: TestConnection, expectedOffset: number, committedOffset: number) => {
    const topics = [{ name: 'orders', partitions: [{ ...offset(committedOffset), expectedOffset }] }];
    const answer = await connection.request(OffsetCommit, 8, { groupId: GROUP, memberId: '', topics });
    return answer.topics[0]!.partitions[0]!.errorCode;
  };
  expect(await replace(internal, -1, 5)).toBe(ERROR.NONE);
  expect(await replace(internal, -1, 6)).toBe(ERROR.ILLEGAL_GENERATION);
  await commit(client, 7);
  expect(await replace(internal, 5, 6)).toBe(ERROR.ILLEGAL_GENERATION);
  expect(await replace(internal, 7, 8)).toBe(ERROR.NONE);
  expect(await replace(client, 0, 9)).toBe(ERROR.NONE);
  expect((await fetched(client))[0]).toBe(9);
});

test('topics go by their id from v10 on', async () => {
  const { client } = await start();
  const { topics } = await client.request(Metadata, 12, { topics: [{ name: 'orders' }] });
  const { topicId } = topics[0]!;
  const partitions = [offset(3)];
  const committed = await client.request(OffsetCommit, 10, {
    groupId: GROUP,
    memberId: '',
    topics: [{ topicId, partitions }],
  });
  expect(committed.topics[0]).toMatchObject({ topicId, partitions: [{ errorCode: ERROR.NONE }] });
  const unknown = '00000000-0000-0000-0000-0000000000ff';
  const asked = [topicId, unknown].map((id) => ({ topicId: id, partitionIndexes: [0] }));
  const answer = await client.request(OffsetFetch, 10, { groups: [{ groupId: GROUP, topics: asked }] });
  expect(answer.groups[0]!.topics.map((each) => each.partitions[0])).toMatchObject([
    { committedOffset: 3 },
    { committedOffset: -1, errorCode: ERROR.UNKNOWN_TOPIC_ID },
  ]);
});

test('a member commits in its generation, and its group survives a death with its part', async () => {
  const { test, client } = await start();
  const { memberId, generationId } = await member(client);
  const codeOf = async (generationIdOrMemberEpoch: number, id: string) => {
    const answer = await commit(client, 7, { generationIdOrMemberEpoch, memberId: id });
    return answer.topics[0]!.partitions[0]!.errorCode;
  };
  expect(await codeOf(generationId, memberId)).toBe(ERROR.NONE);
  expect(await codeOf(generationId + 1, memberId)).toBe(ERROR.ILLEGAL_GENERATION);
  expect(await codeOf(generationId, 'stranger')).toBe(ERROR.UNKNOWN_MEMBER_ID);
  expect(await codeOf(-1, '')).toBe(ERROR.UNKNOWN_MEMBER_ID);
  test.node.kill();
  await test.restart();
  const again = await test.connect();
  const alive = await again.request(Heartbeat, 3, { groupId: GROUP, generationId, memberId });
  expect(alive.errorCode).toBe(ERROR.NONE);
  const { groups } = await again.request(DescribeGroups, 5, { groups: [GROUP] });
  expect(groups[0]).toMatchObject({ groupState: 'Stable', protocolData: 'range' });
  expect(groups[0]!.members[0]!.memberAssignment.toString()).toBe('mine');
});

test('a group at work is not deleted; an empty one is, with its offsets, for good', async () => {
  const { test, client } = await start();
  const { memberId, generationId } = await member(client);
  await commit(client, 7, { generationIdOrMemberEpoch: generationId, memberId });
  const remove = async () => (await client.request(DeleteGroups, 2, { groupsNames: [GROUP] })).results[0]!.errorCode;
  expect(await remove()).toBe(ERROR.NON_EMPTY_GROUP);
  await client.request(LeaveGroup, 4, { groupId: GROUP, members: [{ memberId }] });
  expect((await client.request(ListGroups, 4, { statesFilter: ['empty'] })).groups).toMatchObject([{ groupId: GROUP }]);
  expect(await remove()).toBe(ERROR.NONE);
  expect(await remove()).toBe(ERROR.GROUP_ID_NOT_FOUND);
  test.node.kill();
  await test.restart();
  const again = await test.connect();
  expect((await again.request(ListGroups, 4, {})).groups).toEqual([]);
  expect(await fetched(again)).toEqual([-1, -1]);
});

test('a commit of which nothing is kept begins the group all the same', async () => {
  const { client } = await start();
  const partitions = [{ partitionIndex: 0, committedOffset: 1, committedMetadata: 'x'.repeat(5_000) }];
  const topics = [{ name: 'orders', partitions }];
  const refused = await client.request(OffsetCommit, 8, { groupId: GROUP, memberId: '', topics });
  expect(refused.topics[0]!.partitions[0]!.errorCode).toBe(ERROR.OFFSET_METADATA_TOO_LARGE);
  const { results } = await client.request(DeleteGroups, 2, { groupsNames: [GROUP, 'others'] });
  expect(results.map(({ errorCode }) => errorCode)).toEqual([ERROR.NONE, ERROR.GROUP_ID_NOT_FOUND]);
});

test('offsets of a topic that is named twice are answered together', async () => {
  const { client } = await start();
  await commit(client, 5);
  const named = (partitionIndex: number) => ({ name: 'orders', partitions: [{ partitionIndex }] });
  const { topics } = await client.request(OffsetDelete, 0, { groupId: GROUP, topics: [named(0), named(7)] });
  const partitions = [
    { partitionIndex: 0, errorCode: ERROR.NONE },
    { partitionIndex: 7, errorCode: ERROR.UNKNOWN_TOPIC_OR_PARTITION },
  ];
  expect(topics).toEqual([{ name: 'orders', partitions }]);
});

test('offsets go one by one, and with their topic', async () => {
  const { client } = await start();
  await commit(client, 5);
  const topics = [{ name: 'orders', partitions: [{ partitionIndex: 0 }] }];
  const deleted = await client.request(OffsetDelete, 0, { groupId: GROUP, topics });
  expect(deleted.topics[0]!.partitions[0]!.errorCode).toBe(ERROR.NONE);
  expect(await fetched(client)).toEqual([-1, -1]);
  await commit(client, 6);
  await client.request(DeleteTopics, 5, { topicNames: ['orders'], timeoutMs: 1_000 });
  const { groups } = await client.request(OffsetFetch, 8, { groups: [{ groupId: GROUP, topics: null }] });
  expect(groups[0]!.topics).toEqual([]);
});

test('offsets are forgotten after their retention, and then the group', async () => {
  const configs = { 'offsets.topic.num.partitions': '1', 'offsets.retention.minutes': '1' };
  const test = await startTestBroker({ config: { configs } });
  const client = await test.connect();
  await client.request(Metadata, 12, { topics: [{ name: 'orders' }], allowAutoTopicCreation: true });
  await client.request(FindCoordinator, 4, { keyType: 0, coordinatorKeys: [GROUP] });
  await commit(client, 5);
  await test.world.run(test.world.now() + 650_000);
  const later = await test.connect();
  expect((await later.request(ListGroups, 4, {})).groups).toEqual([]);
});

test('a stop answers those who wait, and does not wait for them', async () => {
  const { test, client } = await start();
  const { memberId } = await client.request(JoinGroup, 7, { groupId: GROUP, memberId: '', ...TIMEOUTS, ...CONSUMER });
  client.send(JoinGroup, 7, { groupId: GROUP, memberId, ...TIMEOUTS, ...CONSUMER });
  await test.world.run(test.world.now() + 100);
  const stopped = test.broker.stop();
  expect((await client.receive(JoinGroup, 7)).errorCode).toBe(ERROR.NOT_COORDINATOR);
  await test.world.settle(stopped);
});

test('a damaged partition costs its own groups their coordinator, and the broker starts', async () => {
  const { test, client } = await start();
  await commit(client, 5);
  const partition = partitionOf(GROUP, 3);
  const internal = await test.connectInternal();
  const records = [{ timestamp: 0, key: Buffer.from([0, 1, 127, 127, 0]), value: null }];
  const batch = Buffer.from(writeBatch({ records }));
  await internal.request(Produce, 9, produceOf('__consumer_offsets', batch, { index: partition }));
  test.node.kill();
  await test.restart();
  const again = await test.connect();
  const answer = await again.request(OffsetFetch, 8, { groups: [{ groupId: GROUP, topics: null }] });
  expect(answer.groups[0]!.errorCode).toBe(ERROR.NOT_COORDINATOR);
  const other = Array.from({ length: 9 }, (_, i) => `g${i}`).find((each) => partitionOf(each, 3) !== partition)!;
  const fine = await again.request(OffsetFetch, 8, { groups: [{ groupId: other, topics: null }] });
  expect(fine.groups[0]!.errorCode).toBe(ERROR.NONE);
});

test('a group lies in the partition in which Apache Kafka puts it', () => {
  // Java: Math.abs("…".hashCode()) % 50
  expect(['g1', 'readers', 'console-consumer-12345', ''].map((each) => partitionOf(each, 50))).toEqual([42, 28, 6, 0]);
});

test('whoever asks for the coordinator’s topic by name gets it as the coordinator makes it', async () => {
  const test = await startTestBroker({ config: { configs: { 'offsets.topic.num.partitions': '3' } } });
  const client = await test.connect();
  const topics = [{ name: '__consumer_offsets' }, { name: 'orders' }];
  const answer = await client.request(Metadata, 12, { topics, allowAutoTopicCreation: true });
  expect(answer.topics.map(({ partitions, isInternal }) => [partitions.length, isInternal])).toEqual([
    [3, true],
    [2, false],
  ]);
  const resources = [{ resourceType: 2, resourceName: '__consumer_offsets', configurationKeys: ['cleanup.policy'] }];
  const { results } = await client.request(DescribeConfigs, 4, { resources });
  expect(results[0]!.configs[0]!.value).toBe('compact');
});

test('why the coordinator’s topic cannot be made is logged once, however often clients ask', async () => {
  const configs = { 'offsets.topic.segment.bytes': '1000' };
  const { connect, problems } = await startTestBroker({ config: { configs } });
  const client = await connect();
  for (let asked = 0; asked < 3; asked++) {
    const answer = await client.request(FindCoordinator, 4, { keyType: 0, coordinatorKeys: [GROUP] });
    expect(answer.coordinators[0]!.errorCode).toBe(ERROR.COORDINATOR_NOT_AVAILABLE);
  }
  expect(problems).toEqual(['__consumer_offsets could not be made']);
});
