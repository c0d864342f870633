/** A whole broker on several log dirs: placement, devices that fail or fill, folders in two places, clean stops. */
import { IoError, silentLogger } from '@meridian/io';
import { createSimWorld } from '@meridian/io/sim';
import { createTailBudget } from '@meridian/log';
import { DescribeLogDirs, ERROR, Metadata, Produce } from '@meridian/protocol';
import { expect, test } from 'vitest';
import { batchOf, produceOf, valuesOf } from '../../testing/batches.ts';
import {
  createTopic,
  deleteTopic,
  fetchOne,
  startTestBroker,
  type TestBroker,
  type TestTopic,
} from '../../testing/test-broker.ts';
import { LogDirs } from './log-dirs.ts';

const DIRS = ['/data', '/b', '/c'];

async function threeDirs() {
  const broker = await startTestBroker({ config: { logDirs: ['/b/', '/./c'] } });
  const topics: TestTopic[] = [];
  for (const name of ['one', 'two', 'three']) topics.push(await createTopic(broker, name));
  return { broker, topics };
}

async function produce(broker: TestBroker, topic: string, index: number, value = 'x'): Promise<number> {
  const client = await broker.connect();
  const answer = await client.request(Produce, 9, produceOf(topic, batchOf([value]), { index }));
  return answer.responses[0]!.partitionResponses[0]!.errorCode;
}

/** Error codes of one produce to every partition, by the dir that it lies in. */
async function produceAll(broker: TestBroker, places: ReadonlyMap<string, string>) {
  const codes: Record<string, number[]> = {};
  for (const [partition, dir] of places) {
    const [topic = '', index] = partition.split('-');
    codes[dir] = [...(codes[dir] ?? []), await produce(broker, topic, Number(index), partition)];
  }
  return codes;
}

async function describe(broker: TestBroker) {
  const { results } = await (await broker.connect()).request(DescribeLogDirs, 4, { topics: null });
  return results;
}

/** Partitions by name, with the dir that holds each. */
async function placesOf(broker: TestBroker): Promise<Map<string, string>> {
  const results = await describe(broker);
  const rows = results.flatMap(({ logDir, topics }) =>
    topics.flatMap(({ name, partitions }) =>
      partitions.map(({ partitionIndex }) => [`${name}-${partitionIndex}`, logDir] as const),
    ),
  );
  return new Map(rows.sort());
}

async function leaders(broker: TestBroker): Promise<Map<string, [leader: number, offline: number[], error: number]>> {
  const { topics } = await (await broker.connect()).request(Metadata, 12, { topics: null });
  return new Map(
    topics.flatMap(({ name, partitions }) =>
      partitions.map(({ partitionIndex, leaderId, offlineReplicas, errorCode }) => [
        `${name}-${partitionIndex}`,
        [leaderId, [...offlineReplicas], errorCode],
      ]),
    ),
  );
}

async function valuesIn(broker: TestBroker, topic: TestTopic): Promise<string[]> {
  const fetched = await fetchOne(await broker.connect(), topic, { fetchOffset: 0, maxWaitMs: 1 });
  return valuesOf(fetched.records);
}

const OK = [ERROR.NONE, ERROR.NONE];
const FAILED = [ERROR.KAFKA_STORAGE_ERROR, ERROR.KAFKA_STORAGE_ERROR];

test('partitions are spread over the dirs, each of which keeps its own books', async () => {
  const { broker } = await threeDirs();
  const places = await placesOf(broker);
  expect(DIRS.map((dir) => [...places.values()].filter((each) => each === dir).length)).toEqual([2, 2, 2]);
  expect(await produceAll(broker, places)).toEqual({ '/data': OK, '/b': OK, '/c': OK });
  await broker.world.settle(broker.broker.stop());
  const { disk } = broker.node.boot();
  const text = (path: string): string => disk.readFile(path).toString();
  const marks = DIRS.map((dir) => JSON.parse(text(`${dir}/.kafka_cleanshutdown`)));
  expect(marks[0].brokerEpoch).toBeGreaterThan(0);
  expect(marks).toEqual([marks[0], marks[0], marks[0]]);
  const properties = DIRS.map((dir) => text(`${dir}/meta.properties`));
  expect(new Set(properties.map((each) => /directory.id=(.*)/.exec(each)![1])).size).toBe(3);
  expect(new Set(properties.map((each) => /cluster.id=(.*)/.exec(each)![1])).size).toBe(1);
  for (const dir of DIRS) {
    for (const name of ['recovery-point-offset-checkpoint', 'replication-offset-checkpoint']) {
      const held = text(`${dir}/${name}`)
        .trimEnd()
        .split('\n')
        .slice(2)
        .map((row) => row.split(' ').slice(0, 2).join('-'));
      expect(held.sort()).toEqual([...places].filter(([, place]) => place === dir).map(([partition]) => partition));
    }
  }
  await broker.restart();
  expect(await placesOf(broker)).toEqual(places);
});

