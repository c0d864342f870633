/** Snapshots of the metadata: written, handed on, torn and damaged, on simulated machines. */
import { expect, test } from 'vitest';
import { configured, FOLDER, type Member, SimQuorum } from './testing/sim-quorum.ts';

const filesOf = (member: Member): string[] =>
  member.machine
    .boot()
    .disk.list(FOLDER)
    .filter((name) => name.includes('checkpoint') && /^\d/.test(name));

/** Three voters whose leader has `count` texts in a snapshot and one behind it; `late` was away meanwhile. */
async function withSnapshot(seed: number, count = 5, text = (n: number) => `${n}`) {
  const quorum = await SimQuorum.of(seed, [1, 2, 3]);
  const led = await quorum.untilLed();
  await quorum.untilSame();
  const late = quorum.all.find((member) => member !== led)!;
  late.machine.kill();
  const texts = Array.from({ length: count }, (_, n) => text(n));
  for (const each of texts) led.propose(each);
  await quorum.untilSame();
  await quorum.world.settle(led.takeSnapshot());
  const snapshotEnd = led.appliedEnd;
  led.propose('behind');
  await quorum.untilSame();
  return { quorum, led, late, texts: [...texts, 'behind'], snapshotEnd };
}

test('a log begins behind its snapshot, and a restart applies the snapshot and what follows', async () => {
  const { quorum, led, texts } = await withSnapshot(1);
  led.machine.kill();
  expect(filesOf(led)).toHaveLength(1); // the bootstrap checkpoint has gone
  await quorum.boot(led.id);
  await quorum.untilLed();
  await quorum.untilSame();
  expect([led.snapshots, led.applied]).toEqual([1, texts]);
  expect(led.node!.describe().kraftVersion).toBe(1);
});

test('who was away takes the snapshot in place of the records, and knows the voters from it', async () => {
  const { quorum, late, texts } = await withSnapshot(2);
  await quorum.boot(late.id);
  await quorum.untilSame();
  expect([late.snapshots, late.applied]).toEqual([1, texts]);
  expect(late.node!.describe().voters.map(({ id }) => id)).toEqual([1, 2, 3]);
});

test('a snapshot of many pieces comes whole, also when the download is torn', async () => {
  const { quorum, led, late, texts } = await withSnapshot(3, 60, (n) => `${n}`.padEnd(30_000, 'x'));
  await quorum.boot(late.id);
  for (let round = 0; round < 4; round++) {
    await quorum.world.run(quorum.world.now() + 12);
    late.machine.kill();
    await quorum.boot(late.id);
  }
  const [from, to] = [`node${led.id}`, `node${late.id}`];
  await quorum.world.run(quorum.world.now() + 12);
  quorum.world.link(from, to).set({ cut: true });
  await quorum.world.run(quorum.world.now() + 1_000);
  quorum.world.link(from, to).set({ cut: false });
  await quorum.untilLed();
  await quorum.untilSame(60_000);
  expect(late.applied).toEqual(texts);
  late.machine.kill();
  expect(filesOf(late)).toHaveLength(1); // no .part is left
});

test('a damaged snapshot is not taken: the node stays out and says what to do', async () => {
  const { quorum, led, late } = await withSnapshot(4);
  const said: string[] = [];
  const error = (message: string, fields: Record<string, unknown> = {}) => said.push(`${message} ${fields.error}`);
  const log = { debug: () => {}, info: () => {}, warn: () => {}, error };
  const path = `${FOLDER}/${String(led.appliedEnd - 1).padStart(20, '0')}-0000000001.checkpoint`;
  led.machine.flipBit(path, 300);
  await quorum.boot(late.id, { log });
  await quorum.world.run(quorum.world.now() + 10_000);
  expect([late.snapshots, late.applied]).toEqual([0, []]);
  expect(late.failure).toBeUndefined();
  expect(said[0]).toMatch(/the leader’s snapshot was not taken .*checksum.*nothing is deleted/);
  expect(said.length).toBeLessThan(5);
  led.machine.flipBit(path, 300);
  await quorum.untilSame();
  expect(late.applied.at(-1)).toBe('behind');
});

test('a node whose own snapshot is damaged does not start without it', async () => {
  const { quorum, led, snapshotEnd } = await withSnapshot(5);
  led.machine.kill();
  led.machine.flipBit(`${FOLDER}/${String(snapshotEnd).padStart(20, '0')}-0000000001.checkpoint`, 300);
  await expect(quorum.boot(led.id)).rejects.toMatchObject({ code: 'folder-corrupt' });
});

test('a crash at any moment of a download leaves a folder that opens', async () => {
  const { quorum, late, texts } = await withSnapshot(6);
  for (let afterMs = 0; afterMs < 60; afterMs += 3) {
    await quorum.boot(late.id);
    await quorum.world.run(quorum.world.now() + afterMs);
    late.machine.powerLoss();
  }
  await quorum.boot(late.id);
  await quorum.untilSame();
  expect(late.applied).toEqual(texts);
});

test('snapshots may be taken again and again, by everybody, while records come', async () => {
  const quorum = await SimQuorum.of(7, [1, 2, 3]);
  const led = await quorum.untilLed();
  for (let n = 0; n < 30; n++) {
    led.propose(`${n}`);
    await quorum.world.run(quorum.world.now() + 5);
    const member = quorum.all[n % 3]!;
    await quorum.world.settle(member.takeSnapshot());
  }
  await quorum.untilSame();
  for (const { applied } of quorum.all) expect(applied).toEqual(Array.from({ length: 30 }, (_, n) => `${n}`));
  await quorum.boot(4, { voters: [1, 2, 3].map(configured), isController: false });
  await quorum.untilSame();
  expect(quorum.member(4).applied).toEqual(led.applied);
});

test('bytes behind the newest snapshot are counted', async () => {
  const { quorum, led } = await withSnapshot(8);
  expect(led.node!.bytesSinceSnapshot()).toBeGreaterThan(60);
  await quorum.world.settle(led.takeSnapshot());
  expect(led.node!.bytesSinceSnapshot()).toBe(0);
});
