/** A broker that loads its groups while it serves, and one whose groups cannot be written down. */
import {
  CreateTopics,
  ERROR,
  FindCoordinator,
  JoinGroup,
  ListGroups,
  Metadata,
  OffsetCommit,
  OffsetFetch,
} from '@meridian/protocol';
import { expect, test } from 'vitest';
import { startTestBroker, type TestBroker } from '../testing/test-broker.ts';
import type { TestConnection } from '../testing/test-connection.ts';
import { partitionOf } from './offsets-topic.ts';

const GROUP = 'readers';
const OFFSETS_PARTITIONS = 3;
const COMMITS = 300;
const RANGE = { protocolType: 'consumer', protocols: [{ name: 'range', metadata: Buffer.alloc(0) }] };
const TIMEOUTS = { sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 20_000 };

/** Loads one batch in each turn of the event loop. */
async function start(): Promise<{ test: TestBroker; client: TestConnection }> {
  const configs = {
    'offsets.topic.num.partitions': String(OFFSETS_PARTITIONS),
    'offsets.topic.compression.codec': '4',
  };
  const test = await startTestBroker({ config: { configs }, limits: { groupLoadTurnMs: 0 } });
  const client = await test.connect();
  await client.request(Metadata, 12, { topics: [{ name: 'orders' }], allowAutoTopicCreation: true });
  await client.request(FindCoordinator, 4, { keyType: 0, coordinatorKeys: [GROUP] });
  return { test, client };
}

async function commit(client: TestConnection, committedOffset: number, groupId = GROUP): Promise<number> {
  const topics = [{ name: 'orders', partitions: [{ partitionIndex: 0, committedOffset, committedMetadata: '' }] }];
  const answer = await client.request(OffsetCommit, 8, { groupId, memberId: '', topics });
  return answer.topics[0]!.partitions[0]!.errorCode;
}

async function fetched(client: TestConnection, groupId = GROUP): Promise<number[]> {
  const topics = [{ name: 'orders', partitionIndexes: [0] }];
  const answer = await client.request(OffsetFetch, 8, { groups: [{ groupId, topics }] });
  const { errorCode, topics: told } = answer.groups[0]!;
  return errorCode === ERROR.NONE ? [errorCode, told[0]!.partitions[0]!.committedOffset] : [errorCode];
}

function groupBeside(isInSame: boolean): string {
  const place = partitionOf(GROUP, OFFSETS_PARTITIONS);
  const ids = Array.from({ length: 9 }, (_, i) => `g${i}`);
  return ids.find((each) => (partitionOf(each, OFFSETS_PARTITIONS) === place) === isInSame)!;
}

const elsewhere = groupBeside(false);

async function fill(client: TestConnection): Promise<void> {
  for (let offset = 1; offset <= COMMITS; offset++) expect(await commit(client, offset)).toBe(ERROR.NONE);
}

test('a group whose partition is being loaded is told so, others are served, and then it is there', async () => {
  const { test, client } = await start();
  await fill(client);
  test.node.kill();
  await test.restart();
  const again = await test.connect();
  expect(await fetched(again)).toEqual([ERROR.COORDINATOR_LOAD_IN_PROGRESS]);
  expect(await commit(again, 1)).toBe(ERROR.COORDINATOR_LOAD_IN_PROGRESS);
  expect((await again.request(ListGroups, 4, {})).errorCode).toBe(ERROR.COORDINATOR_LOAD_IN_PROGRESS);
  const joined = await again.request(JoinGroup, 7, { groupId: GROUP, memberId: '', ...TIMEOUTS, ...RANGE });
  expect(joined.errorCode).toBe(ERROR.COORDINATOR_LOAD_IN_PROGRESS);
  await test.world.run(test.world.now() + 2_000);
  expect(await fetched(again)).toEqual([ERROR.NONE, COMMITS]);
  expect((await again.request(ListGroups, 4, {})).groups.map(({ groupId }) => groupId)).toEqual([GROUP]);
  expect(await fetched(again, elsewhere)).toEqual([ERROR.NONE, -1]);
  expect(test.problems).toEqual([]);
});

test('a stop does not wait for groups that are being loaded', async () => {
  const { test, client } = await start();
  await fill(client);
  await test.world.settle(test.broker.stop());
  await test.restart();
  const before = test.world.now();
  await test.world.settle(test.broker.stop());
  expect(test.world.now() - before).toBeLessThan(COMMITS);
  await test.restart();
  await test.world.run(test.world.now() + 2_000);
  expect(await fetched(await test.connect())).toEqual([ERROR.NONE, COMMITS]);
});

test('a commit that the log does not take leaves nothing behind, not even its group', async () => {
  const { test, client } = await start();
  const wide = { name: 'wide', numPartitions: 400, replicationFactor: 1, assignments: [], configs: [] };
  await client.request(CreateTopics, 7, { topics: [wide], timeoutMs: 1_000 });
  const partitions = Array.from({ length: 400 }, (_, partitionIndex) => ({
    partitionIndex,
    committedOffset: 7,
    // What does not shrink when it is compressed.
    committedMetadata: Array.from({ length: 4_096 }, () =>
      String.fromCharCode((32 + test.world.random.next() * 94) | 0),
    ).join(''),
  }));
  const request = { groupId: GROUP, memberId: '', topics: [{ name: 'wide', partitions }] };
  const { topics } = await client.request(OffsetCommit, 8, request);
  expect(new Set(topics[0]!.partitions.map(({ errorCode }) => errorCode))).toEqual(
    new Set([ERROR.UNKNOWN_SERVER_ERROR]),
  );
  expect((await client.request(ListGroups, 4, {})).groups).toEqual([]);
  expect(await fetched(client)).toEqual([ERROR.NONE, -1]);
  expect(await commit(client, 8)).toBe(ERROR.NONE);
  expect(await fetched(client)).toEqual([ERROR.NONE, 8]);
});

test('a write that fails costs the groups of its partition their coordinator, and those who wait are told', async () => {
  const { test, client } = await start();
  expect(await commit(client, 1)).toBe(ERROR.NONE);
  const waiting = await test.connect();
  waiting.send(JoinGroup, 0, { groupId: GROUP, memberId: '', ...TIMEOUTS, ...RANGE });
  await test.world.run(test.world.now() + 100);
  test.node.failNextWrite();
  expect(await commit(client, 2, groupBeside(true))).toBe(ERROR.NOT_COORDINATOR);
  expect((await waiting.receive(JoinGroup, 0)).errorCode).toBe(ERROR.NOT_COORDINATOR);
  expect(await fetched(client)).toEqual([ERROR.NOT_COORDINATOR]);
  expect(await fetched(client, elsewhere)).toEqual([ERROR.NONE, -1]);
  test.node.kill();
  await test.restart();
  expect(await fetched(await test.connect())).toEqual([ERROR.NONE, 1]);
});
