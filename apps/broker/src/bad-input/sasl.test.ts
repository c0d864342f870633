/**
 * Hostile steps of authentication on the internal listener of a real broker process: everything but the right words in
 * the right order ends the connection. Each trial has the expectations of `testing/victim.ts` besides its own.
 */
import { APIS, createScramClient, ERROR, SaslAuthenticate, SaslHandshake } from '@meridian/protocol';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { INTERNAL_SECRET } from '../testing/broker-process.ts';
import type { RawClient } from '../testing/raw-client.ts';
import { plainRequest, Victim } from '../testing/victim.ts';

let victim: Victim;
beforeAll(async () => {
  victim = await Victim.start();
});
afterAll(() => victim?.broker.stop());

const OPEN_APIS = ['ApiVersions', 'SaslHandshake', 'SaslAuthenticate'];
const others = APIS.filter(({ name, listeners }) => listeners.includes('internal') && !OPEN_APIS.includes(name));

/** The trial runs on the internal listener. */
const attack = <T>(run: (client: RawClient) => Promise<T>) =>
  victim.unharmed(run, { port: victim.broker.internalPort });

async function authenticate(client: RawClient, message: string | Buffer): Promise<number> {
  return (await client.request(SaslAuthenticate, 2, { authBytes: Buffer.from(message) })).errorCode;
}

const handshake = (client: RawClient) => client.request(SaslHandshake, 1, { mechanism: 'SCRAM-SHA-256' });

test.each(others.map((api) => [api.name, api] as const))('%s does not pass before SASL', async (_name, api) => {
  const version = Math.min(api.maxVersion, Math.max(api.minVersion, api.flexibleFrom - 1));
  const refused = victim.refuses(plainRequest(api.key, version, '0000000000'), { port: victim.broker.internalPort });
  expect(await refused).toBe(true);
});

test('a long request before SASL is not waited for', async () => {
  const bytes = Buffer.concat([Buffer.from('00100000', 'hex'), Buffer.alloc(200_000)]);
  expect(await victim.refuses(bytes, { port: victim.broker.internalPort })).toBe(true);
});

test.each(['PLAIN', 'SCRAM-SHA-512', 'GSSAPI', '', 'scram-sha-256'])(
  'the mechanism %j is not spoken',
  async (mechanism) => {
    await attack(async (client) => {
      const { errorCode } = await client.request(SaslHandshake, 1, { mechanism });
      expect(errorCode).toBe(ERROR.UNSUPPORTED_SASL_MECHANISM);
      expect(await client.isRefused()).toBe(true);
    });
  },
);

test('the mechanism cannot be switched, nor chosen twice', async () => {
  for (const mechanism of ['PLAIN', 'SCRAM-SHA-256']) {
    await attack(async (client) => {
      await handshake(client);
      expect((await client.request(SaslHandshake, 1, { mechanism })).errorCode).toBe(ERROR.ILLEGAL_SASL_STATE);
      expect(await client.isRefused()).toBe(true);
    });
  }
});

test('a message before the handshake is out of order', async () => {
  await attack(async (client) => {
    expect(await authenticate(client, 'n,,n=internal,r=abcdefgh')).toBe(ERROR.ILLEGAL_SASL_STATE);
    expect(await client.isRefused()).toBe(true);
  });
});

test.each([
  ['another identity than the user', 'n,a=root,n=internal,r=abcdefgh'],
  ['no nonce', 'n,,n=internal,r='],
  ['channel binding', 'p=tls-unique,,n=internal,r=abcdefgh'],
  ['a user of control characters', 'y,,n=\u0000,r=abcdefgh'],
  ['an extension that must be understood', 'n,,m=x,n=internal,r=abc'],
  ['a user that nobody knows', 'n,,n=root,r=abcdefgh'],
  ['no end', `n,,n=internal,r=${'a'.repeat(20_000)}`],
])('a first message with %s fails', async (_name, first) => {
  await attack(async (client) => {
    await handshake(client);
    const step = await client.request(SaslAuthenticate, 2, { authBytes: Buffer.from(first) });
    // Who does not exist is found out no sooner than a wrong password.
    const errorCode =
      step.errorCode === ERROR.NONE ? await authenticate(client, finalOf(step.authBytes)) : step.errorCode;
    expect(errorCode).toBe(ERROR.SASL_AUTHENTICATION_FAILED);
    expect(await client.isRefused()).toBe(true);
  });
});

const finalOf = (challenge: Buffer): string =>
  `c=biws,${challenge.toString().split(',')[0]},p=${Buffer.alloc(32).toString('base64')}`;

test.each<[string, (final: string) => string]>([
  ['another nonce', (final) => final.replace(/r=[^,]*/, 'r=abcdefgh')],
  ['a nonce cut off', (final) => final.replace(/(r=[^,]*).,/, '$1,')],
  ['another proof', (final) => final.replace(/p=.{4}/, 'p=AAAA')],
  ['no proof', (final) => final.replace(/,p=.*/, '')],
  ['a proof that is empty', (final) => final.replace(/p=.*/, 'p=')],
  ['another channel binding', (final) => final.replace('c=biws', 'c=eSws')],
  ['rounds of its own', (final) => `${final.replace(/,p=/, ',i=1,p=')}`],
])('a final message with %s fails', async (_name, tamper) => {
  await attack(async (client) => {
    const scram = createScramClient({ user: 'internal', password: INTERNAL_SECRET, nonce: 'a-nonce-of-the-client' });
    await handshake(client);
    const first = await client.request(SaslAuthenticate, 2, { authBytes: scram.first() });
    const final = scram.final(first.authBytes).toString();
    expect(await authenticate(client, tamper(final))).toBe(ERROR.SASL_AUTHENTICATION_FAILED);
    expect(await client.isRefused()).toBe(true);
  });
});

test('the final message of another connection does not let in', async () => {
  await attack(async (client) => {
    const scram = createScramClient({ user: 'internal', password: INTERNAL_SECRET, nonce: 'a-nonce-of-the-client' });
    await handshake(client);
    const first = await client.request(SaslAuthenticate, 2, { authBytes: scram.first() });
    const stolen = scram.final(first.authBytes);
    await victim.with(async (other) => {
      await handshake(other);
      await authenticate(other, 'n,,n=internal,r=a-nonce-of-the-client');
      expect(await authenticate(other, stolen)).toBe(ERROR.SASL_AUTHENTICATION_FAILED);
    }, victim.broker.internalPort);
    expect(await authenticate(client, stolen)).toBe(ERROR.NONE);
  });
});

test('who is let in cannot begin again', async () => {
  await attack(async (client) => {
    await client.authenticate(INTERNAL_SECRET);
    expect(await authenticate(client, 'n,,n=internal,r=abcdefgh')).toBe(ERROR.ILLEGAL_SASL_STATE);
    expect(await client.isRefused()).toBe(true);
  });
});
