/** The controller over a quorum that does as the test says. */
import { silentLogger } from '@meridian/io';
import { createSimWorld } from '@meridian/io/sim';
import { decodeMetadataRecord, ERROR, type MetadataRecord, type MetadataRecordInput } from '@meridian/protocol';
import { expect, test } from 'vitest';
import { FakeQuorumNode } from '../testing/fake-quorum-node.ts';
import type { Command, NewTopic } from './commands.ts';
import { createTopics, newTopic, registration, scenario, uuidNumber } from './decide/scenario.ts';
import { QuorumController } from './quorum-controller.ts';

function start(snapshots = { maxBytesBetween: 1_000_000, maxIntervalMs: 3_600_000 }) {
  const world = createSimWorld({ seed: 1 });
  const io = world.node('controller').boot();
  const quorum = new FakeQuorumNode();
  const { context } = scenario();
  const given = { clusterId: 'cluster', directoryId: uuidNumber(1), context, snapshots };
  const controller = new QuorumController({ io, log: silentLogger, quorum, ...given });
  quorum.start(controller);
  const failures: string[] = [];
  controller.onFailure = ({ code }) => void failures.push(code);
  /** Lets what is due in this moment happen. */
  const turn = () => world.run(world.now() + 1);
  return { world, quorum, controller, failures, turn };
}

type Node = ReturnType<typeof start>;

async function startActive(snapshots?: Parameters<typeof start>[0]): Promise<Node> {
  const node = start(snapshots);
  node.quorum.lead(1);
  await node.quorum.commit();
  node.quorum.commitsAtOnce = true;
  await node.world.settle(node.controller.submit(registration(1)));
  return node;
}

/** How a command ended, or `waiting`. */
function outcomeOf({ controller }: Node, command: Command): { is: string } {
  const outcome = { is: 'waiting' };
  controller.submit(command).then(
    () => (outcome.is = 'done'),
    (error: { code: string }) => (outcome.is = error.code),
  );
  return outcome;
}

const topic = (name: string, rest?: Partial<NewTopic>): Command => createTopics([newTopic(name, rest)]);
const topicRecord = (n: number): MetadataRecordInput => ({
  type: 'TopicRecord',
  name: `topic-${n}`,
  topicId: uuidNumber(n),
});

test('a node that leads decides once its first record is committed and applied', async () => {
  const { quorum, controller } = start();
  expect([controller.isActive, controller.activeId()]).toEqual([false, -1]);
  quorum.lead(7);
  expect([controller.isActive, controller.activeId()]).toEqual([false, 1]);
  await quorum.commit();
  expect(controller.isActive).toBe(true);
});

test('a new log is given its feature levels, and only a new log', async () => {
  const { quorum, controller } = start();
  quorum.lead(1);
  await quorum.commit();
  await quorum.commit();
  expect(controller.image.features.get('metadata.version')).toBe(30);
  quorum.lose(2);
  quorum.lead(3);
  await quorum.commit();
  expect(quorum.pending).toEqual([]);
});

test('a transaction that an earlier controller left open is aborted', async () => {
  const { quorum, controller } = start();
  await quorum.receive(1, [{ type: 'BeginTransactionRecord', name: 'half' }, topicRecord(1)]);
  quorum.lead(2);
  await quorum.commit();
  await quorum.commit();
  await quorum.receive(3, [topicRecord(2)]);
  expect([...controller.image.topicsByName.keys()]).toEqual(['topic-2']);
});

test('records of a transaction are applied at its end, together', async () => {
  const { quorum, controller } = start();
  const deltas: (readonly MetadataRecord[])[] = [];
  controller.onChange((delta) => void deltas.push(delta));
  await quorum.receive(1, [{ type: 'BeginTransactionRecord' }, topicRecord(1)], [topicRecord(2)]);
  expect(controller.image.topicsByName.size).toBe(0);
  await quorum.receive(1, [{ type: 'EndTransactionRecord' }]);
  expect(deltas.map((delta) => delta.length)).toEqual([2]);
});

