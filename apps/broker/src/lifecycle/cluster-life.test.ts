/** Brokers of one cluster as they start, die, stand still, are forgotten and leave. */
import { CreateTopics, ERROR, InitProducerId, Metadata, UnregisterBroker } from '@meridian/protocol';
import { expect, test } from 'vitest';
import type { BrokerConfig } from '../broker.ts';
import { startTestCluster, TestCluster } from '../testing/test-cluster.ts';

async function createTopic(cluster: TestCluster, at: number, name: string, numPartitions = 3): Promise<void> {
  const client = await cluster.connect(at);
  const topics = [{ name, numPartitions, replicationFactor: 3, assignments: [], configs: [] }];
  const answer = await client.request(CreateTopics, 7, { topics, timeoutMs: 10_000 });
  expect(answer.topics).toMatchObject([{ name, errorCode: ERROR.NONE }]);
}

function leadersOf(cluster: TestCluster, at: number, name: string): number[] {
  return (
    cluster
      .node(at)
      .image.topicsByName.get(name)
      ?.partitions.map(({ leader }) => leader) ?? []
  );
}

function inSyncOf(cluster: TestCluster, at: number, name: string): number[] {
  return (
    cluster
      .node(at)
      .image.topicsByName.get(name)
      ?.partitions.map(({ isr }) => isr.length) ?? []
  );
}

const unfenced = (cluster: TestCluster, at: number): number[] =>
  [...cluster.node(at).image.brokers.values()].flatMap(({ id, fenced }) => (fenced ? [] : [id])).sort();

test('three brokers come up together and see each other', async () => {
  const cluster = await startTestCluster();
  expect(cluster.world.now()).toBeLessThan(5_000);
  await cluster.until(() => cluster.running.every(({ id }) => unfenced(cluster, id).length === 3), 1_000);
});

test('a topic is created at any broker, and every broker hands out producer ids of its own', async () => {
  const cluster = await startTestCluster();
  const ids = new Set<number>();
  for (const id of [1, 2, 3]) {
    await createTopic(cluster, id, `made-at-${id}`);
    const client = await cluster.connect(id);
    const given = await client.request(InitProducerId, 4, { transactionalId: null, transactionTimeoutMs: 1_000 });
    expect(given.errorCode).toBe(ERROR.NONE);
    ids.add(given.producerId);
    const auto = await client.request(Metadata, 12, {
      topics: [{ name: `asked-at-${id}` }],
      allowAutoTopicCreation: true,
    });
    expect(auto.topics[0]!.name).toBe(`asked-at-${id}`);
  }
  expect(ids.size).toBe(3);
  await cluster.until(() => cluster.running.every(({ image }) => image.topicsByName.size >= 6), 2_000);
});

test('when a broker’s process dies others lead within half a second, controller or not', async () => {
  for (const isActive of [true, false]) {
    const cluster = await startTestCluster({ seed: isActive ? 3 : 4 });
    await createTopic(cluster, 1, 'cities', 6);
    const dead = cluster.running.find(({ broker }) => broker!.inspect().isActiveController === isActive)!.id;
    const other = [1, 2, 3].find((id) => id !== dead)!;
    await cluster.until(() => leadersOf(cluster, other, 'cities').includes(dead));
    cluster.node(dead).kill();
    const tookMs = await cluster.until(() => {
      const leaders = leadersOf(cluster, other, 'cities');
      return leaders.every((id) => id !== dead && id !== -1);
    });
    expect(tookMs).toBeLessThan(500);
    await cluster.start(dead);
    await cluster.until(() => unfenced(cluster, other).length === 3, 5_000);
  }
});

test('brokers and controllers may be apart: each of them may die, and the others go on', async () => {
  const config = (id: number): Partial<BrokerConfig> =>
    id <= 3 ? { roles: ['controller'], client: undefined } : { roles: ['broker'] };
  const cluster = await startTestCluster({ seed: 9, ids: [1, 2, 3, 4, 5, 6], voters: [1, 2, 3], config });
  await createTopic(cluster, 4, 'cities', 6);
  const first = cluster.active.id;
  cluster.node(first).kill();
  await cluster.until(() => cluster.running.some(({ broker }) => broker!.inspect().isActiveController), 2_000);
  await createTopic(cluster, 5, 'more', 6);
  cluster.node(6).kill();
  const tookMs = await cluster.until(() => {
    const leaders = [...leadersOf(cluster, 4, 'cities'), ...leadersOf(cluster, 4, 'more')];
    return leaders.length === 12 && leaders.every((id) => id === 4 || id === 5);
  });
  expect(tookMs).toBeLessThan(500);
  await cluster.start(first, 6);
  await cluster.until(() => unfenced(cluster, 4).length === 3);
  await cluster.until(() => new Set(cluster.running.map(({ image }) => image.endOffset)).size === 1);
});

