/** SCRAM-SHA-256 against the exchange printed in RFC 7677, section 3, and against liars on both sides. */
import { expect, test } from 'vitest';
import { createScramClient, createScramServer, scramCredential } from './sasl-scram.ts';

const CLIENT_NONCE = 'rOprNGfwEbeRWgbNEkqO';
const SERVER_NONCE = '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0';
const SALT = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64');
const SERVER_FIRST = `r=${CLIENT_NONCE}${SERVER_NONCE},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`;
const CLIENT_FINAL = `c=biws,r=${CLIENT_NONCE}${SERVER_NONCE},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=`;
const SERVER_FINAL = 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=';

const credential = scramCredential('pencil', SALT);
const client = (password = 'pencil', user = 'user') => createScramClient({ user, password, nonce: CLIENT_NONCE });
const server = () =>
  createScramServer({ lookup: (user) => (user === 'user' ? credential : undefined), nonce: SERVER_NONCE });
const bytes = (text: string) => Buffer.from(text);
const code = (value: string) => expect.objectContaining({ name: 'ProtocolError', code: value });

test('the exchange of RFC 7677 is reproduced byte for byte on both sides', () => {
  const [alice, bob] = [client(), server()];
  const first = alice.first();
  expect(first.toString()).toBe(`n,,n=user,r=${CLIENT_NONCE}`);
  const challenge = bob.first(first);
  expect(challenge.toString()).toBe(SERVER_FIRST);
  const final = alice.final(challenge);
  expect(final.toString()).toBe(CLIENT_FINAL);
  expect(bob.user).toBeUndefined();
  const signature = bob.final(final);
  expect(signature.toString()).toBe(SERVER_FINAL);
  expect(bob.user).toBe('user');
  alice.verify(signature);
});

test('both sides speak SCRAM-SHA-512, too, and only with each other', () => {
  const mechanism = 'SCRAM-SHA-512';
  const stored = scramCredential('pencil', SALT, 8_192, mechanism);
  const server512 = () => createScramServer({ lookup: () => stored, nonce: SERVER_NONCE, mechanism });
  const alice = createScramClient({ user: 'user', password: 'pencil', nonce: CLIENT_NONCE, mechanism });
  const bob = server512();
  alice.verify(bob.final(alice.final(bob.first(alice.first()))));
  expect([bob.user, stored.storedKey.length]).toEqual(['user', 64]);
  const [other, third] = [client(), server512()];
  const final = other.final(third.first(other.first()));
  expect(() => third.final(final)).toThrow(code('scram-authentication'));
});

test('a wrong password fails at the server, and an unknown user does', () => {
  const [alice, bob] = [client('pencils'), server()];
  const final = alice.final(bob.first(alice.first()));
  expect(() => bob.final(final)).toThrow(code('scram-authentication'));
  expect(bob.user).toBeUndefined();
  expect(() => server().first(client('pencil', 'mallory').first())).toThrow(code('scram-authentication'));
});

test('a server that does not know the credential is found out by the client', () => {
  const alice = client();
  alice.first();
  alice.final(bytes(SERVER_FIRST));
  expect(() => alice.verify(bytes(`v=${Buffer.alloc(32).toString('base64')}`))).toThrow(code('scram-authentication'));
});

test.each([
  ['a nonce that is not ours', SERVER_FIRST.replace('rOpr', 'rOpx'), 'scram-nonce'],
  ['a nonce without a part of the server', `r=${CLIENT_NONCE},s=AAAA,i=4096`, 'scram-nonce'],
  ['too few rounds', SERVER_FIRST.replace('4096', '4095'), 'scram-iterations'],
  ['too many rounds', SERVER_FIRST.replace('4096', '16385'), 'scram-iterations'],
  ['rounds beyond any number', SERVER_FIRST.replace('4096', '99999999999'), 'scram-malformed'],
  ['a salt that is not base64', SERVER_FIRST.replace('W22Z', '*22Z'), 'scram-malformed'],
  ['nothing', '', 'scram-malformed'],
  ['a novel', 'r='.padEnd(5000, 'x'), 'scram-malformed'],
])('the client refuses %s', (_name, challenge, expected) => {
  const alice = client();
  alice.first();
  expect(() => alice.final(bytes(challenge))).toThrow(code(expected));
  expect(() => alice.final(bytes(SERVER_FIRST))).toThrow(code('scram-order'));
});

test.each([
  ['channel binding', 'p=tls-unique,,n=user,r=abc', 'scram-malformed'],
  ['to act for somebody else', 'n,a=root,n=user,r=abc', 'scram-authentication'],
  ['a bad escape in the name', 'n,,n=us=er,r=abc', 'scram-malformed'],
  ['no nonce', 'n,,n=user', 'scram-malformed'],
])('the server refuses a first message with %s', (_name, first, expected) => {
  expect(() => server().first(bytes(first))).toThrow(code(expected));
});

test.each([
  ['another nonce', CLIENT_FINAL.replace('%hv', '%xx'), 'scram-nonce'],
  ['another channel binding', CLIENT_FINAL.replace('biws', 'eSws'), 'scram-malformed'],
  ['a short proof', CLIENT_FINAL.replace(/p=.*/, 'p=AAAA'), 'scram-authentication'],
  ['no proof', CLIENT_FINAL.replace(/,p=.*/, ''), 'scram-malformed'],
])('the server refuses a final message with %s, and then takes no other', (_name, final, expected) => {
  const bob = server();
  bob.first(client().first());
  expect(() => bob.final(bytes(final))).toThrow(code(expected));
  expect(() => bob.final(bytes(CLIENT_FINAL))).toThrow(code('scram-order'));
});

test('messages out of turn are refused', () => {
  expect(() => client().final(bytes(SERVER_FIRST))).toThrow(code('scram-order'));
  expect(() => client().verify(bytes(SERVER_FINAL))).toThrow(code('scram-order'));
  expect(() => server().final(bytes(CLIENT_FINAL))).toThrow(code('scram-order'));
});

test('names with commas and equals signs survive', () => {
  const name = 'a=b,c';
  const bob = createScramServer({ lookup: (user) => (user === name ? credential : undefined), nonce: SERVER_NONCE });
  const alice = client('pencil', name);
  alice.verify(bob.final(alice.final(bob.first(alice.first()))));
  expect(bob.user).toBe(name);
});