test('commands are answered when they are committed, and everybody has followed', async () => {
  const node = await startActive();
  node.quorum.commitsAtOnce = false;
  const followed = Promise.withResolvers<void>();
  node.controller.onChange(() => followed.promise);
  const outcome = outcomeOf(node, topic('orders'));
  await node.turn();
  expect(outcome.is).toBe('waiting');
  void node.quorum.commit();
  await node.turn();
  expect([outcome.is, node.controller.image.topicsByName.has('orders')]).toEqual(['waiting', true]);
  followed.resolve();
  await node.turn();
  expect(outcome.is).toBe('done');
});

test('a refusal waits for what it rests on', async () => {
  const node = await startActive();
  node.quorum.commitsAtOnce = false;
  const made = outcomeOf(node, topic('orders'));
  await node.turn();
  const refused = node.controller.submit(createTopics([newTopic('orders')]));
  const outcome = outcomeOf(node, topic('orders'));
  await node.turn();
  expect([made.is, outcome.is]).toEqual(['waiting', 'waiting']);
  await node.quorum.commit();
  expect((await node.world.settle(refused)).topics[0]?.errorCode).toBe(ERROR.TOPIC_ALREADY_EXISTS);
});

test('a refusal that rests on what is committed is answered at once', async () => {
  const node = await startActive();
  await node.world.settle(node.controller.submit(topic('orders')));
  const again = await node.world.settle(node.controller.submit(createTopics([newTopic('orders')])));
  expect(again.topics[0]?.errorCode).toBe(ERROR.TOPIC_ALREADY_EXISTS);
});

test('whoever loses the lead refuses what waits, and forgets what it had decided', async () => {
  const node = await startActive();
  node.quorum.commitsAtOnce = false;
  const proposed = outcomeOf(node, topic('orders'));
  await node.turn();
  const waiting = outcomeOf(node, topic('other'));
  node.quorum.lose(2);
  await node.turn();
  expect([proposed.is, waiting.is]).toEqual(['not-controller', 'not-controller']);
  expect(outcomeOf(node, registration(2))).toEqual({ is: 'waiting' });
  expect(node.controller.isActive).toBe(false);
  node.quorum.lead(3);
  await node.quorum.commit();
  node.quorum.commitsAtOnce = true;
  const again = await node.world.settle(node.controller.submit(createTopics([newTopic('orders')])));
  expect(again.topics[0]?.errorCode).toBe(ERROR.NONE);
  expect(node.failures).toEqual([]);
});

test('whoever has lost the lead without knowing it refuses as soon as it proposes', async () => {
  const node = await startActive();
  node.quorum.propose = () => undefined;
  const outcome = outcomeOf(node, topic('orders'));
  await node.turn();
  expect([outcome.is, node.failures]).toEqual(['not-controller', []]);
});

test('a broker is registered with the offset that its record has', async () => {
  const node = await startActive();
  node.quorum.endOffset += 3; // as records of the quorum itself do
  const { brokerEpoch } = await node.world.settle(node.controller.submit(registration(2)));
  expect(brokerEpoch).toBe(node.quorum.endOffset - 1);
});

test('more commands than may wait are refused', async () => {
  const node = await startActive();
  node.quorum.commitsAtOnce = false;
  const outcomes = Array.from({ length: 10_001 }, (_, i) => outcomeOf(node, topic(`t${i % 2}`)));
  await Promise.resolve();
  await Promise.resolve();
  expect(outcomes.filter(({ is }) => is === 'controller-overloaded')).toHaveLength(1);
});

test('the records of one command never part', async () => {
  const node = await startActive();
  node.quorum.commitsAtOnce = false;
  const partitions = 6_000;
  for (const name of ['a', 'b']) outcomeOf(node, topic(name, { numPartitions: partitions }));
  await node.turn();
  expect(node.quorum.pending.map(({ values }) => values.length)).toEqual([partitions + 1, partitions + 1]);
});

