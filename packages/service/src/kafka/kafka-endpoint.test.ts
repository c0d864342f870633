import { createSimWorld } from '@meridian/io/sim';
import { expect, test } from 'vitest';
import { checkKafkaSettings, kafkaEndpoint } from './kafka-endpoint.ts';

const SCRAM = {
  'bootstrap.servers': ' k1:9093 ,[::1]:9094',
  'security.protocol': 'SASL_SSL',
  'sasl.mechanism': 'SCRAM-SHA-512',
} as const;

function ioWith(files: Record<string, string>) {
  const io = createSimWorld({ seed: 1 }).node('here').boot();
  for (const [path, text] of Object.entries(files)) io.disk.replaceFile(path, Buffer.from(text));
  return io;
}

test('settings and the files that they name become addresses and security', () => {
  const io = ioWith({ '/ca.pem': 'CA', '/me.pem': 'ME', '/password': 'secret\n' });
  const settings = {
    ...SCRAM,
    'sasl.username': 'me',
    'sasl.password.file': '/password',
    'ssl.truststore.location': '/ca.pem',
    'ssl.keystore.location': '/me.pem',
    'ssl.key.password': 'pass',
    'ssl.endpoint.identification.algorithm': '',
  } as const;
  expect(kafkaEndpoint(io, settings)).toEqual({
    bootstrap: [
      { host: 'k1', port: 9093 },
      { host: '::1', port: 9094 },
    ],
    security: {
      tls: { ca: 'CA', cert: 'ME', key: 'ME', passphrase: 'pass', verifyHost: false },
      sasl: { mechanism: 'SCRAM-SHA-512', username: 'me', password: 'secret' },
    },
  });
  expect(kafkaEndpoint(io, { 'bootstrap.servers': 'k:1' })).toEqual({
    bootstrap: [{ host: 'k', port: 1 }],
    security: {},
  });
});

test('a login as java clients have it is taken apart, quotes and all', () => {
  const jaas = (text: string) => ({ ...SCRAM, 'sasl.jaas.config': text });
  const module = 'org.apache.kafka.common.security.scram.ScramLoginModule';
  const good = jaas(`${module} required username="me" password="a \\"b\\" c;";`);
  expect(kafkaEndpoint(ioWith({}), good).security.sasl).toEqual({
    mechanism: 'SCRAM-SHA-512',
    username: 'me',
    password: 'a "b" c;',
  });
  const messages = (text: string) => checkKafkaSettings(jaas(text)).map(({ message }) => message);
  expect(messages('com.example.Login required;')).toEqual([expect.stringMatching(/^must name/)]);
  expect(messages(`${module} required username="me";`)).toEqual(['must have username and password']);
  expect(messages(`${module} required username="me" password="x"`)).toEqual([expect.stringMatching(/semicolon/)]);
  expect(messages(good['sasl.jaas.config'].replace('scram.Scram', 'plain.Plain'))).toEqual([
    expect.stringMatching(/^is for PLAIN/),
  ]);
});

test('no complaint shows a password', () => {
  const settings = { ...SCRAM, 'sasl.jaas.config': 'x password="hunter2";', 'sasl.password': 'hunter2' };
  expect(JSON.stringify(checkKafkaSettings(settings))).not.toContain('hunter2');
  const missing = { ...SCRAM, 'sasl.username': 'me', 'sasl.password.file': '/nowhere' };
  expect(() => kafkaEndpoint(ioWith({}), missing)).toThrow(/sasl\.password\.file \/nowhere/);
});
