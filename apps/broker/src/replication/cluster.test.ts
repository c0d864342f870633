/** Replicated partitions in a cluster of whole nodes: what producers and consumers are told while leaders come and go. */
import {
  AlterPartitionReassignments,
  CreateTopics,
  ERROR,
  Fetch,
  IncrementalAlterConfigs,
  ListOffsets,
  Produce,
  type ResponseOf,
  ZERO_UUID,
} from '@meridian/protocol';
import { expect, test } from 'vitest';
import { batchOf, valuesOf } from '../testing/batches.ts';
import { startTestCluster, type TestCluster, type TestClusterOptions } from '../testing/test-cluster.ts';

const TOPIC = 'orders';
const CONFIGS = [{ name: 'min.insync.replicas', value: '2' }];

type Given = TestClusterOptions & { readonly brokerIds?: readonly number[]; readonly configs?: typeof CONFIGS };

async function clusterWithTopic({ brokerIds = [1, 2, 3], configs = CONFIGS, ...options }: Given = {}) {
  const cluster = await startTestCluster(options);
  const assignments = [{ partitionIndex: 0, brokerIds: [...brokerIds] }];
  const topics = [{ name: TOPIC, numPartitions: -1, replicationFactor: -1, assignments, configs }];
  const client = await cluster.connect(1);
  const [made] = (await client.request(CreateTopics, 7, { topics, timeoutMs: 5_000 })).topics;
  expect(made!.errorCode).toBe(ERROR.NONE);
  // Each broker hears of it in its own time.
  await cluster.until(() => brokerIds.every((id) => replicaOn(cluster, id)?.leaderEpoch === 0));
  return cluster;
}

const infoIn = (cluster: TestCluster) => cluster.running[0]!.image.topicsByName.get(TOPIC)?.partitions[0];

const replicaOn = (cluster: TestCluster, id: number) =>
  [...cluster.node(id).broker!.inspect().partitions()].find(({ topic }) => topic === TOPIC);

async function produce(cluster: TestCluster, id: number, value: string) {
  const topicData = [{ name: TOPIC, topicId: ZERO_UUID, partitionData: [{ index: 0, records: [batchOf([value])] }] }];
  const client = await cluster.connect(id);
  const answer = await client.request(Produce, 10, { acks: -1, timeoutMs: 10_000, topicData } as never);
  return { ...answer.responses[0]!.partitionResponses[0]!, nodeEndpoints: answer.nodeEndpoints };
}

interface FetchOptions {
  readonly version?: number;
  readonly rackId?: string;
  readonly replicaId?: number;
  readonly epoch?: number;
  readonly maxWaitMs?: number;
}

function fetchOf(cluster: TestCluster, options: FetchOptions) {
  const { version = 12, rackId = '', replicaId = -1, epoch = -1, maxWaitMs = 0 } = options;
  const { id: topicId } = cluster.running[0]!.image.topicsByName.get(TOPIC)!;
  const ask = { partition: 0, fetchOffset: 0, currentLeaderEpoch: epoch, partitionMaxBytes: 1e6 };
  const topics = [{ topic: TOPIC, topicId, partitions: [ask] }];
  const replica = version >= 15 ? { replicaState: { replicaId } } : { replicaId };
  return { maxWaitMs, minBytes: 1, maxBytes: 1e6, topics, rackId, ...replica };
}

async function fetch(cluster: TestCluster, id: number, options: FetchOptions = {}) {
  const { version = 16 } = options;
  const client = await cluster.connect(id);
  const answer: ResponseOf<typeof Fetch> = await client.request(
    Fetch,
    version,
    fetchOf(cluster, { ...options, version }),
  );
  return { ...answer.responses[0]!.partitions[0]!, nodeEndpoints: answer.nodeEndpoints };
}

test('a leader dies: another one that has everything leads, and takes more', async () => {
  const cluster = await clusterWithTopic();
  expect(await produce(cluster, 1, 'a')).toMatchObject({ errorCode: ERROR.NONE, baseOffset: 0 });
  cluster.node(1).kill();
  await cluster.until(() => ![1, -1].includes(infoIn(cluster)!.leader));
  const { leader } = infoIn(cluster)!;
  expect(await produce(cluster, leader, 'b')).toMatchObject({ errorCode: ERROR.NONE, baseOffset: 1 });
  expect(valuesOf((await fetch(cluster, leader)).records)).toEqual(['a', 'b']);
  await cluster.start(1);
  await cluster.until(() => infoIn(cluster)!.isr.length === 3);
  expect(replicaOn(cluster, 1)).toMatchObject({ logEnd: 2 });
});

test('whoever comes to the wrong broker is told the right one and its address', async () => {
  const cluster = await clusterWithTopic({ brokerIds: [2, 3] });
  const hint = { currentLeader: { leaderId: 2 }, nodeEndpoints: [{ nodeId: 2, host: 'node-2', port: 9092 }] };
  const moved = { errorCode: ERROR.NOT_LEADER_OR_FOLLOWER, ...hint };
  expect(await produce(cluster, 1, 'a')).toMatchObject(moved);
  expect(await produce(cluster, 3, 'a')).toMatchObject(moved);
  expect(await fetch(cluster, 1)).toMatchObject(moved);
  const fenced = { errorCode: ERROR.UNKNOWN_LEADER_EPOCH };
  expect(await fetch(cluster, 2, { epoch: 99 })).toMatchObject(fenced);
});

test('a consumer may read from a follower, up to what is committed, unless it is too old to know', async () => {
  const cluster = await clusterWithTopic();
  await produce(cluster, 1, 'a');
  await cluster.until(() => replicaOn(cluster, 2)!.highWatermark === 1);
  expect(valuesOf((await fetch(cluster, 2)).records)).toEqual(['a']);
  expect((await fetch(cluster, 2, { version: 10 })).errorCode).toBe(ERROR.NOT_LEADER_OR_FOLLOWER);
});

