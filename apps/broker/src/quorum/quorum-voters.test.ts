/** Voters that come, go, move and lose their disks, on simulated machines. */
import { AddRaftVoter, ERROR, FetchSnapshot, RemoveRaftVoter } from '@meridian/protocol';
import { expect, test } from 'vitest';
import { CLUSTER, configured, directoryOf, FOLDER, type Member, SimQuorum } from './testing/sim-quorum.ts';

const addBody = (id: number, life = 0) => ({
  clusterId: CLUSTER,
  timeoutMs: 2_000,
  voterId: id,
  voterDirectoryId: directoryOf(id, life),
  listeners: [{ name: 'INTERNAL', host: `node${id}`, port: 9_093 }],
  ackWhenCommitted: true,
});
const removeBody = (id: number, life = 0) => ({
  clusterId: CLUSTER,
  voterId: id,
  voterDirectoryId: directoryOf(id, life),
});

async function ofThree(seed: number) {
  const quorum = await SimQuorum.of(seed, [1, 2, 3]);
  const led = await quorum.untilLed();
  await quorum.untilSame();
  const add = (to: Member, id: number, life = 0) =>
    quorum.world.settle(to.node!.handle(AddRaftVoter, addBody(id, life), { version: 1 }));
  const remove = (to: Member, id: number, life = 0) =>
    quorum.world.settle(to.node!.handle(RemoveRaftVoter, removeBody(id, life), { version: 0 }));
  const voters = (of: Member) => of.node!.describe().voters.map(({ id }) => id);
  return { quorum, led, add, remove, voters };
}

test('an observer that has everything becomes a voter, and is one for everybody', async () => {
  const { quorum, led, add, voters } = await ofThree(1);
  await quorum.boot(4, { voters: [1, 2, 3].map(configured) });
  await quorum.untilSame();
  expect(await add(led, 4)).toMatchObject({ errorCode: ERROR.NONE });
  await quorum.untilSame();
  for (const member of quorum.all) expect(voters(member)).toEqual([1, 2, 3, 4]);
  for (const id of [led.id, (led.id % 3) + 1]) quorum.member(id).machine.kill();
  await quorum.world.run(quorum.world.now() + 5_000);
  expect(quorum.leader()).toBeUndefined(); // two of four are no majority
});

test('who does not answer at its endpoints is not made a voter', async () => {
  const { led, add } = await ofThree(2);
  expect(await add(led, 9)).toMatchObject({ errorCode: ERROR.REQUEST_TIMED_OUT });
});

test('voters are not changed by who does not lead', async () => {
  const { quorum, led, remove } = await ofThree(3);
  const other = quorum.all.find((member) => member !== led)!;
  expect(await remove(other, led.id)).toMatchObject({ errorCode: ERROR.NOT_LEADER_OR_FOLLOWER });
});

test('a leader that is removed hands over', async () => {
  const { quorum, led, remove, voters } = await ofThree(4);
  expect(await remove(led, led.id)).toMatchObject({ errorCode: ERROR.NONE });
  const isOther = () => quorum.leader() !== undefined && quorum.leader() !== led;
  expect(await quorum.world.runUntil(isOther, 3_000)).toBe(true);
  await quorum.untilSame();
  expect(voters(quorum.leader()!)).toEqual([1, 2, 3].filter((id) => id !== led.id));
});

test('a voter that lost its disk is none any more, until it is added again', async () => {
  const { quorum, led, add, remove, voters } = await ofThree(5);
  const lost = quorum.all.find((member) => member !== led)!;
  lost.machine.kill();
  lost.machine.wipe();
  await quorum.boot(lost.id, { directoryId: directoryOf(lost.id, 1) });
  led.propose('a');
  await quorum.untilSame();
  const third = quorum.all.find((member) => member !== led && member !== lost)!;
  third.machine.kill();
  expect(await quorum.world.runUntil(() => led.leadsEpoch < 0, 5_000)).toBe(true); // it does not count
  await quorum.boot(third.id);
  const next = await quorum.untilLed();
  await quorum.untilSame();
  expect(await remove(next, lost.id)).toMatchObject({ errorCode: ERROR.NONE });
  expect(await add(next, lost.id, 1)).toMatchObject({ errorCode: ERROR.NONE });
  await quorum.untilSame();
  expect(voters(lost)).toEqual([1, 2, 3]);
});

test('a disk that was lost under the same name does not bring back an older log', async () => {
  const { quorum, led } = await ofThree(6);
  const [wiped, late] = quorum.all.filter((member) => member !== led) as [Member, Member];
  late.machine.kill();
  led.propose('kept');
  await quorum.untilSame();
  led.machine.kill();
  wiped.machine.kill();
  wiped.machine.wipe();
  await quorum.boot(wiped.id);
  await quorum.boot(late.id);
  await quorum.world.run(quorum.world.now() + 10_000);
  expect(quorum.leader()).toBeUndefined();
  await quorum.boot(led.id);
  await quorum.untilLed();
  await quorum.untilSame();
  for (const { applied } of quorum.all) expect(applied).toEqual(['kept']);
});