test('a feature level that is raised above what this node knows ends it', async () => {
  const { quorum, failures, controller } = start();
  await quorum.receive(1, [{ type: 'FeatureLevelRecord', name: 'metadata.version', featureLevel: 99 }]);
  expect(failures).toEqual(['folder-newer']);
  await expect(controller.whenCaughtUp()).rejects.toMatchObject({ code: 'folder-newer' });
});

test('a record that does not fit ends the node before anything behind it is applied', async () => {
  const { quorum, failures, controller } = start();
  await quorum.receive(1, [{ type: 'RemoveTopicRecord', topicId: uuidNumber(5) }], [topicRecord(1)]);
  expect([failures, controller.image.topicsByName.size]).toEqual([['metadata-log-failed'], 0]);
});

test('a node has caught up when it has applied what was committed when it first heard of it', async () => {
  const { world, quorum, controller } = start();
  let isCaughtUp = false;
  void controller.whenCaughtUp().then(() => (isCaughtUp = true));
  await world.run(world.now() + 100);
  expect(isCaughtUp).toBe(false);
  const follow = Promise.withResolvers<void>();
  controller.onChange(() => follow.promise);
  quorum.lead(1);
  void quorum.commit();
  await world.run(world.now() + 100);
  expect(isCaughtUp).toBe(true);
});

test('a snapshot makes the same image as the records, in place of all before it', async () => {
  const node = await startActive({ maxBytesBetween: 1, maxIntervalMs: 0 });
  await node.world.settle(node.controller.submit(topic('orders', { configs: [{ name: 'retention.ms', value: '5' }] })));
  await node.world.settle(node.controller.submit(topic('gone')));
  await node.turn();
  const newest = node.quorum.snapshots.at(-1)!;
  expect(newest.endOffset).toBe(node.controller.image.endOffset);
  const other = start();
  await other.quorum.receive(1, [topicRecord(9)]);
  const deltas: MetadataRecord[] = [];
  other.controller.onChange((delta) => void deltas.push(...delta));
  const records = newest.values.map((value) => decodeMetadataRecord(value));
  await other.controller.snapshot({ ...newest, records });
  expect(other.controller.imageHash()).toBe(node.controller.imageHash());
  expect([...other.controller.image.topicsByName.keys()]).toEqual(['orders', 'gone']);
  expect(deltas.find(({ type }) => type === 'RemoveTopicRecord')).toMatchObject({ topicId: uuidNumber(9) });
});

test('a snapshot is written when the log has grown, when time has passed, and never inside a transaction', async () => {
  const { world, quorum, turn } = start({ maxBytesBetween: 100, maxIntervalMs: 1_000 });
  await quorum.receive(1, [topicRecord(1)]);
  await turn();
  expect(quorum.snapshots).toEqual([]);
  await quorum.receive(1, [topicRecord(2), topicRecord(3), topicRecord(4)]);
  await turn();
  expect(quorum.snapshots).toMatchObject([{ endOffset: 4, epoch: 1 }]);
  await world.run(world.now() + 1_000);
  await quorum.receive(1, [{ type: 'BeginTransactionRecord' }, topicRecord(5)]);
  await turn();
  expect(quorum.snapshots).toHaveLength(1);
  await quorum.receive(1, [{ type: 'EndTransactionRecord' }]);
  await turn();
  expect(quorum.snapshots).toMatchObject([{}, { endOffset: 7 }]);
});

test('a stop finishes what was taken and refuses what comes', async () => {
  const node = await startActive();
  const taken = outcomeOf(node, topic('orders'));
  const closing = node.controller.close();
  const late = outcomeOf(node, topic('late'));
  await node.world.settle(closing);
  expect([taken.is, late.is]).toEqual(['done', 'controller-closed']);
});
