/** The controller on a simulated machine: what it writes, what survives, and what it refuses to open. */
import type { Io } from '@meridian/io';
import { silentLogger } from '@meridian/io';
import { createSimWorld, type SimNode, type SimWorld } from '@meridian/io/sim';
import { openLog } from '@meridian/log';
import { ERROR, encodeMetadataRecord, type MetadataRecord, uuidFromBase64 } from '@meridian/protocol';
import { iterateBatches, writeBatch } from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import { type LoneConfig, type LoneController, openLoneController } from '../testing/lone-controller.ts';
import { createTopics, newTopic, registration } from './decide/scenario.ts';

const CONFIG: LoneConfig = {
  regionId: 3,
  nodeId: 1,
  dataFolder: '/data',
  regions: ['us-east', 'eu-west'],
  defaultPartitions: 2,
};
const { endpoints } = registration(1);
const META = '/data/meta.properties';
const LOG_FOLDER = '/data/__cluster_metadata-0';

function machine(seed = 1): { world: SimWorld; node: SimNode } {
  const world = createSimWorld({ seed });
  return { world, node: world.node('broker') };
}

async function start(world: SimWorld, io: Io, config: Partial<LoneConfig> = {}): Promise<LoneController> {
  const opening = openLoneController({ io, config: { ...CONFIG, ...config }, log: silentLogger });
  const controller = await world.settle(opening);
  await world.settle(controller.register(endpoints));
  return controller;
}

function startCode(world: SimWorld, io: Io, config: Partial<LoneConfig> = {}): Promise<string> {
  return start(world, io, config).then(
    () => 'opened',
    (error: { code: string }) => error.code,
  );
}

test('a new folder is described as Apache Kafka describes its own', async () => {
  const { world, node } = machine();
  const io = node.boot();
  const controller = await start(world, io, { clusterId: 'sG39_DH7Rd2WyXIutj_lKQ' });
  const lines = io.disk
    .readFile(META)
    .toString()
    .trim()
    .split('\n')
    .map((line) => line.split('=')[0]);
  expect(lines).toEqual(['node.id', 'directory.id', 'version', 'cluster.id']);
  const directory = /directory.id=(.*)/.exec(io.disk.readFile(META).toString())![1]!;
  expect(uuidFromBase64(directory)).toBe(controller.directoryId);
  expect(controller.image.clusterId).toBe('sG39_DH7Rd2WyXIutj_lKQ');
  expect(controller.image.features.get('metadata.version')).toBe(30);
});

test('what was answered is there after a power loss, under the same ids and with new leader epochs', async () => {
  const { world, node } = machine();
  const before = await start(world, node.boot());
  const { topics } = await world.settle(before.submit(createTopics([newTopic('orders')])));
  node.powerLoss();
  const after = await start(world, node.boot());
  const topic = after.image.topicsById.get(topics[0]!.topicId);
  expect(topic?.name).toBe('orders');
  expect(topic?.partitions.map(({ leader, leaderEpoch }) => [leader, leaderEpoch])).toEqual([
    [1, 1],
    [1, 1],
  ]);
  expect(after.image.clusterId).toBe(before.image.clusterId);
  expect(after.image.brokers.get(1)?.incarnationId).not.toBe(before.image.brokers.get(1)?.incarnationId);
  expect(after.image.brokers.get(1)?.epoch).toBeGreaterThan(before.image.brokers.get(1)!.epoch);
});

test('a stop and a start move on by one epoch, which a leader change opens', async () => {
  const { world, node } = machine();
  for (let round = 0; round < 3; round++) {
    const controller = await start(world, node.boot());
    await world.settle(controller.close());
  }
  const log = openLog({ io: node.boot(), folder: LOG_FOLDER });
  const { buffers } = log.read(0, { maxBytes: 1e6 });
  const headers = buffers.flatMap((buffer) => [...iterateBatches(buffer)].map(({ header }) => header));
  const control = headers.filter(({ isControl }) => isControl).map(({ partitionLeaderEpoch }) => partitionLeaderEpoch);
  expect(control).toEqual([1, 2, 3]);
  expect(headers.map(({ partitionLeaderEpoch }) => partitionLeaderEpoch)).toEqual([1, 1, 1, 2, 2, 3, 3]);
});

test('commands that wait together share one append, and see each other', async () => {
  const { world, node } = machine();
  const controller = await start(world, node.boot());
  const deltas: (readonly MetadataRecord[])[] = [];
  controller.onChange((delta) => void deltas.push(delta));
  const names = ['a', 'b', 'a', 'c'];
  const answers = await world.settle(
    Promise.all(names.map((name) => controller.submit(createTopics([newTopic(name)])))),
  );
  expect(answers.map(({ topics }) => topics[0]?.errorCode)).toEqual([
    ERROR.NONE,
    ERROR.NONE,
    ERROR.TOPIC_ALREADY_EXISTS,
    ERROR.NONE,
  ]);
  expect(deltas.map((delta) => delta.map(({ type }) => type))).toEqual([
    Array.from({ length: 3 }, () => ['TopicRecord', 'PartitionRecord', 'PartitionRecord']).flat(),
  ]);
});

test('nothing is seen before it is durable', async () => {
  const { world, node } = machine();
  node.setSyncLatency([50, 50]);
  const controller = await start(world, node.boot());
  const seen = controller.image.endOffset;
  let answered = false;
  void controller.submit(createTopics([newTopic('orders')])).then(() => {
    answered = true;
  });
  await world.run(world.now() + 40);
  expect([answered, controller.image.endOffset]).toEqual([false, seen]);
  await world.run(world.now() + 40);
  expect([answered, controller.image.topicsByName.has('orders')]).toEqual([true, true]);
});

