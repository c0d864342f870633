/** The metadata of a cluster: all nodes agree on it, whoever decides, however they came by it. */
import { CreateTopics, ERROR, type RequestInput } from '@meridian/protocol';
import { expect, test } from 'vitest';
import { startTestCluster, type TestCluster } from '../testing/test-cluster.ts';

const SMALL_SNAPSHOTS = { 'metadata.log.max.record.bytes.between.snapshots': '2000' };
const METADATA = '/data/__cluster_metadata-0';

const asked = (name: string, numPartitions = 3): RequestInput<typeof CreateTopics> => {
  const configs = [{ name: 'retention.ms', value: '7200000' }];
  return { topics: [{ name, numPartitions, replicationFactor: 1, assignments: [], configs }], timeoutMs: 5_000 };
};

async function create(cluster: TestCluster, at: number, ...names: string[]): Promise<void> {
  const client = await cluster.connect(at);
  for (const name of names) {
    const { topics } = await client.request(CreateTopics, 7, asked(name));
    expect(topics).toMatchObject([{ name, errorCode: ERROR.NONE }]);
  }
}

/** Once all that run have applied the same, whether it is the same. */
async function agree(cluster: TestCluster): Promise<string> {
  const ends = () => new Set(cluster.running.map(({ image }) => image.endOffset));
  await cluster.until(() => ends().size === 1);
  const hashes = new Set(cluster.running.map(({ broker }) => broker!.inspect().imageHash()));
  expect(hashes.size).toBe(1);
  return [...hashes][0]!;
}

const names = (count: number, prefix = 'topic'): string[] => Array.from({ length: count }, (_, i) => `${prefix}-${i}`);

test('three nodes agree on what the metadata say, wherever it was asked for', async () => {
  const cluster = await startTestCluster();
  for (const id of [1, 2, 3]) await create(cluster, id, `made-at-${id}`);
  const before = await agree(cluster);
  await create(cluster, 1, 'another');
  expect(await agree(cluster)).not.toBe(before);
});

test('every controller is registered, under the incarnation of its process', async () => {
  const cluster = await startTestCluster();
  const registered = () => [...cluster.node(1).image.controllers.values()];
  await cluster.until(() => registered().length === 3);
  const before = new Set(registered().map(({ incarnationId }) => incarnationId));
  await cluster.stop(2);
  await cluster.start(2);
  await cluster.until(() => registered().some(({ incarnationId }) => !before.has(incarnationId)));
  expect(registered().filter(({ incarnationId }) => before.has(incarnationId))).toHaveLength(2);
});

test.each([1, 2, 3, 4, 5, 6])(
  'of commands in flight when their controller dies each is done or not, never half, seed %i',
  async (seed) => {
    const cluster = await startTestCluster({ seed });
    const dying = cluster.active;
    const asking = cluster.running.find((node) => node !== dying)!;
    const client = await cluster.connect(asking.id);
    const wanted = names(40);
    for (const name of wanted) client.send(CreateTopics, 7, asked(name));
    await cluster.world.run(cluster.world.now() + 3 * seed);
    dying.kill();
    const done: string[] = [];
    for (const name of wanted) {
      const [answer] = (await client.receive(CreateTopics, 7)).topics;
      // Asked twice, because the first answer was lost with the controller.
      const isThere = answer!.errorCode === ERROR.NONE || answer!.errorCode === ERROR.TOPIC_ALREADY_EXISTS;
      if (isThere) done.push(name);
    }
    await agree(cluster);
    await cluster.start(dying.id);
    await agree(cluster);
    const { topicsByName, configOf } = asking.image;
    expect(done.filter((name) => !topicsByName.has(name))).toEqual([]);
    for (const { name, partitions } of topicsByName.values()) {
      const configs = configOf.call(asking.image, 'topic', name);
      expect([partitions.length, configs.get('retention.ms')]).toEqual([3, '7200000']);
    }
  },
);

test('the controller moves when it stops, and what comes then is decided by the next', async () => {
  const cluster = await startTestCluster();
  const first = cluster.active.id;
  await create(cluster, first, 'before');
  await cluster.stop(first);
  const other = cluster.running[0]!.id;
  await create(cluster, other, 'after');
  expect(cluster.active.id).not.toBe(first);
  await cluster.start(first);
  await agree(cluster);
  expect([...cluster.node(first).image.topicsByName.keys()]).toEqual(['before', 'after']);
});

test('a node whose disk is gone is brought up by a snapshot, and has the same metadata', async () => {
  const cluster = await startTestCluster({ config: { configs: SMALL_SNAPSHOTS } });
  const late = cluster.running.find((node) => node !== cluster.active)!;
  await cluster.stop(late.id);
  await create(cluster, cluster.active.id, ...names(30));
  late.machine.wipe();
  await cluster.start(late.id);
  const checkpoints = late.disk.list(METADATA).filter((name) => name.endsWith('.checkpoint'));
  expect(checkpoints.some((name) => !name.startsWith('00000000000000000000-'))).toBe(true);
  expect(late.disk.exists(`${METADATA}/00000000000000000000.log`)).toBe(false);
  await agree(cluster);
  expect(late.image.topicsByName.size).toBe(30);
});

test('a node that was away while the log was shortened goes on from a snapshot, and follows what has changed', async () => {
  const cluster = await startTestCluster({ config: { configs: SMALL_SNAPSHOTS } });
  const late = cluster.running.find((node) => node !== cluster.active)!;
  late.machine.stall(8_000);
  await create(cluster, cluster.active.id, ...names(30));
  await cluster.world.run(cluster.world.now() + 10_000);
  await agree(cluster);
  await create(cluster, late.id, 'later');
  await agree(cluster);
});

test('controllers and brokers may be processes of their own', async () => {
  const config = (id: number) =>
    id <= 3 ? { roles: ['controller' as const], client: undefined } : { roles: ['broker' as const] };
  const cluster = await startTestCluster({ ids: [1, 2, 3, 4, 5, 6], voters: [1, 2, 3], config });
  await create(cluster, 4, 'cities');
  await agree(cluster);
  const { image } = cluster.node(1);
  expect([...image.brokers.keys()].sort()).toEqual([4, 5, 6]);
  expect(cluster.active.id).toBeLessThan(4);
  cluster.active.kill();
  await create(cluster, 5, 'towns');
  await agree(cluster);
});