test('one node’s metadata does not get lost where the config suddenly names three voters', async () => {
  const quorum = await SimQuorum.of(12, [1]);
  (await quorum.untilLed()).propose('kept');
  await quorum.untilSame();
  const voters = [1, 2, 3].map(configured);
  quorum.member(1).machine.kill();
  for (const id of [2, 3]) await quorum.boot(id, { voters });
  await quorum.world.run(quorum.world.now() + 5_000);
  expect(quorum.leader()).toBeUndefined(); // two that have nothing do not begin without the third
  await quorum.boot(1, { voters });
  await quorum.untilLed();
  await quorum.untilSame();
  for (const { applied, node } of quorum.all) {
    expect([applied, node!.describe().voters.map(({ id }) => id)]).toEqual([['kept'], [1]]);
  }
});

test('voters of an older folder cannot be changed by the config', async () => {
  const quorum = new SimQuorum(13);
  const oldVoter = (id: number) => ({ ...configured(id), directoryId: undefined });
  await quorum.boot(1, { voters: [oldVoter(1)] });
  (await quorum.untilLed()).propose('kept');
  await quorum.untilSame();
  const three = quorum.boot(1, { voters: [1, 2, 3].map(oldVoter) });
  await expect(three).rejects.toThrow(/they were 1, the config says 1, 2, 3/);
  await quorum.boot(1, { voters: [oldVoter(1)] });
  await quorum.untilLed();
});

test('a node without its quorum-state votes again once it has heard a leader', async () => {
  const { quorum, led } = await ofThree(7);
  const other = quorum.all.find((member) => member !== led)!;
  other.machine.kill();
  other.machine.boot().disk.remove(`${FOLDER}/quorum-state`);
  await quorum.boot(other.id);
  led.propose('a');
  await quorum.untilSame();
  quorum.all.find((member) => member !== led && member !== other)!.machine.kill();
  led.machine.kill();
  await quorum.boot(led.id);
  await quorum.untilLed();
});

test('a quorum-state that cannot be read is refused', async () => {
  const { quorum, led } = await ofThree(8);
  led.machine.kill();
  led.machine.boot().disk.replaceFile(`${FOLDER}/quorum-state`, Buffer.from('{"leaderId":'));
  await expect(quorum.boot(led.id)).rejects.toMatchObject({ code: 'quorum-state-damaged' });
});

test('voters that have moved to other hosts find each other, and the log says where they are', async () => {
  const { quorum } = await ofThree(9);
  for (const { machine } of quorum.all) machine.kill();
  const voters = [1, 2, 3].map((id) => ({ ...configured(id), port: 9_193 }));
  for (const id of [1, 2, 3]) await quorum.boot(id, { voters, port: 9_193 });
  const led = await quorum.untilLed();
  const ports = () => led.node!.describe().voters.map(({ endpoints }) => endpoints[0]!.port);
  expect(await quorum.world.runUntil(() => ports().every((port) => port === 9_193), 20_000)).toBe(true);
});

test('the leader describes how far everybody has come', async () => {
  const { quorum, led } = await ofThree(10);
  await quorum.boot(4, { voters: [1, 2, 3].map(configured), isController: false });
  await quorum.untilSame();
  await quorum.world.run(quorum.world.now() + 2_000);
  const { leaderId, kraftVersion, progress, highWatermark } = led.node!.describe();
  expect({ leaderId, kraftVersion, highWatermark }).toEqual({ leaderId: led.id, kraftVersion: 1, highWatermark: 3 });
  expect(progress.map(({ id, isVoter, logEndOffset }) => [id, isVoter, logEndOffset])).toEqual([
    ...[1, 2, 3].map((id) => [id, true, 3]),
    [4, false, 3],
  ]);
  const nowMs = Date.UTC(2026, 0, 1) + quorum.world.now();
  for (const { lastFetchTimestamp, lastCaughtUpTimestamp } of progress) {
    expect(nowMs - lastFetchTimestamp).toBeLessThan(1_000);
    expect(lastCaughtUpTimestamp).toBeLessThanOrEqual(lastFetchTimestamp);
  }
});

test('a FetchSnapshot that asks for nothing, or for what is not there, is answered', async () => {
  const { quorum, led } = await ofThree(11);
  const ask = (topics: object[]) => {
    const body = { clusterId: CLUSTER, replicaId: 2, maxBytes: 1_000, topics };
    return quorum.world.settle(led.node!.handle(FetchSnapshot, body as never, { version: 1 }));
  };
  expect(await ask([])).toMatchObject({ errorCode: ERROR.INVALID_REQUEST });
  expect(await ask([{ name: '__cluster_metadata', partitions: [] }])).toMatchObject({
    errorCode: ERROR.INVALID_REQUEST,
  });
  const { epoch } = led.node!.leader();
  const partition = { partition: 0, currentLeaderEpoch: epoch, snapshotId: { endOffset: 9, epoch: 1 }, position: 0 };
  const named = [{ name: '__cluster_metadata', partitions: [{ ...partition, replicaDirectoryId: directoryOf(2) }] }];
  const { topics } = await ask(named);
  expect(topics[0]!.partitions[0]!.errorCode).toBe(ERROR.SNAPSHOT_NOT_FOUND);
});
