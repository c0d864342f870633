/** The internal listener lets nobody in who does not know the secret. */
import { ApiVersions, ERROR, Metadata, MIRROR_FEATURE, SaslAuthenticate, SaslHandshake } from '@meridian/protocol';
import { expect, test } from 'vitest';
import { startTestBroker } from '../testing/test-broker.ts';

const versions = { clientSoftwareName: 'test', clientSoftwareVersion: '1' };

test('who knows the secret is served, and sees the internal addresses and features', async () => {
  const broker = await startTestBroker();
  const peer = await broker.connectInternal();
  const { brokers } = await peer.request(Metadata, 9, { topics: [] });
  expect(brokers.map(({ port }) => port)).toEqual([9093]);
  const { supportedFeatures } = await peer.request(ApiVersions, 3, versions);
  expect(supportedFeatures.map(({ name }) => name)).toContain(MIRROR_FEATURE);
  const client = await broker.connect();
  expect((await client.request(Metadata, 9, { topics: [] })).brokers.map(({ port }) => port)).toEqual([9092]);
  const open = await client.request(ApiVersions, 3, versions);
  expect(open.supportedFeatures.map(({ name }) => name)).not.toContain(MIRROR_FEATURE);
});

test('a wrong secret is answered with SASL_AUTHENTICATION_FAILED, then the connection ends', async () => {
  const broker = await startTestBroker();
  const stranger = await broker.connectInternal('not the secret');
  expect(await stranger.closes(1_000)).toBe(true);
});

test('before it, only ApiVersions and SASL pass', async () => {
  const broker = await startTestBroker();
  const stranger = await broker.connectStranger();
  expect((await stranger.request(ApiVersions, 3, versions)).errorCode).toBe(ERROR.NONE);
  stranger.send(Metadata, 9, { topics: [] });
  expect(await stranger.closes(1_000)).toBe(true);
});

test('another mechanism is refused with those that there are', async () => {
  const broker = await startTestBroker();
  const stranger = await broker.connectStranger();
  const answer = await stranger.request(SaslHandshake, 1, { mechanism: 'PLAIN' });
  expect(answer).toMatchObject({ errorCode: ERROR.UNSUPPORTED_SASL_MECHANISM, mechanisms: ['SCRAM-SHA-256'] });
  expect(await stranger.closes(1_000)).toBe(true);
});

test('messages out of order, garbage and long requests end the connection', async () => {
  const broker = await startTestBroker();
  const early = await broker.connectStranger();
  const answer = await early.request(SaslAuthenticate, 2, { authBytes: Buffer.from('n,,n=internal,r=abc') });
  expect(answer.errorCode).toBe(ERROR.ILLEGAL_SASL_STATE);
  expect(await early.closes(1_000)).toBe(true);
  const garbled = await broker.connectStranger();
  await garbled.request(SaslHandshake, 1, { mechanism: 'SCRAM-SHA-256' });
  const refused = await garbled.request(SaslAuthenticate, 2, { authBytes: Buffer.from('garbage') });
  expect(refused.errorCode).toBe(ERROR.SASL_AUTHENTICATION_FAILED);
  expect(await garbled.closes(1_000)).toBe(true);
  const long = await broker.connectStranger();
  long.send(SaslAuthenticate, 2, { authBytes: Buffer.alloc(100_000) });
  expect(await long.closes(1_000)).toBe(true);
});
