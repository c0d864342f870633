/** What the active controller decides, in whole clusters: disks that were wiped, deaths of all, leaders that come back. */
import { CreateTopics, ERROR, Fetch, Produce, ZERO_UUID } from '@meridian/protocol';
import { expect, test } from 'vitest';
import type { BrokerConfig } from '../broker.ts';
import { batchOf, valuesOf } from '../testing/batches.ts';
import { startTestCluster, type TestCluster } from '../testing/test-cluster.ts';

const TOPIC = 'orders';
const BROKERS = [4, 5, 6];
/** Controllers apart from brokers, so that a broker's disk may go alone. */
const APART = {
  ids: [1, 2, 3, ...BROKERS],
  voters: [1, 2, 3],
  config: (id: number): Partial<BrokerConfig> =>
    id <= 3 ? { roles: ['controller'], client: undefined } : { roles: ['broker'] },
};

const partitionIn = (cluster: TestCluster) => cluster.running[0]!.image.topicsByName.get(TOPIC)?.partitions[0];

async function createTopic(cluster: TestCluster, brokerIds: number[]): Promise<void> {
  const configs = [{ name: 'min.insync.replicas', value: '2' }];
  const assignments = [{ partitionIndex: 0, brokerIds }];
  const topics = [{ name: TOPIC, numPartitions: -1, replicationFactor: -1, assignments, configs }];
  const client = await cluster.connect(brokerIds[0]!);
  expect((await client.request(CreateTopics, 7, { topics, timeoutMs: 5_000 })).topics[0]!.errorCode).toBe(ERROR.NONE);
  await allInSync(cluster);
}

async function allInSync(cluster: TestCluster): Promise<void> {
  await cluster.until(() => {
    const partition = partitionIn(cluster);
    return partition !== undefined && partition.leader !== -1 && partition.isr.length === 3;
  });
}

/** As a client does: again, while who should lead does not know it yet. */
async function produce(cluster: TestCluster, value: string): Promise<number> {
  for (let tries = 1; ; tries++) {
    const errorCode = await produceOnce(cluster, value);
    if (errorCode !== ERROR.NOT_LEADER_OR_FOLLOWER || tries === 50) return errorCode;
    await cluster.world.run(cluster.world.now() + 20);
  }
}

async function produceOnce(cluster: TestCluster, value: string): Promise<number> {
  const client = await cluster.connect(partitionIn(cluster)!.leader);
  const topicData = [{ name: TOPIC, topicId: ZERO_UUID, partitionData: [{ index: 0, records: [batchOf([value])] }] }];
  const answer = await client.request(Produce, 10, { acks: -1, timeoutMs: 10_000, topicData } as never);
  return answer.responses[0]!.partitionResponses[0]!.errorCode;
}

async function read(cluster: TestCluster): Promise<string[]> {
  const client = await cluster.connect(partitionIn(cluster)!.leader);
  const ask = { partition: 0, fetchOffset: 0, partitionMaxBytes: 1e6 };
  const topics = [{ topic: TOPIC, topicId: ZERO_UUID, partitions: [ask] }];
  const answer = await client.request(Fetch, 12, { maxWaitMs: 0, minBytes: 0, maxBytes: 1e6, topics } as never);
  return valuesOf(answer.responses[0]!.partitions[0]!.records as Buffer[]);
}

test('a broker whose disk was wiped begins anew, and has all again before it counts', async () => {
  const cluster = await startTestCluster({ seed: 21, ...APART });
  await createTopic(cluster, BROKERS);
  expect(await produce(cluster, 'before')).toBe(ERROR.NONE);
  const before = partitionIn(cluster)!;
  for (const id of [4, 5]) {
    cluster.node(id).machine.wipe();
    cluster.node(id).kill();
    await cluster.until(() => partitionIn(cluster)!.isr.length === 2);
    expect(await produce(cluster, `without ${id}`)).toBe(ERROR.NONE);
    await cluster.start(id);
    await allInSync(cluster);
  }
  expect(await read(cluster)).toEqual(['before', 'without 4', 'without 5']);
  const { directories } = partitionIn(cluster)!;
  expect(directories.map((id, i) => id === before.directories[i])).toEqual([false, false, true]);
});

test('brokers that die all at once have everything when they are back', async () => {
  const cluster = await startTestCluster({ seed: 22, ...APART });
  await createTopic(cluster, BROKERS);
  for (const value of ['a', 'b', 'c']) expect(await produce(cluster, value)).toBe(ERROR.NONE);
  for (const id of BROKERS) cluster.node(id).kill();
  await cluster.start(...BROKERS);
  await allInSync(cluster);
  expect(await read(cluster)).toEqual(['a', 'b', 'c']);
});

test('without anybody who has all, nobody leads until one of those is back', async () => {
  const cluster = await startTestCluster({ seed: 23, ...APART });
  await createTopic(cluster, BROKERS);
  cluster.node(4).kill();
  await cluster.until(() => partitionIn(cluster)!.isr.length === 2);
  expect(await produce(cluster, 'not on 4')).toBe(ERROR.NONE);
  for (const id of [5, 6]) {
    cluster.node(id).kill();
    await cluster.until(() => !partitionIn(cluster)!.isr.includes(id));
  }
  await cluster.start(4);
  expect(partitionIn(cluster)).toMatchObject({ leader: -1, isr: [], eligibleLeaderReplicas: [5, 6] });
  await cluster.start(5, 6);
  await allInSync(cluster);
  expect(await read(cluster)).toEqual(['not on 4']);
});

test('a broker that is back leads what prefers it when it is time', async () => {
  const config = { configs: { 'leader.imbalance.check.interval.seconds': '20' } };
  const cluster = await startTestCluster({ seed: 24, config });
  await createTopic(cluster, [3, 1, 2]);
  cluster.node(3).kill();
  await cluster.until(() => partitionIn(cluster)!.leader !== 3);
  await cluster.start(3);
  await allInSync(cluster);
  expect(partitionIn(cluster)!.leader).not.toBe(3);
  await cluster.until(() => partitionIn(cluster)!.leader === 3);
  expect(partitionIn(cluster)!.isr.length).toBe(3);
});