test('a dir that cannot be read at the start is offline, the others serve, and it is back with the next start', async () => {
  const { broker } = await threeDirs();
  const places = await placesOf(broker);
  await produceAll(broker, places);
  broker.node.kill();
  broker.node.setFolderFailed('/b', true);
  await broker.restart();
  expect(await produceAll(broker, places)).toEqual({ '/data': OK, '/b': FAILED, '/c': OK });
  const told = await leaders(broker);
  for (const [partition, dir] of places) {
    const offline = [-1, [1], ERROR.LEADER_NOT_AVAILABLE];
    expect(told.get(partition)).toEqual(dir === '/b' ? offline : [1, [], ERROR.NONE]);
  }
  expect(
    (await describe(broker)).map(({ logDir, errorCode, totalBytes }) => [logDir, errorCode, totalBytes > 0]),
  ).toEqual([
    ['/data', ERROR.NONE, true],
    ['/b', ERROR.KAFKA_STORAGE_ERROR, false],
    ['/c', ERROR.NONE, true],
  ]);
  const later = await createTopic(broker, 'later');
  expect(
    [...(await placesOf(broker))].filter(([name]) => name.startsWith(later.name)).map(([, dir]) => dir),
  ).not.toContain('/b');
  broker.node.setFolderFailed('/b', false);
  await broker.world.settle(broker.broker.stop());
  await broker.restart();
  expect(await produceAll(broker, places)).toEqual({ '/data': OK, '/b': OK, '/c': OK });
  expect([...(await leaders(broker)).values()].every(([leader]) => leader === 1)).toBe(true);
});

test('a dir whose device fails while the broker runs goes offline with all that is in it, and nothing that was acknowledged is missing later', async () => {
  const { broker, topics } = await threeDirs();
  const places = await placesOf(broker);
  await produceAll(broker, places);
  broker.node.setFolderFailed('/b', true);
  const [first = '', second = ''] = [...places].filter(([, dir]) => dir === '/b').map(([partition]) => partition);
  const hit = async (partition: string): Promise<number> => {
    const [topic = '', index] = partition.split('-');
    return produce(broker, topic, Number(index), 'lost');
  };
  expect(await hit(first)).toBe(ERROR.KAFKA_STORAGE_ERROR);
  await broker.world.run(broker.world.now() + 100);
  expect((await leaders(broker)).get(second)).toEqual([-1, [1], ERROR.LEADER_NOT_AVAILABLE]);
  expect(await hit(second)).toBe(ERROR.KAFKA_STORAGE_ERROR);
  expect(await produceAll(broker, places)).toEqual({ '/data': OK, '/b': FAILED, '/c': OK });
  await broker.world.settle(broker.broker.stop());
  broker.node.setFolderFailed('/b', false);
  const { disk } = broker.node.boot();
  expect(DIRS.map((dir) => disk.exists(`${dir}/.kafka_cleanshutdown`))).toEqual([true, false, true]);
  await broker.restart();
  expect(await produceAll(broker, places)).toEqual({ '/data': OK, '/b': OK, '/c': OK });
  for (const topic of topics) {
    const dir = places.get(`${topic.name}-0`);
    expect((await valuesIn(broker, topic)).filter((value) => value !== 'lost')).toHaveLength(dir === '/b' ? 2 : 3);
  }
});

test('a dir that is full refuses what is written to it, still reads, and takes records again after a restart', async () => {
  const { broker, topics } = await threeDirs();
  const places = await placesOf(broker);
  await produceAll(broker, places);
  broker.node.setFolderFull('/b', true);
  const [partition = ''] = [...places].find(([, dir]) => dir === '/b')!;
  expect(await produce(broker, partition.split('-')[0]!, Number(partition.split('-')[1]))).toBe(
    ERROR.KAFKA_STORAGE_ERROR,
  );
  expect(await produceAll(broker, places)).toEqual({ '/data': OK, '/b': FAILED, '/c': OK });
  expect((await describe(broker)).map(({ errorCode }) => errorCode)).toEqual([0, 0, 0]);
  broker.node.setFolderFull('/b', false);
  broker.node.kill();
  await broker.restart();
  expect(await produceAll(broker, places)).toEqual({ '/data': OK, '/b': OK, '/c': OK });
  for (const topic of topics) {
    const values = await valuesIn(broker, topic);
    expect(values.filter((value) => value === `${topic.name}-0`).length).toBeGreaterThanOrEqual(2);
  }
});

test('without any dir left the process ends', async () => {
  const { broker } = await threeDirs();
  const places = await placesOf(broker);
  for (const dir of DIRS) broker.node.setFolderFailed(dir, true);
  await produceAll(broker, places);
  await broker.world.run(broker.world.now() + 1_000);
  expect(broker.fatal.map((error) => (error as { code?: string }).code)).toEqual([
    'metadata-log-failed',
    'all-log-dirs-failed',
  ]);
});

