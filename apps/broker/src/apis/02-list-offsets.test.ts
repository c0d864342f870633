/** ListOffsets over the network: timestamps, special ones, and the versions that know them. */
import { errorName, ListOffsets, Produce } from '@meridian/protocol';
import { writeBatch } from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import { produceOf } from '../testing/batches.ts';
import { createTopic, startTestBroker } from '../testing/test-broker.ts';
import type { TestConnection } from '../testing/test-connection.ts';

const BEGIN_MS = Date.UTC(2026, 0, 1);

/** Three records; the second is the youngest. */
async function start() {
  const broker = await startTestBroker();
  await createTopic(broker, 'orders');
  const connection = await broker.connect();
  for (const ageMs of [0, 2_000, 1_000]) {
    const records = [{ timestamp: BEGIN_MS + ageMs, value: Buffer.from('x') }];
    await connection.request(Produce, 12, produceOf('orders', Buffer.from(writeBatch({ records }))));
  }
  return connection;
}

interface Ask {
  readonly partitionIndex?: number;
  readonly currentLeaderEpoch?: number;
  readonly timestamp: number;
}

async function list(connection: TestConnection, asks: readonly Ask[], version = 11, name = 'orders') {
  const partitions = asks.map((ask) => ({ partitionIndex: 0, ...ask }));
  const request = { replicaId: -1, topics: [{ name, partitions }], ...(version >= 10 && { timeoutMs: 1_000 }) };
  const { topics } = await connection.request(ListOffsets, version, request);
  return topics[0]!.partitions.map(({ partitionIndex, errorCode, offset, timestamp }) =>
    errorCode === 0 ? [partitionIndex, offset, timestamp] : [partitionIndex, errorName(errorCode)],
  );
}

test.each([
  ['the end', -1, 3, -1],
  ['the start', -2, 0, -1],
  ['the youngest record', -3, 1, BEGIN_MS + 2_000],
  ['the start of what is local', -4, 0, -1],
  ['the end of what is tiered', -5, -1, -1],
  ['the start of what waits to be tiered', -6, -1, -1],
  ['a time', BEGIN_MS + 1, 1, BEGIN_MS + 2_000],
  ['a time before everything', 0, 0, BEGIN_MS],
  ['a time after everything', BEGIN_MS + 2_001, -1, -1],
])('%s', async (_, timestamp, offset, found) => {
  expect(await list(await start(), [{ timestamp }])).toEqual([[0, offset, found]]);
});

test.each([
  [-3, 7],
  [-4, 8],
  [-5, 9],
  [-6, 11],
])('timestamp %i is not known before version %i', async (timestamp, since) => {
  const connection = await start();
  expect(await list(connection, [{ timestamp }], since - 1)).toEqual([[0, 'UNSUPPORTED_VERSION']]);
  expect((await list(connection, [{ timestamp }], since))[0]).toHaveLength(3);
});

test('a timestamp that no version knows, a partition named twice, one that is not here, a wrong epoch', async () => {
  const connection = await start();
  expect(await list(connection, [{ timestamp: -7 }])).toEqual([[0, 'UNSUPPORTED_VERSION']]);
  const twice = [{ timestamp: -1 }, { timestamp: -2 }, { partitionIndex: 1, timestamp: -2 }];
  expect(await list(connection, twice)).toEqual([
    [0, 'INVALID_REQUEST'],
    [1, 0, -1],
  ]);
  expect(await list(connection, [{ timestamp: -1 }], 11, 'absent')).toEqual([[0, 'UNKNOWN_TOPIC_OR_PARTITION']]);
  expect(await list(connection, [{ timestamp: -1, currentLeaderEpoch: 99 }])).toEqual([[0, 'UNKNOWN_LEADER_EPOCH']]);
});