test('a broker that stands still is fenced when its session is over, and comes back by itself', async () => {
  const cluster = await startTestCluster({ seed: 5 });
  const still = cluster.running.find((node) => node !== cluster.active)!.id;
  const other = cluster.active.id;
  cluster.node(still).machine.stall(20_000);
  const tookMs = await cluster.until(() => !unfenced(cluster, other).includes(still));
  expect(tookMs).toBeGreaterThan(6_000);
  expect(tookMs).toBeLessThan(11_000);
  await cluster.until(() => unfenced(cluster, other).includes(still));
  expect(cluster.node(still).image.brokers.get(still)!.epoch).toBe(cluster.node(other).image.brokers.get(still)!.epoch);
});

test('a broker that is unregistered while it lives registers again', async () => {
  const cluster = await startTestCluster({ seed: 6 });
  const gone = cluster.running.find((node) => node !== cluster.active)!.id;
  const before = cluster.active.image.brokers.get(gone)!.epoch;
  const client = await cluster.connect(cluster.active.id);
  expect(await client.request(UnregisterBroker, 0, { brokerId: gone })).toMatchObject({ errorCode: ERROR.NONE });
  await cluster.until(() => unfenced(cluster, cluster.active.id).includes(gone));
  expect(cluster.active.image.brokers.get(gone)!.epoch).toBeGreaterThan(before);
});

test('a broker that stops has handed over what it led, and its next start knows that it stopped in order', async () => {
  const cluster = await startTestCluster({ seed: 7 });
  await createTopic(cluster, 2, 'cities', 6);
  for (const leaving of [1, 2, 3]) {
    const other = leaving === 1 ? 2 : 1;
    await cluster.until(() => unfenced(cluster, other).length === 3);
    await cluster.until(() => inSyncOf(cluster, other, 'cities').every((count) => count === 3));
    const begunMs = cluster.world.now();
    await cluster.stop(leaving);
    expect(cluster.world.now() - begunMs).toBeLessThan(500);
    const leaders = leadersOf(cluster, other, 'cities');
    expect([leaders.includes(leaving), leaders.includes(-1)]).toEqual([false, false]);
    await cluster.start(leaving);
  }
});

test('all of them stopped at once are gone in time, and come up again together', async () => {
  const cluster = await startTestCluster({ seed: 8 });
  await createTopic(cluster, 1, 'cities');
  const begunMs = cluster.world.now();
  await cluster.world.settle(Promise.all(cluster.running.map(({ broker }) => broker!.stop())));
  expect(cluster.world.now() - begunMs).toBeLessThan(4_000);
  expect(cluster.running.flatMap(({ problems }) => problems).filter((each) => !each.includes('heartbeat'))).toEqual([]);
  for (const node of cluster.nodes.values()) node.kill();
  await cluster.start();
  await cluster.until(() => leadersOf(cluster, 1, 'cities').every((id) => id > 0));
});

test('a node that waits for the others can be told to end, and its folder is free again', async () => {
  const cluster = new TestCluster({ seed: 21 });
  expect(await cluster.giveUp(1, 5_000)).toMatchObject({ code: 'controller-closed' });
  await cluster.start();
  expect(cluster.running.map(({ id }) => id)).toEqual([1, 2, 3]);
});

test('a node that ends before it has registered does not say that its life before ended in order', async () => {
  const cluster = await startTestCluster({ seed: 22 });
  cluster.node(3).kill();
  const crashed = cluster.node(1).image.brokers.get(3)!.epoch;
  const said: number[] = [];
  for (let afterMs = 10; afterMs <= 120; afterMs += 10) {
    await cluster.giveUp(3, afterMs);
    const file = '/data/.kafka_cleanshutdown';
    const { disk } = cluster.node(3);
    if (disk.exists(file)) said.push((JSON.parse(String(disk.readFile(file))) as { brokerEpoch: number }).brokerEpoch);
    cluster.node(3).kill();
  }
  expect(said).toContain(-1);
  expect(said).not.toContain(crashed);
});
