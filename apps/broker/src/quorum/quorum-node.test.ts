/** Nodes of the quorum on simulated disks and links: who leads, what is committed, and what outlives what. */
import { expect, test } from 'vitest';
import { SimQuorum } from './testing/sim-quorum.ts';

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
