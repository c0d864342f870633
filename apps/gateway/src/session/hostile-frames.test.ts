/** Whatever bytes a client sends, its session answers or closes; nothing throws, and the next client is served. */
import { packBinary } from '@meridian/sdk/frames';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createHarness } from '../testing/gateway-harness.ts';

const types = ['connect', 'describe', 'publish', 'subscribe', 'unsubscribe', 'credit', 'cursor', 'ping', 'x'];
const odd = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom(-1, 2 ** 53, 1e308, '__proto__', 'cities', 'earliest', 'cursor', {}),
);
const names = [
  'id',
  'topic',
  'value',
  'key',
  'headers',
  'partition',
  'sequence',
  'from',
  'cursor',
  'after',
  'credits',
  'token',
];
const frame = fc.tuple(fc.constantFrom(...types), fc.dictionary(fc.constantFrom(...names, 'session', 'bytes'), odd));

test('random text frames', async () => {
  const { open, pass } = createHarness();
  const client = await open();
  fc.assert(
    fc.property(fc.oneof(frame, fc.string()), (one) => {
      client.say(typeof one === 'string' ? one : { ...one[1], type: one[0] });
    }),
    { numRuns: 2000, seed: 1 },
  );
  await pass(100);
  const next = await open();
  expect(next.last('welcome').tenant).toBe('acme');
});

test('random binary frames', async () => {
  const { open, pass } = createHarness();
  const client = await open(undefined, 'meridian.v1.bin');
  const batch = fc.uint8Array({ maxLength: 200 });
  fc.assert(
    fc.property(fc.oneof(batch, fc.tuple(fc.nat(3), fc.dictionary(fc.constantFrom(...names), odd), batch)), (one) => {
      client.sayBinary(one instanceof Uint8Array ? one : packBinary(one[0], one[1], [one[2]]));
    }),
    { numRuns: 2000, seed: 1 },
  );
  await pass(100);
  expect(client.of('error').length).toBeGreaterThan(1000);
  expect(client.of('published')).toEqual([]);
});

test('a flood of requests is bounded by what may be under way', async () => {
  const { open, pass } = createHarness();
  const client = await open();
  for (let id = 0; id < 10_000; id++) client.say({ type: 'describe', id, topic: `t${id}` });
  for (let id = 0; id < 1000; id++) client.subscribe(`s${id}`, { id });
  expect(client.of('error').filter(({ code }) => code === 'limit-exceeded').length).toBe(10_936);
  await pass(50);
  expect(client.of('described')).toHaveLength(64);
});
