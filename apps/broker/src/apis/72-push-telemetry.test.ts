/** The telemetry of clients (KIP-714) over the network: who may push what, when. */
import {
  ApiVersions,
  compress,
  errorName,
  GetTelemetrySubscriptions,
  IncrementalAlterConfigs,
  PushTelemetry,
  ZERO_UUID,
} from '@meridian/protocol';
import type { Codec } from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import { startTestBroker } from '../testing/test-broker.ts';
import type { TestConnection } from '../testing/test-connection.ts';

const MAX_BYTES = 10_000;
const CODECS: readonly Codec[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];

const start = () => startTestBroker({ limits: { maxTelemetryBytes: MAX_BYTES, maxTelemetryClients: 2 } });

async function ask(connection: TestConnection, clientInstanceId = ZERO_UUID) {
  const answer = await connection.request(GetTelemetrySubscriptions, 0, { clientInstanceId });
  return { ...answer, error: errorName(answer.errorCode) };
}

type Push = {
  clientInstanceId: string;
  subscriptionId: number;
  terminating?: boolean;
  codec?: number;
  metrics?: Buffer;
};

async function push(connection: TestConnection, given: Push): Promise<string> {
  const { clientInstanceId, subscriptionId, terminating = false, codec = 0, metrics = Buffer.alloc(0) } = given;
  const request = { clientInstanceId, subscriptionId, terminating, compressionType: codec, metrics };
  return errorName((await connection.request(PushTelemetry, 0, request)).errorCode);
}

async function subscribe(connection: TestConnection, name: string, values: Readonly<Record<string, string>>) {
  const configs = Object.entries(values).map(([key, value]) => ({ name: key, configOperation: 0, value }));
  const resources = [{ resourceType: 16, resourceName: name, configs }];
  await connection.request(IncrementalAlterConfigs, 1, { resources, validateOnly: false });
}

test('a client gets an id and what to push, and has to keep to the interval', async () => {
  const connection = await (await start()).connect();
  const first = await ask(connection);
  expect(first).toMatchObject({ error: 'NONE', pushIntervalMs: 300_000, requestedMetrics: [], deltaTemporality: true });
  expect(first.clientInstanceId).not.toBe(ZERO_UUID);
  expect((await ask(connection, first.clientInstanceId)).error).toBe('THROTTLING_QUOTA_EXCEEDED');
  expect(await push(connection, first)).toBe('NONE');
  expect(await push(connection, first)).toBe('THROTTLING_QUOTA_EXCEEDED');
  expect(await push(connection, { ...first, terminating: true })).toBe('NONE');
  expect(await push(connection, first)).toBe('INVALID_REQUEST');
});

test('a push without a right subscription or id is refused', async () => {
  const connection = await (await start()).connect();
  const client = await ask(connection);
  expect(await push(connection, { ...client, subscriptionId: client.subscriptionId + 1 })).toBe(
    'UNKNOWN_SUBSCRIPTION_ID',
  );
  expect(await push(connection, { ...client, clientInstanceId: ZERO_UUID })).toBe('INVALID_REQUEST');
});

test.each([1, 2, 3, 4])('metrics packed by codec %i are unpacked within the bound', async (codec) => {
  const connection = await (await start()).connect();
  const packed = (bytes: number): Buffer => Buffer.from(compress(CODECS[codec]!, Buffer.alloc(bytes)));
  expect(await push(connection, { ...(await ask(connection)), codec, metrics: packed(MAX_BYTES) })).toBe('NONE');
  const bomb = packed(MAX_BYTES * 10);
  expect(bomb.length).toBeLessThan(MAX_BYTES);
  expect(await push(connection, { ...(await ask(connection)), codec, metrics: bomb })).toBe('TELEMETRY_TOO_LARGE');
  const broken = Buffer.from('not packed at all');
  expect(await push(connection, { ...(await ask(connection)), codec, metrics: broken })).toBe('INVALID_RECORD');
});

test('metrics too large or in an unknown form are refused', async () => {
  const connection = await (await start()).connect();
  const large = Buffer.alloc(MAX_BYTES + 1);
  expect(await push(connection, { ...(await ask(connection)), metrics: large })).toBe('TELEMETRY_TOO_LARGE');
  expect(await push(connection, { ...(await ask(connection)), codec: 9 })).toBe('UNSUPPORTED_COMPRESSION_TYPE');
  expect(await push(connection, { ...(await ask(connection)), codec: -1 })).toBe('UNSUPPORTED_COMPRESSION_TYPE');
});

test('subscriptions are matched by what the client says it is, and a change counts at once', async () => {
  const broker = await start();
  const connection = await broker.connect();
  await connection.request(ApiVersions, 4, { clientSoftwareName: 'rdkafka', clientSoftwareVersion: '2.1' });
  const before = await ask(connection);
  await subscribe(connection, 'one', { metrics: 'a.,b.', 'interval.ms': '1000', match: 'client_software_name=rd.*' });
  await subscribe(connection, 'two', { metrics: 'c.', match: 'client_software_name=java' });
  const after = await ask(connection, before.clientInstanceId);
  expect(after).toMatchObject({ error: 'NONE', pushIntervalMs: 1_000, requestedMetrics: ['a.', 'b.'] });
  expect(after.subscriptionId).not.toBe(before.subscriptionId);
  await subscribe(connection, 'two', { metrics: '*', match: 'client_id=test' });
  expect((await ask(connection, before.clientInstanceId)).requestedMetrics).toEqual(['*']);
});

test('as in Apache Kafka without a receiver, telemetry is served but not advertised', async () => {
  const connection = await (await start()).connect();
  const { apiKeys } = await connection.request(ApiVersions, 4, { clientSoftwareName: 'a', clientSoftwareVersion: '1' });
  expect(apiKeys.map(({ apiKey }) => apiKey)).not.toContain(PushTelemetry.key);
  expect(apiKeys.map(({ apiKey }) => apiKey)).toContain(IncrementalAlterConfigs.key);
});

test.each(['', 'a b', '-a', 'a-', 'ä', 'a\n'])('a client whose software is called %j is refused', async (name) => {
  const connection = await (await start()).connect();
  const versions = (clientSoftwareName: string, clientSoftwareVersion: string) =>
    connection.request(ApiVersions, 4, { clientSoftwareName, clientSoftwareVersion });
  expect(errorName((await versions(name, '1')).errorCode)).toBe('INVALID_REQUEST');
  expect(errorName((await versions('a', name)).errorCode)).toBe('INVALID_REQUEST');
});
