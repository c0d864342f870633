/** Nodes of the quorum on simulated disks and links: who leads, what is committed, and what outlives what. */
import { expect, test } from 'vitest';
import { configured, SimQuorum } from './testing/sim-quorum.ts';

test('an only voter leads at once, and applies what it has committed', async () => {
  const quorum = await SimQuorum.of(1, [1]);
  const member = await quorum.untilLed();
  expect(quorum.world.now()).toBeLessThan(100);
  expect(member.propose('a', 'b')).toBe(5); // behind leader change, kraft.version and voters
  await quorum.untilSame();
  expect(member.applied).toEqual(['a', 'b']);
});

test('an only voter that is killed comes back with all that was committed', async () => {
  const quorum = await SimQuorum.of(2, [1]);
  (await quorum.untilLed()).propose('a');
  await quorum.untilSame();
  quorum.member(1).machine.powerLoss();
  await quorum.boot(1);
  const member = await quorum.untilLed();
  member.propose('b');
  await quorum.untilSame();
  expect(member.applied).toEqual(['a', 'b']);
});

test.each([1, 2, 3])('three voters elect a leader, and all apply what it commits, seed %i', async (seed) => {
  const quorum = await SimQuorum.of(seed, [1, 2, 3]);
  const led = await quorum.untilLed();
  led.propose('a');
  led.propose('b', 'c');
  await quorum.untilSame();
  for (const { applied } of quorum.all) expect(applied).toEqual(['a', 'b', 'c']);
});

test.each([1, 2, 3, 4, 5])('a leader that is killed is replaced well within a second, seed %i', async (seed) => {
  const quorum = await SimQuorum.of(seed, [1, 2, 3]);
  const first = await quorum.untilLed();
  first.propose('a');
  await quorum.untilSame();
  const killedMs = quorum.world.now();
  first.machine.kill();
  const next = await quorum.untilLed();
  expect(quorum.world.now() - killedMs).toBeLessThan(500);
  next.propose('b');
  await quorum.boot(first.id);
  await quorum.untilSame();
  for (const { applied } of quorum.all) expect(applied).toEqual(['a', 'b']);
});

test.each([1, 2, 3])(
  'a leader that is restarted at once, before anybody has missed it, is replaced soon, seed %i',
  async (seed) => {
    const quorum = await SimQuorum.of(seed, [1, 2, 3]);
    const first = await quorum.untilLed();
    await quorum.untilSame();
    const killedMs = quorum.world.now();
    await quorum.boot(first.id);
    await quorum.untilLed();
    expect(quorum.world.now() - killedMs).toBeLessThan(1_000);
  },
);

test('a leader that is frozen is replaced after the fetch time-out, and follows when it wakes', async () => {
  const quorum = await SimQuorum.of(4, [1, 2, 3]);
  const first = await quorum.untilLed();
  await quorum.untilSame();
  first.machine.stall(20_000);
  const isReplaced = () => (quorum.leader()?.id ?? first.id) !== first.id;
  expect(await quorum.world.runUntil(isReplaced, 4_500)).toBe(true);
  quorum.leader()!.propose('a');
  await quorum.world.run(quorum.world.now() + 20_000);
  await quorum.untilSame();
  expect(first.applied).toEqual(['a']);
  expect(first.leadsEpoch).toBe(-1);
});

test('what a leader wrote and nobody else has is cut off when it comes back', async () => {
  const quorum = await SimQuorum.of(5, [1, 2, 3]);
  const first = await quorum.untilLed();
  await quorum.untilSame();
  const others = quorum.all.filter((member) => member !== first);
  for (const { id } of others) quorum.world.link(`node${first.id}`, `node${id}`).set({ cut: true });
  const end = first.propose('lost', 'lost too')!;
  await quorum.world.run(quorum.world.now() + 100);
  expect([first.node!.endOffset, first.node!.highWatermark]).toEqual([end, end - 2]);
  first.machine.kill();
  (await quorum.untilLed()).propose('kept');
  for (const { id } of others) quorum.world.link(`node${first.id}`, `node${id}`).set({ cut: false });
  await quorum.boot(first.id);
  await quorum.untilSame();
  for (const { applied } of quorum.all) expect(applied).toEqual(['kept']);
});