test('a partition that lies in two dirs is refused, and a folder of an older topic of its name is not taken for it', async () => {
  const { broker } = await threeDirs();
  const places = await placesOf(broker);
  const [partition = ''] = [...places].find(([, dir]) => dir === '/b')!;
  await produceAll(broker, places);
  await broker.world.settle(broker.broker.stop());
  const put = (content?: Buffer): void => {
    const { disk } = broker.node.boot();
    disk.makeFolder(`/c/${partition}`);
    const copied = content ?? disk.readFile(`/b/${partition}/partition.metadata`);
    disk.replaceFile(`/c/${partition}/partition.metadata`, copied);
  };
  put();
  await expect(broker.restart()).rejects.toMatchObject({ code: 'partition-twice' });
  put(Buffer.from('version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAQ\n'));
  await broker.restart();
  expect(await placesOf(broker)).toEqual(places);
});

test('a partition that was moved to another dir by hand is found there', async () => {
  const { broker } = await threeDirs();
  const places = await placesOf(broker);
  await produceAll(broker, places);
  const [partition = ''] = [...places].find(([, dir]) => dir === '/b')!;
  await broker.world.settle(broker.broker.stop());
  broker.node.boot().disk.rename(`/b/${partition}`, `/c/${partition}`);
  await broker.restart();
  expect(await placesOf(broker)).toEqual(new Map([...places, [partition, '/c']]));
  expect([...(await leaders(broker)).values()].every(([leader]) => leader === 1)).toBe(true);
  await broker.world.settle(broker.broker.stop());
  broker.node.setFolderFailed('/b', true);
  await broker.restart();
  expect((await leaders(broker)).get(partition)).toEqual([1, [], ERROR.NONE]);
});

test('a partition that was moved is found there too where the name of its owner was half written when the power went', async () => {
  const { broker } = await threeDirs();
  const places = await placesOf(broker);
  await produceAll(broker, places);
  const [partition = ''] = [...places].find(([, dir]) => dir === '/b')!;
  await broker.world.settle(broker.broker.stop());
  const { disk } = broker.node.boot();
  disk.rename(`/b/${partition}`, `/c/${partition}`);
  const owner = `/c/${partition}/partition.metadata`;
  for (const left of [disk.readFile(owner).subarray(0, 30), Buffer.alloc(43), Buffer.alloc(0)]) {
    broker.node.boot().disk.replaceFile(owner, left);
    await broker.restart();
    expect(await placesOf(broker)).toEqual(new Map([...places, [partition, '/c']]));
    await broker.world.settle(broker.broker.stop());
  }
});

test.each([[['/b', '/c', '/b/']], [['/./data']]])(
  'a dir that is named twice is refused as such: %j',
  async (logDirs) => {
    await expect(startTestBroker({ config: { logDirs } })).rejects.toMatchObject({ code: 'config-invalid' });
  },
);

test('a dir whose names cannot be read at the start is offline', () => {
  const io = createSimWorld({ seed: 1 }).node('broker').boot();
  const { disk } = io;
  const list = disk.list.bind(disk);
  disk.list = (path) => {
    if (path === '/b') throw new IoError('io', path);
    return list(path);
  };
  const given = { io, logger: silentLogger, tailBudget: createTailBudget(0), turnMs: 20 };
  const dataFolder = { path: '/data', directoryId: 'first' };
  const identity = { nodeId: 1, clusterId: 'MkU3OEVBNTcwNTJENDM2Qg' };
  const dirs = new LogDirs({ ...given, ...identity, dataFolder, otherPaths: ['/b', '/c'] });
  expect(dirs.online.map(({ path }) => path)).toEqual(['/data', '/c']);
});

test('a dir that is no longer configured takes its partitions with it: they are offline, not made anew', async () => {
  const broker = await startTestBroker({ config: { logDirs: ['/b'] } });
  await createTopic(broker, 'orders');
  const places = await placesOf(broker);
  await broker.world.settle(broker.broker.stop());
  broker.config.logDirs = [];
  await broker.restart();
  expect(await produceAll(broker, places)).toEqual({ '/data': [ERROR.NONE], '/b': [ERROR.KAFKA_STORAGE_ERROR] });
  expect(broker.io.disk.exists('/data/orders-1')).toBe(false);
});

test('a topic that is deleted while a dir is offline does not come back with it', async () => {
  const { broker } = await threeDirs();
  const places = await placesOf(broker);
  await produceAll(broker, places);
  broker.node.setFolderFailed('/b', true);
  expect(await produceAll(broker, places)).toEqual({ '/data': OK, '/b': FAILED, '/c': OK });
  for (const name of ['one', 'two', 'three']) await deleteTopic(broker, name);
  await broker.world.settle(broker.broker.stop());
  broker.node.setFolderFailed('/b', false);
  await broker.restart();
  expect(await placesOf(broker)).toEqual(new Map());
  for (const name of ['one', 'two', 'three']) {
    expect(await valuesIn(broker, await createTopic(broker, name))).toEqual([]);
  }
  const again = await placesOf(broker);
  await broker.world.settle(broker.broker.stop());
  await broker.restart();
  expect(await placesOf(broker)).toEqual(again);
  expect(await produceAll(broker, again)).toEqual({ '/data': OK, '/b': OK, '/c': OK });
});
