/** What a cluster of three tells of itself, whichever node is asked, before and after one of them dies. */
import {
  DescribeCluster,
  DescribeProducers,
  DescribeQuorum,
  DescribeTopicPartitions,
  ERROR,
  errorName,
  InitProducerId,
  Metadata,
} from '@meridian/protocol';
import { expect, test } from 'vitest';
import { startTestCluster, type TestCluster } from '../testing/test-cluster.ts';

const CONFIGS = { 'default.replication.factor': '3', 'min.insync.replicas': '2' };
const METADATA_LOG = [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }];

async function start(seed: number): Promise<TestCluster> {
  const cluster = await startTestCluster({ seed, config: { configs: CONFIGS, defaultPartitions: 3 } });
  const client = await cluster.connect(2);
  await client.request(Metadata, 12, { topics: [{ name: 'orders' }], allowAutoTopicCreation: true });
  await cluster.until(() => cluster.running.every(({ image }) => image.topicsByName.has('orders')));
  return cluster;
}

const partitionsOf = async (cluster: TestCluster, id: number) => {
  const client = await cluster.connect(id);
  return (await client.request(Metadata, 12, { topics: [{ name: 'orders' }] })).topics[0]!.partitions;
};

test('every node describes the quorum, with the progress that only the active controller knows', async () => {
  const cluster = await start(1);
  await cluster.world.run(cluster.world.now() + 2_000);
  for (const id of [1, 2, 3]) {
    const client = await cluster.connect(id);
    const answer = await client.request(DescribeQuorum, 2, { topics: METADATA_LOG });
    const { errorCode, leaderId, highWatermark, currentVoters, observers } = answer.topics[0]!.partitions[0]!;
    expect([errorName(errorCode), leaderId, observers]).toEqual(['NONE', cluster.active.id, []]);
    expect(currentVoters.map(({ replicaId }) => replicaId).sort()).toEqual([1, 2, 3]);
    for (const { logEndOffset, lastFetchTimestamp } of currentVoters) {
      expect(logEndOffset).toBeGreaterThanOrEqual(highWatermark - 2);
      expect(lastFetchTimestamp).toBeGreaterThan(0);
    }
    expect(answer.nodes.map(({ nodeId, listeners }) => [nodeId, listeners[0]!.host])).toEqual(
      expect.arrayContaining([1, 2, 3].map((node) => [node, `node-${node}`])),
    );
  }
});

test('brokers are told by the listener that was asked; the controller of clients is any of them that lives', async () => {
  const cluster = await start(2);
  const client = await cluster.connect(3);
  const told = new Set<number>();
  for (let asked = 0; asked < 40; asked++) {
    const { brokers, controllerId } = await client.request(Metadata, 12, { topics: [] });
    expect(brokers.map(({ host, port }) => `${host}:${port}`).sort()).toEqual(
      [1, 2, 3].map((node) => `node-${node}:9092`),
    );
    told.add(controllerId);
  }
  expect([...told].sort()).toEqual([1, 2, 3]);
  const ids = new Set<number>();
  for (const id of [1, 2, 3]) {
    const node = await cluster.connect(id);
    const request = { transactionalId: null, transactionTimeoutMs: 60_000 };
    for (let asked = 0; asked < 3; asked++) ids.add((await node.request(InitProducerId, 4, request)).producerId);
  }
  expect(ids.size).toBe(9);
});

test('a broker that dies is fenced: its partitions have other leaders, and it is an offline replica out of sync', async () => {
  const cluster = await start(3);
  const dead = cluster.running.find(({ id }) => id !== cluster.active.id)!.id;
  const alive = [1, 2, 3].filter((id) => id !== dead);
  cluster.node(dead).kill();
  await cluster.until(() => cluster.running.every(({ image }) => image.brokers.get(dead)?.fenced === true));
  for (const id of alive) {
    for (const { errorCode, leaderId, offlineReplicas, isrNodes } of await partitionsOf(cluster, id)) {
      expect(errorName(errorCode)).toBe('NONE');
      expect(alive).toContain(leaderId);
      expect(offlineReplicas).toEqual([dead]);
      expect(isrNodes.toSorted()).toEqual(alive);
    }
    const client = await cluster.connect(id);
    const request = { includeClusterAuthorizedOperations: false, endpointType: 1, includeFencedBrokers: true };
    const { brokers } = await client.request(DescribeCluster, 2, request);
    expect(brokers.filter(({ isFenced }) => isFenced).map(({ brokerId }) => brokerId)).toEqual([dead]);
    const unfenced = await client.request(DescribeCluster, 2, { ...request, includeFencedBrokers: false });
    expect(unfenced.brokers.length).toBe(2);
  }
});

test('replicas that may lead without loss are told, and so is a partition that nobody leads', async () => {
  const config = { configs: CONFIGS, defaultPartitions: 1 };
  const cluster = await startTestCluster({ seed: 4, ids: [1, 2, 3, 4, 5, 6, 7], config });
  const client = await cluster.connect(1);
  await client.request(Metadata, 12, { topics: [{ name: 'orders' }], allowAutoTopicCreation: true });
  const { leaderId, replicaNodes } = (await partitionsOf(cluster, 1))[0]!;
  const [first, second] = replicaNodes.filter((id) => id !== leaderId) as [number, number];
  const witness = cluster.running.find(({ id }) => !replicaNodes.includes(id))!;
  const asked = await cluster.connect(witness.id);
  const describe = async () => {
    const request = { topics: [{ name: 'orders' }], responsePartitionLimit: 100, cursor: null };
    const { partitions } = (await asked.request(DescribeTopicPartitions, 0, request)).topics[0]!;
    const { leaderId, isrNodes, eligibleLeaderReplicas, offlineReplicas } = partitions[0]!;
    return { leaderId, isrNodes, eligible: eligibleLeaderReplicas?.toSorted(), offline: offlineReplicas.toSorted() };
  };
  const inSync = () => witness.image.topicsByName.get('orders')!.partitions[0]!.isr.length;
  cluster.node(first).kill();
  await cluster.until(() => inSync() === 2);
  expect(await describe()).toMatchObject({ leaderId, eligible: [], offline: [first] });
  cluster.node(second).kill();
  await cluster.until(() => inSync() === 1);
  expect(await describe()).toMatchObject({ leaderId, isrNodes: [leaderId], eligible: [second] });
  cluster.node(leaderId).kill();
  await cluster.until(() => witness.image.topicsByName.get('orders')!.partitions[0]!.leader === -1);
  expect(await describe()).toMatchObject({ leaderId: -1, offline: replicaNodes.toSorted() });
  const [told] = await partitionsOf(cluster, witness.id);
  expect([errorName(told!.errorCode), told!.leaderId]).toEqual(['LEADER_NOT_AVAILABLE', -1]);
});

test('only the leader of a partition describes its producers', async () => {
  const cluster = await start(5);
  const { leaderId } = (await partitionsOf(cluster, 1))[0]!;
  for (const id of [1, 2, 3]) {
    const client = await cluster.connect(id);
    const { topics } = await client.request(DescribeProducers, 0, {
      topics: [{ name: 'orders', partitionIndexes: [0] }],
    });
    const expected = id === leaderId ? ERROR.NONE : ERROR.NOT_LEADER_OR_FOLLOWER;
    expect(topics[0]!.partitions[0]!.errorCode).toBe(expected);
  }
});