test('a leader without a majority stops to lead, and its proposals with it', async () => {
  const quorum = await SimQuorum.of(6, [1, 2, 3]);
  const led = await quorum.untilLed();
  await quorum.untilSame();
  const others = quorum.all.filter((member) => member !== led);
  for (const { machine } of others) machine.kill();
  expect(await quorum.world.runUntil(() => led.leadsEpoch < 0, 4_000)).toBe(true);
  expect(led.propose('a')).toBeUndefined();
  expect(led.node!.leader().id).toBe(-1);
});

test('all lose their power, and nothing that was committed is lost', async () => {
  const quorum = await SimQuorum.of(7, [1, 2, 3]);
  for (let round = 0; round < 5; round++) {
    const led = await quorum.untilLed();
    led.propose(`${round}`);
    await quorum.untilSame();
    led.propose('perhaps'); // under way when the light goes out
    for (const { machine } of quorum.all) machine.powerLoss();
    for (const { id } of quorum.all) await quorum.boot(id);
  }
  await quorum.untilLed();
  await quorum.untilSame();
  for (const { applied } of quorum.all) expect(applied.filter((text) => text !== 'perhaps')).toEqual([...'01234']);
});

test('a leader that is stopped hands over to another without a pause', async () => {
  const quorum = await SimQuorum.of(8, [1, 2, 3]);
  const led = await quorum.untilLed();
  await quorum.untilSame();
  const begunMs = quorum.world.now();
  await quorum.world.settle(led.node!.resign());
  await quorum.world.settle(led.node!.close(true));
  led.machine.kill();
  await quorum.untilLed();
  expect(quorum.world.now() - begunMs).toBeLessThan(200);
});

test('a slow listener is handed one batch after another, and holds nobody else up', async () => {
  const quorum = await SimQuorum.of(9, [1, 2, 3]);
  const led = await quorum.untilLed();
  await quorum.untilSame();
  const slow = quorum.all.find((member) => member !== led)!;
  slow.slowness = () => new Promise((resolve) => void quorum.world.after(50, resolve));
  for (let n = 0; n < 20; n++) led.propose(`${n}`);
  const end = led.node!.endOffset;
  const isFast = () => quorum.all.every((member) => member === slow || member.appliedEnd === end);
  expect(await quorum.world.runUntil(isFast, 200)).toBe(true);
  expect(slow.applied.length).toBeLessThan(6);
  await quorum.untilSame();
  expect(slow.applied).toEqual(led.applied);
});

test('an observer follows and is never elected', async () => {
  const quorum = await SimQuorum.of(10, [1, 2, 3]);
  const voters = [1, 2, 3].map(configured);
  const observer = await quorum.boot(4, { voters, isController: false });
  (await quorum.untilLed()).propose('a');
  await quorum.untilSame();
  expect(observer.applied).toEqual(['a']);
  for (const id of [1, 2, 3]) quorum.member(id).machine.kill();
  await quorum.world.run(quorum.world.now() + 10_000);
  expect(observer.node!.leader().id).toBe(-1);
});

test('voters without known directories elect as well, at kraft.version 0', async () => {
  const quorum = new SimQuorum(11);
  const voters = [1, 2, 3].map((id) => ({ ...configured(id), directoryId: undefined }));
  for (const id of [1, 2, 3]) await quorum.boot(id, { voters });
  const led = await quorum.untilLed();
  expect(led.propose('a')).toBe(2);
  await quorum.untilSame();
  expect(led.node!.describe().kraftVersion).toBe(0);
  for (const { applied } of quorum.all) expect(applied).toEqual(['a']);
});

test('a node of another cluster is heard by nobody', async () => {
  const quorum = await SimQuorum.of(12, [1, 2, 3]);
  const voters = [1, 2, 3].map(configured);
  const stranger = await quorum.boot(4, { voters, isController: false, clusterId: 'AAAAAAAAAAAAAAAAAAAAAA' });
  (await quorum.untilLed()).propose('a');
  await quorum.world.run(quorum.world.now() + 3_000);
  expect(stranger.node!.endOffset).toBe(0);
});

test('a disk that fails ends the node’s part, and the others go on', async () => {
  const quorum = await SimQuorum.of(13, [1, 2, 3]);
  const led = await quorum.untilLed();
  await quorum.untilSame();
  led.machine.failNextSync();
  led.propose('a');
  await quorum.world.run(quorum.world.now() + 50);
  expect(led.failure?.code).toBe('metadata-log-failed');
  expect(led.propose('b')).toBeUndefined();
  led.machine.kill();
  const next = await quorum.untilLed();
  await quorum.boot(led.id);
  await quorum.untilSame();
  expect(led.applied).toEqual(next.applied);
});
