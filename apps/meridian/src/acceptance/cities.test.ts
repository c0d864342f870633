/**
 * Real input, the whole way, on real processes: 171,075 records go in by kafkajs at us-east and come out by the SDK
 * over WebSocket at eu-west, equal per partition, once and in order, while parts are killed.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectedDigests, loadCities } from '../testing/cities.ts';
import { connectProducer, sendAll } from '../testing/kafkajs-clients.ts';
import { type LocalPlatform, startLocalPlatform } from '../testing/local-platform.ts';
import { type Reader, startReader } from '../testing/sdk-reader.ts';

const cities = loadCities();
const expected = expectedDigests(cities).result();
let platform: LocalPlatform;

beforeAll(async () => {
  platform = await startLocalPlatform({ portOffset: 10_000 });
});
afterAll(() => platform?.stop());

async function sendCities(topic: string, afterChunk?: (sent: number) => void): Promise<void> {
  const producer = await connectProducer(platform.kafka('us-east'), { idempotent: true });
  await sendAll(producer, topic, cities, { chunk: 2_000, ...(afterChunk ? { afterChunk } : {}) });
  await producer.disconnect();
}

function audit(reader: Reader): void {
  expect(reader.disorders).toEqual([]);
  expect(reader.gaps).toEqual([]);
  expect(reader.received).toBe(cities.length);
  expect(reader.digests('us-east').result()).toEqual(expected);
}

test('cities written at us-east are read at eu-west, equal per partition, once and in order', async () => {
  await sendCities('acme.cities');
  const reader = await startReader({
    urls: [platform.gateway('eu-west')],
    token: await platform.token('cities:read'),
    topic: 'cities',
  });
  await reader.until(cities.length, 60_000);
  audit(reader);
  await reader.close();
}, 120_000);

test('still equal when the mirror, then a broker of ours, then the gateway of eu-west are killed on the way', async () => {
  // An Apache Kafka is nobody's to kill here: its region has two parts.
  const parts = (['mirror', 'broker', 'gateway'] as const).filter(
    (part) => part !== 'broker' || platform.engine('eu-west') === 'embedded',
  );
  const firstPids = parts.map((part) => platform.pidOf('eu-west', part));
  const kills = parts.map((part) => () => platform.kill('eu-west', part));
  const reader = await startReader({
    urls: [platform.gateway('eu-west')],
    token: await platform.token('killed:read'),
    topic: 'killed',
  });
  await sendCities('acme.killed', (sent) => {
    if (sent > (cities.length * (parts.length + 1 - kills.length)) / 5) kills.shift()?.();
  });
  expect(kills).toEqual([]);
  await reader.until(cities.length, 90_000);
  audit(reader);
  parts.forEach((part, index) => {
    expect(platform.pidOf('eu-west', part)).not.toBe(firstPids[index]);
  });
  await reader.close();
}, 180_000);
