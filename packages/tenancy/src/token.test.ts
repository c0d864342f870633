/** Tokens: what enters, and the forgeries of E.2 1–20 that do not. */
import { createHmac, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { importJWK, type JWK, SignJWT } from 'jose';
import { expect, test } from 'vitest';
import { createTokenVerifier, type TokenVerifier } from './token.ts';
import { mintToken, newSigningKey, type TokenClaims } from './token-mint.ts';

const NOW_MS = 1_800_000_000_000;
const key = newSigningKey('one');
const jwks = JSON.stringify({ keys: [key.publicJwk] });
const claims: TokenClaims = {
  tenant: 'acme',
  subject: 'alice',
  allow: ['cities:read,write'],
  issuedAtMs: NOW_MS,
  expiresAtMs: NOW_MS + 60_000,
};

/** A disk with one file, which tests change, and a clock that they turn. */
function world(content: string | undefined = jwks) {
  const state = { content: content as string | undefined, modifiedMs: 1, nowMs: NOW_MS };
  const io = {
    clock: { now: () => state.nowMs, monotonic: () => state.nowMs },
    disk: {
      stat: () => {
        if (state.content === undefined) throw new Error('not found');
        return { size: state.content.length, modifiedMs: state.modifiedMs, isFolder: false };
      },
      readFile: () => Buffer.from(state.content ?? ''),
    },
  } as unknown as Parameters<typeof createTokenVerifier>[0];
  const options = { jwksFile: 'jwks.json', issuer: 'meridian', audience: 'meridian', regions: ['us-east'] };
  return { state, io, options, verifier: createTokenVerifier(io, options) };
}

const codeOf = (verifier: TokenVerifier, token: string): Promise<string> =>
  verifier.verify(token).then(
    () => 'entered',
    (error: { code?: string }) => error.code ?? String(error),
  );
const part = (value: object | string): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const payload = (extra: object = {}): object => ({
  iss: 'meridian',
  aud: 'meridian',
  sub: 'alice',
  tenant: 'acme',
  allow: [],
  exp: NOW_MS / 1000 + 60,
  ...extra,
});
async function signed(body: object, header: object = {}, jwk: JWK = key.privateJwk): Promise<string> {
  const alg = jwk.alg ?? 'ES256';
  return new SignJWT(body as Record<string, unknown>)
    .setProtectedHeader({ alg, kid: 'one', ...header })
    .sign(await importJWK(jwk, alg));
}

test('a minted token enters, with its tenant, subject, permissions and expiry', async () => {
  const principal = await world().verifier.verify(await mintToken(key.privateJwk, claims));
  expect(principal).toEqual({
    tenant: 'acme',
    subject: 'alice',
    permissions: [{ topic: 'cities', prefix: false, read: true, write: true }],
    expiresAtMs: NOW_MS + 60_000,
  });
});

test('EdDSA and RS256 keys of the file verify too', async () => {
  const ed = generateKeyPairSync('ed25519');
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  for (const [alg, pair] of [
    ['EdDSA', ed],
    ['RS256', rsa],
  ] as const) {
    const publicJwk = { ...(pair.publicKey.export({ format: 'jwk' }) as JWK), kid: alg, alg };
    const privateJwk = { ...(pair.privateKey.export({ format: 'jwk' }) as JWK), kid: alg, alg };
    const { verifier } = world(JSON.stringify({ keys: [key.publicJwk, publicJwk] }));
    expect(await codeOf(verifier, await mintToken(privateJwk, claims))).toBe('entered');
  }
});

test('an expired token, and one that is not valid yet, do not enter', async () => {
  const { verifier, state } = world();
  const token = await mintToken(key.privateJwk, claims);
  state.nowMs = claims.expiresAtMs;
  expect(await codeOf(verifier, token)).toBe('token-expired');
  state.nowMs = NOW_MS;
  expect(await codeOf(verifier, await signed(payload({ nbf: NOW_MS / 1000 + 61 })))).toBe('bad-token');
  expect(await codeOf(verifier, await signed(payload({ iat: NOW_MS / 1000 + 61 })))).toBe('bad-token');
});

test('unsigned tokens, in any spelling, do not enter', async () => {
  const { verifier } = world();
  const signature = (await mintToken(key.privateJwk, claims)).split('.')[2];
  for (const alg of ['none', 'NoNe', 'nONE', '']) {
    expect(await codeOf(verifier, `${part({ alg })}.${part(payload())}.`)).toBe('bad-token');
    expect(await codeOf(verifier, `${part({ alg })}.${part(payload())}.${signature}`)).toBe('bad-token');
  }
});

test('HS256 signed with the public key does not enter', async () => {
  const { verifier } = world();
  const publicKey = createPublicKey({ key: key.publicJwk as never, format: 'jwk' });
  const secrets = [
    publicKey.export({ type: 'spki', format: 'pem' }),
    publicKey.export({ type: 'spki', format: 'der' }),
    JSON.stringify(key.publicJwk),
  ];
  for (const secret of secrets) {
    const input = `${part({ alg: 'HS256', kid: 'one' })}.${part(payload())}`;
    const mac = createHmac('sha256', secret).update(input).digest('base64url');
    expect(await codeOf(verifier, `${input}.${mac}`)).toBe('bad-token');
  }
});

test('zero signatures, DER signatures and keys that the token brings along do not enter', async () => {
  const { verifier } = world();
  const input = `${part({ alg: 'ES256', kid: 'one' })}.${part(payload())}`;
  expect(await codeOf(verifier, `${input}.${Buffer.alloc(64).toString('base64url')}`)).toBe('bad-token');
  expect(await codeOf(verifier, `${input}.${Buffer.alloc(70, 0x30).toString('base64url')}`)).toBe('bad-token');
  const own = newSigningKey('one');
  const tricks = [
    { jwk: own.publicJwk },
    { jku: 'https://evil.example/jwks' },
    { x5u: 'https://evil.example/x' },
    { kid: '../../dev/null' },
    { kid: "' OR 1=1 --%s" },
  ];
  for (const header of tricks)
    expect(await codeOf(verifier, await signed(payload(), header, own.privateJwk))).toBe('bad-token');
});

test('any crit is refused', async () => {
  const { verifier } = world();
  const header = part({ alg: 'ES256', kid: 'one', crit: ['b64'], b64: true });
  expect(await codeOf(verifier, `${header}.${part(payload())}.${Buffer.alloc(64).toString('base64url')}`)).toBe(
    'bad-token',
  );
});

test('another issuer, audience or tenant name, and missing or odd claims, do not enter', async () => {
  const { verifier } = world();
  const bad = [
    { iss: 'evil' },
    { aud: 'others' },
    { aud: undefined },
    { exp: undefined },
    { exp: '9999999999' },
    { exp: -1 },
    { exp: 1e300 },
    { sub: undefined },
    { sub: '' },
    { tenant: undefined },
    { tenant: 7 },
    { tenant: 'a.b' },
    { tenant: '__proto__' },
    { tenant: 'us-east' },
    { allow: 'cities:read' },
    { allow: ['cities:admin'] },
    { allow: [7] },
  ];
  for (const extra of bad)
    expect(await codeOf(verifier, await signed(payload(extra))), JSON.stringify(extra)).not.toBe('entered');
  expect(await codeOf(verifier, await signed(payload({ aud: ['others', 'meridian'] })))).toBe('entered');
});

test('huge, many-part and oddly written tokens are refused before any work', async () => {
  const { verifier } = world();
  const token = await mintToken(key.privateJwk, claims);
  const bad = [
    '',
    'x',
    'a'.repeat(16_000_000),
    '.'.repeat(1000),
    `${token}\n`,
    `${token}=`,
    `${token}.a.b`,
    ` ${token}`,
  ];
  for (const text of bad) expect(await codeOf(verifier, text)).toBe('bad-token');
});

test('without a key file, or with one that holds no usable key, nobody enters', async () => {
  const token = await mintToken(key.privateJwk, claims);
  const { io, options } = world();
  expect(await codeOf(createTokenVerifier(io, { ...options, jwksFile: undefined }), token)).toBe('no-keys');
  for (const content of [undefined, '', 'not json', 'null', '{"keys":[]}', '{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}']) {
    const { verifier, state } = world();
    state.content = content;
    expect(await codeOf(verifier, token)).toBe('no-keys');
  }
});

test('a changed key file counts within a second: the old key is out, the new one in', async () => {
  const { verifier, state } = world();
  const next = newSigningKey('two');
  const old = await mintToken(key.privateJwk, claims);
  expect(await codeOf(verifier, old)).toBe('entered');
  state.content = JSON.stringify({ keys: [next.publicJwk] });
  state.modifiedMs = 2;
  state.nowMs += 1_000;
  expect(await codeOf(verifier, old)).toBe('bad-token');
  expect(await codeOf(verifier, await mintToken(next.privateJwk, claims))).toBe('entered');
});
