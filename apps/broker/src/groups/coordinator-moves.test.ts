/** Groups in a cluster of three: coordinators are found, move with their partition's leader, and forget nothing. */
import {
  ERROR,
  errorName,
  FindCoordinator,
  Heartbeat,
  JoinGroup,
  ListGroups,
  Metadata,
  OffsetCommit,
  OffsetFetch,
  SyncGroup,
} from '@meridian/protocol';
import { expect, test } from 'vitest';
import { startTestCluster, type TestCluster } from '../testing/test-cluster.ts';
import type { TestConnection } from '../testing/test-connection.ts';

const GROUP = 'readers';
const CONFIGS = {
  'default.replication.factor': '3',
  'min.insync.replicas': '2',
  'offsets.topic.num.partitions': '3',
  'offsets.topic.replication.factor': '3',
  'group.initial.rebalance.delay.ms': '0',
};
const RANGE = { protocolType: 'consumer', protocols: [{ name: 'range', metadata: Buffer.alloc(0) }] };
const TIMEOUTS = { sessionTimeoutMs: 30_000, rebalanceTimeoutMs: 20_000 };

async function start(seed: number): Promise<TestCluster> {
  const cluster = await startTestCluster({ seed, config: { configs: CONFIGS } });
  const client = await cluster.connect(1);
  await client.request(Metadata, 12, { topics: [{ name: 'orders' }], allowAutoTopicCreation: true });
  return cluster;
}

/** Whom a node names as the group's coordinator; undefined while there is none. */
async function coordinatorBy(cluster: TestCluster, asked: number): Promise<number | undefined> {
  const client = await cluster.connect(asked);
  const answer = await client.request(FindCoordinator, 4, { keyType: 0, coordinatorKeys: [GROUP] });
  const [found] = answer.coordinators;
  return found!.errorCode === ERROR.NONE ? found!.nodeId : undefined;
}

/** As a client does: asks until there is one, and connects to it. */
async function coordinator(cluster: TestCluster, askedId: number): Promise<{ id: number; client: TestConnection }> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const id = await coordinatorBy(cluster, askedId);
    if (id !== undefined && cluster.node(id).broker !== undefined) return { id, client: await cluster.connect(id) };
    await cluster.world.run(cluster.world.now() + 200);
  }
  throw new Error('no coordinator');
}

async function commit(client: TestConnection, committedOffset: number): Promise<string> {
  const topics = [{ name: 'orders', partitions: [{ partitionIndex: 0, committedOffset, committedMetadata: '' }] }];
  const answer = await client.request(OffsetCommit, 8, { groupId: GROUP, memberId: '', topics });
  return errorName(answer.topics[0]!.partitions[0]!.errorCode);
}

async function fetched(client: TestConnection): Promise<string | number> {
  const topics = [{ name: 'orders', partitionIndexes: [0] }];
  const { groups } = await client.request(OffsetFetch, 8, { groups: [{ groupId: GROUP, topics }] });
  const { errorCode, topics: told } = groups[0]!;
  return errorCode === ERROR.NONE ? told[0]!.partitions[0]!.committedOffset : errorName(errorCode);
}

/** Asks again what a client would ask again. */
async function settledOffset(cluster: TestCluster, client: TestConnection): Promise<string | number> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const offset = await fetched(client);
    if (typeof offset === 'number') return offset;
    await cluster.world.run(cluster.world.now() + 200);
  }
  return fetched(client);
}

test('every node names the same coordinator, and the others do not take its place', async () => {
  const cluster = await start(1);
  const { id } = await coordinator(cluster, 2);
  for (const node of [1, 2, 3]) {
    expect(await coordinatorBy(cluster, node)).toBe(id);
    const client = await cluster.connect(node);
    expect(await commit(client, 5)).toBe(node === id ? 'NONE' : 'NOT_COORDINATOR');
    expect(await fetched(client)).toBe(node === id ? 5 : 'NOT_COORDINATOR');
    const { groups } = await client.request(ListGroups, 4, {});
    expect(groups.map(({ groupId }) => groupId)).toEqual(node === id ? [GROUP] : []);
  }
  const partitions = cluster.node(1).image.topicsByName.get('__consumer_offsets')!.partitions;
  expect(partitions.map(({ replicas }) => replicas.length)).toEqual([3, 3, 3]);
});

test('when the coordinator dies the next one has the offsets and the members, and goes on', async () => {
  const cluster = await start(2);
  const first = await coordinator(cluster, 1);
  const join = await first.client.request(JoinGroup, 3, { groupId: GROUP, memberId: '', ...TIMEOUTS, ...RANGE });
  const { generationId, memberId } = join;
  const assignments = [{ memberId, assignment: Buffer.from('mine') }];
  await first.client.request(SyncGroup, 3, { groupId: GROUP, generationId, memberId, assignments });
  const topics = [{ name: 'orders', partitions: [{ partitionIndex: 0, committedOffset: 7, committedMetadata: '' }] }];
  const member = { generationIdOrMemberEpoch: generationId, memberId };
  const committed = await first.client.request(OffsetCommit, 7, { groupId: GROUP, ...member, topics });
  expect(committed.topics[0]!.partitions[0]!.errorCode).toBe(ERROR.NONE);
  cluster.node(first.id).kill();
  const next = await coordinator(cluster, first.id === 1 ? 2 : 1);
  expect(next.id).not.toBe(first.id);
  expect(await settledOffset(cluster, next.client)).toBe(7);
  const alive = await next.client.request(Heartbeat, 3, { groupId: GROUP, generationId, memberId });
  expect(errorName(alive.errorCode)).toBe('NONE');
});

test('a commit that no follower has in time is not acknowledged, nor shown', async () => {
  const cluster = await start(3);
  const { id, client } = await coordinator(cluster, 1);
  expect(await commit(client, 1)).toBe('NONE');
  for (const node of [1, 2, 3]) if (node !== id) cluster.node(node).kill();
  const before = cluster.world.now();
  expect(['COORDINATOR_NOT_AVAILABLE', 'NOT_COORDINATOR']).toContain(await commit(client, 2));
  expect(cluster.world.now() - before).toBeLessThan(10_000);
  expect(['COORDINATOR_NOT_AVAILABLE', 'NOT_COORDINATOR']).toContain(await fetched(client));
});

test.each([11, 12, 13, 14])(
  'coordinators that are killed in turn never lose a commit, seed %i',
  async (seed) => {
    const cluster = await start(seed);
    let acknowledged = -1;
    for (let round = 0; round < 4; round++) {
      const asked = cluster.running[0]!.id;
      const { id, client } = await coordinator(cluster, asked);
      const before = await settledOffset(cluster, client);
      expect(before).toBeGreaterThanOrEqual(acknowledged);
      for (let offset = round * 10; offset < round * 10 + 5; offset++) {
        if ((await commit(client, offset)) === 'NONE') acknowledged = offset;
      }
      cluster.node(id).kill();
      await cluster.world.run(cluster.world.now() + cluster.world.random.next() * 3_000);
      await cluster.start(id);
    }
    const { client } = await coordinator(cluster, 1);
    expect(await settledOffset(cluster, client)).toBe(acknowledged);
  },
  60_000,
);