test('after a failed fsync nothing is decided any more, and the owner is told', async () => {
  const { world, node } = machine();
  const controller = await start(world, node.boot());
  const told: string[] = [];
  controller.onFailure = ({ code }) => told.push(code);
  node.failNextSync();
  const submit = (name: string): Promise<unknown> => controller.submit(createTopics([newTopic(name)]));
  await expect(world.settle(submit('orders'))).rejects.toMatchObject({ code: 'metadata-log-failed' });
  await expect(world.settle(submit('other'))).rejects.toMatchObject({ code: 'metadata-log-failed' });
  expect(told).toEqual(['metadata-log-failed']);
  expect(controller.image.topicsByName.size).toBe(0);
});

test('a closed controller refuses commands, after having answered those that waited', async () => {
  const { world, node } = machine();
  const controller = await start(world, node.boot());
  const waiting = controller.submit(createTopics([newTopic('orders')]));
  const closing = controller.close();
  const late = controller.submit(createTopics([newTopic('late')]));
  await expect(late).rejects.toMatchObject({ code: 'controller-closed' });
  expect((await world.settle(waiting)).topics[0]?.errorCode).toBe(ERROR.NONE);
  await world.settle(closing);
  expect(await startCode(world, node.boot())).toBe('opened');
});

test('producer ids are handed out once, also over a restart', async () => {
  const { world, node } = machine();
  const ids: number[] = [];
  for (let round = 0; round < 2; round++) {
    const controller = await start(world, node.boot());
    const asked = Array.from({ length: 1500 }, () => controller.nextProducerId());
    ids.push(...(await world.settle(Promise.all(asked))));
    node.kill();
  }
  expect(new Set(ids).size).toBe(3000);
  expect(Math.min(...ids)).toBe(3 * 2 ** 40);
});

test('a folder in use by another process is refused', async () => {
  const { world, node } = machine();
  const io = node.boot();
  await start(world, io);
  expect(await startCode(world, io)).toBe('locked');
});

test.each<[string, (text: string) => string, string]>([
  ['of a newer layout', (text) => text.replace('version=1', 'version=2'), 'folder-newer'],
  ['of another node', (text) => text.replace('node.id=1', 'node.id=2'), 'folder-of-another-node'],
  ['without its directory id', (text) => text.replace(/directory.id=.*\n/, ''), 'folder-corrupt'],
  ['with a damaged directory id', (text) => text.replace(/directory.id=.*/, 'directory.id=x'), 'folder-corrupt'],
  ['with comments and other blanks', (text) => `#\n# made by hand\n\n${text.replaceAll('=', ' = ')}`, 'opened'],
])('a folder %s is judged by its meta.properties', async (_, change, outcome) => {
  const { world, node } = machine();
  const io = node.boot();
  await world.settle((await start(world, io)).close());
  io.disk.replaceFile(META, Buffer.from(change(io.disk.readFile(META).toString())));
  expect(await startCode(world, io)).toBe(outcome);
});

test('a folder of another cluster, or one that lost its meta.properties, is refused', async () => {
  const { world, node } = machine();
  const io = node.boot();
  await world.settle((await start(world, io)).close());
  expect(await startCode(world, io, { clusterId: 'another' })).toBe('folder-of-another-node');
  io.disk.remove(META);
  expect(await startCode(world, io)).toBe('folder-corrupt');
});

const level = (name: string, featureLevel: number): Buffer =>
  encodeMetadataRecord({ type: 'FeatureLevelRecord', name, featureLevel });
test.each<[string, Buffer, string]>([
  ['a newer metadata version', level('metadata.version', 31), 'folder-newer'],
  ['a feature that we do not know', level('some.feature', 1), 'folder-newer'],
  ['a feature that Kafka 4.3 has', level('group.version', 1), 'opened'],
  ['a feature that is switched off', level('some.feature', 0), 'opened'],
  ['a record type that we do not know', Buffer.from([1, 99, 0, 0]), 'folder-newer'],
  ['a newer version of a record', Buffer.from([1, 2, 9, 0]), 'folder-newer'],
  ['a newer frame', Buffer.from([2, 2, 0, 0]), 'folder-newer'],
  ['half a record', Buffer.from([1, 2, 0]), 'folder-corrupt'],
])('a metadata log with %s', async (_, value, outcome) => {
  const { world, node } = machine();
  const io = node.boot();
  await world.settle((await start(world, io)).close());
  const log = openLog({ io, folder: LOG_FOLDER });
  log.append([Buffer.from(writeBatch({ records: [{ timestamp: 1, value }], baseOffset: log.endOffset }))], 9);
  await world.settle(log.flush());
  await world.settle(log.close(true));
  expect(await startCode(world, io)).toBe(outcome);
});

test('a metadata transaction that was left open does not count, and is ended', async () => {
  const { world, node } = machine();
  const io = node.boot();
  await world.settle((await start(world, io)).close());
  const log = openLog({ io, folder: LOG_FOLDER });
  const records = [
    encodeMetadataRecord({ type: 'BeginTransactionRecord', name: 'left open' }),
    encodeMetadataRecord({ type: 'TopicRecord', name: 'half', topicId: registration(1).incarnationId }),
  ].map((value) => ({ timestamp: 1, value }));
  log.append([Buffer.from(writeBatch({ records, baseOffset: log.endOffset }))], 9);
  await world.settle(log.flush());
  await world.settle(log.close(true));
  const controller = await start(world, io);
  await world.settle(controller.submit(createTopics([newTopic('whole')])));
  await world.settle(controller.close());
  const again = await start(world, io);
  expect([...again.image.topicsByName.keys()]).toEqual(['whole']);
});
