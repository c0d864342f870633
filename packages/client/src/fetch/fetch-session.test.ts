import { silentLogger } from '@meridian/io';
import { createSimWorld } from '@meridian/io/sim';
import { writeBatch } from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import { createClient } from '../client.ts';
import { FakeBroker } from '../testing/fake-broker.ts';
import type { FetchHandle } from './fetch-types.ts';

const WAIT_MS = 500;

function batch(value: string): Buffer {
  const bytes = writeBatch({
    records: [{ timestamp: 1, key: null, value: new TextEncoder().encode(value), headers: [] }],
  });
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** A fetcher that follows all partitions of a topic, and what it has heard. */
async function setUp(partitions: number) {
  const world = createSimWorld({ seed: 3 });
  const broker = new FakeBroker({ host: 'broker', port: 9093 });
  const node = world.node('broker');
  await world.settle(broker.start(node.boot()));
  broker.createTopic('cities', partitions);
  const io = world.node('client').boot();
  const bootstrap = [{ host: 'broker', port: 9093 }];
  const client = createClient({ io, bootstrap, clientId: 'test', log: silentLogger });
  const fetcher = client.fetcher({ maxWaitMs: WAIT_MS });
  const heard: string[] = [];
  const follow = (partition: number, offset = 0): FetchHandle =>
    fetcher.add({
      topic: 'cities',
      partition,
      offset,
      onBatches: ({ baseOffset, nextOffset }) => heard.push(`${partition}: ${baseOffset}..${nextOffset}`),
      onEnd: (end, _hole, start) => heard.push(`${partition}: quiet ${start}..${end}`),
      onError: ({ detail }) => heard.push(`${partition}: ${detail}`),
      onRetry: (reason) => heard.push(`${partition}: again, ${reason}`),
    });
  const handles = Array.from({ length: partitions }, (_, partition) => follow(partition));
  const pass = (ms: number) => world.run(world.now() + ms);
  const append = (partition: number): void => {
    broker.partition('cities', partition).append(batch('x'));
    broker.wake();
  };
  await pass(3 * WAIT_MS);
  heard.length = broker.fetchesNamed.length = 0;
  return { world, broker, node, client, fetcher, handles, follow, heard, pass, append };
}

test('idle partitions are named once, and go on to be heard of after every answer', async () => {
  const { broker, heard, pass } = await setUp(50);
  await pass(4 * WAIT_MS);
  expect(Math.max(...broker.fetchesNamed)).toBe(0);
  expect(broker.fetchesNamed.length).toBeGreaterThanOrEqual(3);
  expect(heard.filter((line) => line === '49: quiet 0..0').length).toBeGreaterThanOrEqual(3);
});

test('of many partitions the one that has records is delivered at once, and alone named after that', async () => {
  const { broker, heard, pass, append } = await setUp(50);
  append(7);
  await pass(20);
  expect(heard).toContain('7: 0..1');
  await pass(WAIT_MS);
  expect(new Set(broker.fetchesNamed)).toEqual(new Set([1, 0]));
});

test('a start that moves while nothing comes is heard of without data, within one wait', async () => {
  const { broker, heard, pass, append } = await setUp(3);
  for (let count = 0; count < 5; count++) append(1);
  await pass(2 * WAIT_MS);
  heard.length = 0;
  broker.partition('cities', 1).advanceStart(4);
  await pass(WAIT_MS + 20);
  expect(heard).toContain('1: quiet 4..5');
  heard.length = 0;
  await pass(2 * WAIT_MS);
  expect(heard.filter((line) => line.startsWith('1:'))[0]).toBe('1: quiet 4..5');
});

test('a partition that is paused is not fetched, and goes on where it was', async () => {
  const { handles, heard, pass, append } = await setUp(3);
  handles[1]!.pause();
  await pass(2 * WAIT_MS);
  append(1);
  await pass(2 * WAIT_MS);
  expect(heard).not.toContain('1: 0..1');
  handles[1]!.resume();
  await pass(60);
  expect(heard).toContain('1: 0..1');
  append(1);
  append(0);
  await pass(2 * WAIT_MS);
  expect(heard).toContain('1: 1..2');
  expect(heard).toContain('0: 0..1');
});

test('one that is removed and added again is read from where it is told', async () => {
  const { handles, follow, heard, pass, append } = await setUp(3);
  for (let count = 0; count < 4; count++) append(2);
  await pass(2 * WAIT_MS);
  heard.length = 0;
  handles[2]!.remove();
  follow(2, 1);
  await pass(2 * WAIT_MS);
  expect(heard.filter((line) => /^2: \d/.test(line)).join()).toMatch(/^2: 1\.\.4$|^2: 1\.\.2,.*\.\.4$/);
  append(2);
  await pass(WAIT_MS);
  expect(heard).toContain('2: 4..5');
});

test('idle ones that are all removed and added again, as by pause and resume of a link, are heard of again', async () => {
  const { handles, follow, heard, pass } = await setUp(3);
  for (const handle of handles) handle.remove();
  await pass(3 * WAIT_MS);
  heard.length = 0;
  for (const partition of [0, 1, 2]) follow(partition);
  await pass(3 * WAIT_MS);
  expect(new Set(heard)).toEqual(new Set(['0: quiet 0..0', '1: quiet 0..0', '2: quiet 0..0']));
});

test('a session that the broker has forgotten is begun anew, without a retry', async () => {
  const { broker, heard, pass, append } = await setUp(20);
  broker.sessions.clear();
  await pass(2 * WAIT_MS);
  expect(broker.fetchesNamed).toContain(20);
  append(3);
  await pass(20);
  expect(heard).toContain('3: 0..1');
  expect(heard.filter((line) => line.includes('again'))).toEqual([]);
});

test('after a restart of the broker every partition is named again, and nothing is missed', async () => {
  const { world, broker, node, heard, pass, append } = await setUp(20);
  node.kill();
  await pass(100);
  for (let partition = 0; partition < 20; partition++) broker.partition('cities', partition).append(batch('x'));
  await world.settle(broker.restart(node.boot()));
  await pass(5_000);
  for (let partition = 0; partition < 20; partition++) expect(heard).toContain(`${partition}: 0..1`);
  append(5);
  await pass(20);
  expect(heard).toContain('5: 1..2');
});
