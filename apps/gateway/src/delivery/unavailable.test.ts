/** A partition that cannot be read at present: the others are served, the truth is told, and it goes on when it is back. */
import { writeBatch } from '@meridian/protocol/record-batch';
import { decodeCursor } from '@meridian/tenancy';
import { expect, test } from 'vitest';
import { createHarness, type Harness, type TestClient } from '../testing/gateway-harness.ts';
import type { MemoryPartition } from '../testing/memory-broker.ts';

function put(log: MemoryPartition, ...values: string[]): void {
  const records = values.map((value) => ({ timestamp: 1, key: null, value: Buffer.from(value) }));
  log.append(Buffer.from(writeBatch({ records, baseOffset: log.end, leaderEpoch: log.epoch })));
}

/** Two partitions, both read to their ends, and the cursor behind that. */
async function readUp(harness: Harness) {
  const [sick, sound] = harness.broker.addTopic('acme.cities', 2) as [MemoryPartition, MemoryPartition];
  put(sick, 'a0', 'a1', 'a2');
  put(sound, 'b0', 'b1');
  const client = await harness.open();
  client.subscribe('cities');
  await harness.pass(50);
  client.say({ type: 'cursor', id: 9, topic: 'cities' });
  return { sick, sound, cursor: client.last('cursor').cursor };
}

async function resume(harness: Harness, cursor: string): Promise<TestClient> {
  const client = await harness.open();
  client.subscribe('cities', { from: 'cursor', cursor });
  await harness.pass(50);
  return client;
}

const told = (partitions: readonly { partition: number; status: string; offset: number }[]) =>
  partitions.map(({ partition, status, offset }) => [partition, status, offset]);

test('a resume at an unavailable partition is no gap, and the other partitions are served at once', async () => {
  const harness = createHarness();
  const { sick, sound, cursor } = await readUp(harness);
  sick.isUnavailable = true;
  put(sound, 'b2');
  const client = await resume(harness, cursor);
  expect(told(client.last('subscribed').partitions)).toEqual([
    [0, 'unavailable', 3],
    [1, 'exact', 2],
  ]);
  expect(client.values()).toEqual(['b2']);
  expect(client.of('gap')).toEqual([]);
});

test('cursors keep the position in an unavailable partition', async () => {
  const harness = createHarness();
  const { sick, cursor } = await readUp(harness);
  sick.isUnavailable = true;
  const client = await resume(harness, cursor);
  client.say({ type: 'cursor', id: 10, topic: 'cities' });
  const scope = { tenant: 'acme', topic: 'cities' };
  const positions = decodeCursor(harness.keys, scope, client.last('cursor').cursor);
  expect(positions.map(({ partition, offset }) => [partition, offset]).sort()).toEqual([
    [0, 3],
    [1, 2],
  ]);
});

test('when it is back it says so and delivers from the position', async () => {
  const harness = createHarness();
  const { sick, cursor } = await readUp(harness);
  sick.isUnavailable = true;
  const client = await resume(harness, cursor);
  await harness.pass(20_000);
  expect(client.of('status')).toEqual([]);
  sick.isUnavailable = false;
  put(sick, 'a3');
  await harness.pass(5_000);
  expect(client.of('status').map(({ partitions }) => told(partitions))).toEqual([[[0, 'exact', 3]]]);
  expect(client.values()).toEqual(['a3']);
});

test('a gap that is found when it is back is told in its status', async () => {
  const harness = createHarness();
  const { sick, cursor } = await readUp(harness);
  sick.isUnavailable = true;
  const client = await resume(harness, cursor);
  put(sick, 'a3', 'a4');
  sick.isUnavailable = false;
  sick.advanceStart(5);
  await harness.pass(5_000);
  expect(client.last('status').partitions[0]).toMatchObject({ status: 'gap', from: 3, to: 5, reason: 'retention' });
});

test('from the earliest record on, an unavailable partition is delivered whole once it is back', async () => {
  const harness = createHarness();
  const { sick } = await readUp(harness);
  sick.isUnavailable = true;
  const client = await harness.open();
  client.subscribe('cities');
  await harness.pass(50);
  expect(client.values()).toEqual(['b0', 'b1']);
  sick.isUnavailable = false;
  await harness.pass(5_000);
  expect(client.values()).toEqual(['b0', 'b1', 'a0', 'a1', 'a2']);
});

test('however many wait for a partition, one look-up at a time is made, ever more rarely', async () => {
  const harness = createHarness();
  const { sick, cursor } = await readUp(harness);
  sick.isUnavailable = true;
  for (let count = 0; count < 20; count++) await resume(harness, cursor);
  const before = harness.broker.lookUps;
  await harness.pass(40_000);
  expect(harness.broker.lookUps - before).toBeLessThan(20);
});

test('who has unsubscribed is told nothing more', async () => {
  const harness = createHarness();
  const { sick, cursor } = await readUp(harness);
  sick.isUnavailable = true;
  const client = await resume(harness, cursor);
  client.say({ type: 'unsubscribe', id: 11, topic: 'cities' });
  const before = harness.broker.lookUps;
  sick.isUnavailable = false;
  await harness.pass(30_000);
  expect(client.of('status')).toEqual([]);
  expect(harness.broker.lookUps).toBe(before);
});
