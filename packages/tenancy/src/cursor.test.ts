/** Cursors and sessions: round trips, size, and every kind of tampering. */
import { expect, test } from 'vitest';
import { type CursorPosition, decodeCursor, encodeCursor } from './cursor.ts';
import { keyRingText, parseKeyRing } from './key-ring.ts';
import { decodeSession, encodeSession } from './session-token.ts';

const secret = (byte: number): string => Buffer.alloc(32, byte).toString('base64url');
const ring = parseKeyRing(keyRingText(Buffer.alloc(32, 1)));
const scope = { tenant: 'acme', topic: 'cities' };
const US = { region: 'us-east', topicId: '0f5c0d5e-9a1b-4c55-8f1f-1d2c3b4a5f60' };
const EU = { region: 'eu-west', topicId: '1f5c0d5e-9a1b-4c55-8f1f-1d2c3b4a5f61' };
const positions: CursorPosition[] = [
  { ...US, partition: 0, epoch: 3, offset: 42 },
  { ...US, partition: 5, epoch: -1, offset: 0 },
  { ...EU, partition: 0, epoch: 0, offset: Number.MAX_SAFE_INTEGER },
];

test('a cursor comes back as it was made', () => {
  expect(decodeCursor(ring, scope, encodeCursor(ring, scope, positions))).toEqual(positions);
  expect(decodeCursor(ring, scope, encodeCursor(ring, scope, []))).toEqual([]);
});

test('a cursor for hundreds of partitions stays within its bound, and one beyond it is refused', () => {
  const many = (count: number) =>
    Array.from({ length: count }, (_, partition) => ({ ...US, partition, epoch: 12, offset: 5_000_000_000 }));
  expect(encodeCursor(ring, scope, many(500)).length).toBeLessThanOrEqual(8192);
  expect(() => encodeCursor(ring, scope, many(5000))).toThrow('too many partitions');
});

test('a cursor of another tenant or topic is refused', () => {
  const text = encodeCursor(ring, scope, positions);
  expect(() => decodeCursor(ring, { tenant: 'other', topic: 'cities' }, text)).toThrow('cursor');
  expect(() => decodeCursor(ring, { tenant: 'acme', topic: 'towns' }, text)).toThrow('cursor');
});

test('a cursor with any byte changed, added or cut is refused', () => {
  const bytes = Buffer.from(encodeCursor(ring, scope, positions), 'base64url');
  for (let at = 0; at < bytes.length; at++) {
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] as number) ^ 1;
    expect(() => decodeCursor(ring, scope, changed.toString('base64url'))).toThrow('cursor');
    expect(() => decodeCursor(ring, scope, bytes.subarray(0, at).toString('base64url'))).toThrow('cursor');
  }
  for (const text of ['', '!', 'AA', 'A'.repeat(9000), `${bytes.toString('base64url')}A`.repeat(2), 'ünï']) {
    expect(() => decodeCursor(ring, scope, text)).toThrow('cursor');
  }
});

test('two keys are valid at once: the first signs, either verifies', () => {
  const one = { id: 1, secret: secret(1) };
  const two = { id: 2, secret: secret(2) };
  const both = parseKeyRing(JSON.stringify({ keys: [two, one] }));
  const later = parseKeyRing(JSON.stringify({ keys: [two] }));
  const old = encodeCursor(ring, scope, positions);
  expect(decodeCursor(both, scope, old)).toEqual(positions);
  expect(decodeCursor(later, scope, encodeCursor(both, scope, positions))).toEqual(positions);
  expect(() => decodeCursor(later, scope, old)).toThrow('cursor');
});

test('a session comes back for its tenant alone, and a cursor is no session', () => {
  const session = { tenant: 'acme', region: 'us-east', producerId: 2 ** 40 + 17, producerEpoch: 0 };
  const alice = { tenant: 'acme', subject: 'alice' };
  const text = encodeSession(ring, session, 'alice');
  expect(decodeSession(ring, alice, text)).toEqual(session);
  expect(() => decodeSession(ring, { ...alice, tenant: 'other' }, text)).toThrow('session');
  expect(() => decodeSession(ring, { ...alice, subject: 'bob' }, text)).toThrow('session');
  expect(() => decodeSession(ring, alice, `${text.slice(0, -4)}AAAA`)).toThrow('session');
  expect(() => decodeSession(ring, alice, encodeCursor(ring, scope, []))).toThrow('session');
  expect(() => decodeCursor(ring, scope, text)).toThrow('cursor');
});

test('a key ring file with a mistake is refused', () => {
  const bad = ['', '{}', '{"keys":[]}', JSON.stringify({ keys: [{ id: 300, secret: secret(1) }] })];
  bad.push(JSON.stringify({ keys: [{ id: 1, secret: 'c2hvcnQ' }] }));
  bad.push(JSON.stringify({ keys: [1, 2, 3].map((id) => ({ id, secret: secret(id) })) }));
  for (const text of bad) expect(() => parseKeyRing(text)).toThrow('key ring');
});
