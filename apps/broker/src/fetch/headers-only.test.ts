/** Headers of batches instead of batches, for who compares logs. */
import { ERROR, Fetch, Produce } from '@meridian/protocol';
import { BATCH_HEADER_BYTES, batchSizeInBytes } from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import { batchOf, produceOf } from '../testing/batches.ts';
import { createTopic, fetchOf, startTestBroker } from '../testing/test-broker.ts';
import type { TestConnection } from '../testing/test-connection.ts';

async function start() {
  const broker = await startTestBroker();
  const topic = await createTopic(broker, 'orders');
  const mirror = await broker.connectInternal();
  for (let size = 1; size <= 30; size++) {
    const values = Array.from({ length: size }, (_, n) => `order ${n} of ${size}`);
    await mirror.request(Produce, 12, produceOf('orders', batchOf(values), { index: 0 }));
  }
  const fetch = async (connection: TestConnection, headersOnly: boolean, more: object = {}) => {
    const request = { ...fetchOf(topic, { fetchOffset: 0, maxWaitMs: 1 }), headersOnly, ...more };
    const part = (await connection.request(Fetch, 12, request)).responses[0]!.partitions[0]!;
    return { ...part, bytes: Buffer.concat(part.records ?? []) };
  };
  return { broker, topic, mirror, fetch };
}

function headersOf(batches: Buffer): Buffer {
  const headers: Buffer[] = [];
  for (let at = 0; at < batches.length; at += batchSizeInBytes(batches, at))
    headers.push(batches.subarray(at, at + BATCH_HEADER_BYTES));
  return Buffer.concat(headers);
}

test('a mirror that asks for headers gets those of the batches that it would get', async () => {
  const { mirror, fetch } = await start();
  const whole = await fetch(mirror, false);
  const headers = await fetch(mirror, true);
  expect([whole.headersOnly, headers.headersOnly]).toEqual([false, true]);
  expect(headers.bytes.equals(headersOf(whole.bytes))).toBe(true);
  expect(headers.bytes.length).toBe(30 * BATCH_HEADER_BYTES);
  expect(headers.highWatermark).toBe(whole.highWatermark);
  const few = await fetch(mirror, true, { maxBytes: 2_000 });
  expect(few.bytes.equals(headersOf((await fetch(mirror, false, { maxBytes: 2_000 })).bytes))).toBe(true);
  // Whoever wants both gets headers, as they lie.
  expect((await fetch(mirror, true, { wireCodec: 4 })).packed).toBeNull();
});

test('a client gets whole batches whatever it asks for', async () => {
  const { broker, mirror, fetch } = await start();
  const asked = await fetch(await broker.connect(), true);
  expect([asked.headersOnly, asked.bytes.equals((await fetch(mirror, false)).bytes)]).toEqual([false, true]);
});

test('an empty range and a wrong one are answered as ever', async () => {
  const { topic, mirror } = await start();
  const at = async (fetchOffset: number) => {
    const request = { ...fetchOf(topic, { fetchOffset, maxWaitMs: 1 }), headersOnly: true };
    return (await mirror.request(Fetch, 12, request)).responses[0]!.partitions[0]!;
  };
  const end = (30 * 31) / 2;
  expect(Buffer.concat((await at(end)).records ?? []).length).toBe(0);
  expect((await at(end + 1)).errorCode).toBe(ERROR.OFFSET_OUT_OF_RANGE);
});