test('a parked consumer of a follower is woken when the record is committed there', async () => {
  const cluster = await clusterWithTopic();
  const client = await cluster.connect(3);
  client.send(Fetch, 12, fetchOf(cluster, { maxWaitMs: 10_000 }));
  await produce(cluster, 1, 'a');
  const begunMs = cluster.world.now();
  const answer = await client.receive(Fetch, 12);
  expect(valuesOf(answer.responses[0]!.partitions[0]!.records)).toEqual(['a']);
  expect(cluster.world.now() - begunMs).toBeLessThan(100);
});

test('a consumer that names its rack is sent to the replica there', async () => {
  const selector = 'org.apache.kafka.common.replica.RackAwareReplicaSelector';
  const config = (id: number) => ({ configs: { 'broker.rack': `rack-${id}`, 'replica.selector.class': selector } });
  const cluster = await clusterWithTopic({ config });
  await produce(cluster, 1, 'a');
  const sent = await fetch(cluster, 1, { rackId: 'rack-3' });
  expect([sent.preferredReadReplica, valuesOf(sent.records)]).toEqual([3, []]);
  expect(await fetch(cluster, 1, { rackId: 'rack-1' })).toMatchObject({ preferredReadReplica: -1 });
  expect(valuesOf((await fetch(cluster, 1, { rackId: 'elsewhere' })).records)).toEqual(['a']);
  await cluster.until(() => replicaOn(cluster, 3)!.highWatermark === 1);
  expect(valuesOf((await fetch(cluster, 3, { rackId: 'rack-3' })).records)).toEqual(['a']);
});

test('those who compare replicas read each to its end; nobody else on the client listener is a replica', async () => {
  const cluster = await clusterWithTopic();
  await produce(cluster, 1, 'a');
  for (const id of [1, 2, 3]) {
    expect(valuesOf((await fetch(cluster, id, { replicaId: -2 })).records)).toEqual(['a']);
    const partitions = [{ partitionIndex: 0, timestamp: -1 }];
    const asked = { replicaId: -2, topics: [{ name: TOPIC, partitions }] };
    const { topics } = await (await cluster.connect(id)).request(ListOffsets, 6, asked);
    expect(topics[0]!.partitions[0]).toMatchObject({ errorCode: ERROR.NONE, offset: 1 });
  }
  expect((await fetch(cluster, 1, { replicaId: 2 })).errorCode).toBe(ERROR.TOPIC_AUTHORIZATION_FAILED);
});

test('a partition that moves away is filled elsewhere, and its folder goes, also if its broker was away meanwhile', async () => {
  const cluster = await clusterWithTopic({ ids: [1, 2, 3, 4], voters: [1, 2, 3], brokerIds: [1, 2, 4] });
  for (const value of ['a', 'b']) expect((await produce(cluster, 1, value)).errorCode).toBe(ERROR.NONE);
  const move = async (replicas: number[]): Promise<void> => {
    const topics = [{ name: TOPIC, partitions: [{ partitionIndex: 0, replicas }] }];
    await (await cluster.connect(2)).request(AlterPartitionReassignments, 0, { timeoutMs: 5_000, topics });
    await cluster.until(() => String(infoIn(cluster)!.replicas) === String(replicas));
  };
  await move([1, 2, 3]);
  await cluster.until(() => !cluster.node(4).disk.exists('/data/orders-0'));
  expect(replicaOn(cluster, 3)).toMatchObject({ logEnd: 2 });
  await move([2, 3, 4]);
  await cluster.until(() => infoIn(cluster)!.isr.length === 3);
  cluster.node(4).kill();
  await move([2, 3, 1]);
  await cluster.start(4);
  await cluster.until(() => !cluster.node(4).disk.exists('/data/orders-0'));
  expect(valuesOf((await fetch(cluster, 2)).records)).toEqual(['a', 'b']);
});

test('a replica that moves under a throttle takes its time, one that is in sync does not', async () => {
  const cluster = await clusterWithTopic({ ids: [1, 2, 3, 4], voters: [1, 2, 3] });
  for (let i = 0; i < 40; i++) await produce(cluster, 1, 'x'.repeat(5_000));
  const set = (name: string, value: string) => ({ name, configOperation: 0, value });
  const rate = [set('leader.replication.throttled.rate', '20000'), set('follower.replication.throttled.rate', '20000')];
  const who = [
    set('leader.replication.throttled.replicas', '0:1,0:2,0:3'),
    set('follower.replication.throttled.replicas', '0:4'),
  ];
  const resources = [
    { resourceType: 4, resourceName: '', configs: rate },
    { resourceType: 2, resourceName: TOPIC, configs: who },
  ];
  const client = await cluster.connect(1);
  const { responses } = await client.request(IncrementalAlterConfigs, 1, { resources, validateOnly: false });
  expect(responses.map(({ errorCode }) => errorCode)).toEqual(resources.map(() => ERROR.NONE));
  const topics = [{ name: TOPIC, partitions: [{ partitionIndex: 0, replicas: [1, 2, 4] }] }];
  await client.request(AlterPartitionReassignments, 0, { timeoutMs: 5_000, topics });
  const begunMs = cluster.world.now();
  expect((await produce(cluster, 1, 'meanwhile')).errorCode).toBe(ERROR.NONE);
  expect(cluster.world.now() - begunMs).toBeLessThan(500);
  const tookMs = await cluster.until(() => String(infoIn(cluster)!.replicas) === '1,2,4', 60_000);
  expect(tookMs).toBeGreaterThan(7_000);
  expect(tookMs).toBeLessThan(15_000);
});
