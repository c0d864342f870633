/**
 * Our client against an Apache Kafka whose listeners want TLS and a login, as a mirror finds them at other people's: each
 * mechanism is let in with the right password and refused with a wrong one, and a stranger's certificate is not trusted.
 * Part of `npm run compat`.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient, type SaslMechanism, type Security } from '@meridian/client';
import { silentLogger } from '@meridian/io';
import { createRealIo } from '@meridian/io/real';
import { selfSigned } from '@meridian/io/testing';
import { writeBatch } from '@meridian/protocol/record-batch';
import { installKafka, kafkaTool, startKafka } from '../peers/kafka.ts';
import type { CompatCheck, CompatClient } from './compat-client.ts';
import { mirrorAclCheck } from './mirror-acls.ts';

const PORT = 31_840;
const TLS_PORT = PORT + 2;
const LOGIN_PORT = PORT + 3;
const HOST = '127.0.0.1';
const USER = 'mirror';
const PASSWORD = 'p=a,ss w"ord';
const MECHANISMS: readonly SaslMechanism[] = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'];

const check: CompatCheck = {
  name: "our client over TLS, with PLAIN and SCRAM, at Apache Kafka's listeners",
  run: async () => {
    const folder = mkdtempSync(join(tmpdir(), 'kafka-pem-'));
    const ours = selfSigned([HOST]);
    const keystore = join(folder, 'keystore.pem');
    writeFileSync(keystore, ours.key + ours.cert);
    const kafka = await startKafka({ port: PORT, properties: propertiesOf(keystore) });
    try {
      await addScramUsers();
      const tls = { ca: ours.cert, verifyHost: true };
      await readsWhatItWrote(TLS_PORT, { tls });
      for (const mechanism of MECHANISMS) {
        const sasl = { mechanism, username: USER, password: PASSWORD };
        await readsWhatItWrote(LOGIN_PORT, { tls, sasl });
        await isRefused({ tls, sasl: { ...sasl, password: 'wrong' } }, 'authentication');
      }
      await isRefused({ tls: { ca: selfSigned([HOST]).cert, verifyHost: true } }, 'tls');
    } finally {
      await kafka.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

export const mirrorSecurityClient: CompatClient = {
  name: 'mirror-security',
  standsAlone: true,
  install: () => void installKafka(),
  checks: [check, mirrorAclCheck],
};

function propertiesOf(keystore: string): Record<string, string> {
  const login = 'listener.name.login';
  const quoted = PASSWORD.replaceAll('"', '\\\\"');
  return {
    listeners: `PLAINTEXT://${HOST}:${PORT},CONTROLLER://${HOST}:${PORT + 1},TLS://${HOST}:${TLS_PORT},LOGIN://${HOST}:${LOGIN_PORT}`,
    'advertised.listeners': `PLAINTEXT://${HOST}:${PORT},TLS://${HOST}:${TLS_PORT},LOGIN://${HOST}:${LOGIN_PORT}`,
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,TLS:SSL,LOGIN:SASL_SSL',
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': keystore,
    'sasl.enabled.mechanisms': MECHANISMS.join(','),
    [`${login}.plain.sasl.jaas.config`]: `org.apache.kafka.common.security.plain.PlainLoginModule required user_${USER}="${quoted}";`,
    [`${login}.scram-sha-256.sasl.jaas.config`]: 'org.apache.kafka.common.security.scram.ScramLoginModule required;',
    [`${login}.scram-sha-512.sasl.jaas.config`]: 'org.apache.kafka.common.security.scram.ScramLoginModule required;',
  };
}

async function addScramUsers(): Promise<void> {
  const user = ['--entity-type', 'users', '--entity-name', USER];
  const scram = MECHANISMS.filter((each) => each !== 'PLAIN');
  const add = (config: string): Promise<string> =>
    kafkaTool('kafka.admin.ConfigCommand', [
      '--bootstrap-server',
      `${HOST}:${PORT}`,
      '--alter',
      '--add-config',
      config,
      ...user,
    ]);
  // Two requests: Kafka takes one credential of a user at a time.
  await Promise.all(scram.map((each) => add(`${each}=[iterations=8192,password=${PASSWORD}]`)));
}

const clientAt = (port: number, security: Security) =>
  createClient({
    io: createRealIo(),
    bootstrap: [{ host: HOST, port }],
    clientId: 'compat',
    log: silentLogger,
    security,
  });

async function readsWhatItWrote(port: number, security: Security): Promise<void> {
  const client = clientAt(port, security);
  const topic = `secured-${port}-${security.sasl?.mechanism.toLowerCase() ?? 'tls'}`;
  try {
    await client.createTopics([{ name: topic, numPartitions: 1 }]);
    const value = new Uint8Array(500_000).fill(7);
    const bytes = writeBatch({ records: [{ timestamp: 1, key: null, value, headers: [] }] });
    await client.produce(topic, 0, [Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)]);
    const size = await new Promise<number>((resolve, reject) => {
      client.fetcher().add({
        topic,
        partition: 0,
        offset: 0,
        onBatches: ({ sizeInBytes }) => resolve(sizeInBytes),
        onError: ({ detail }) => reject(new Error(detail)),
      });
    });
    if (size !== bytes.length) throw new Error(`${topic}: ${size} of ${bytes.length} bytes came back`);
  } finally {
    await client.close();
  }
}

async function isRefused(security: Security, code: string): Promise<void> {
  const client = clientAt(LOGIN_PORT, security);
  const told = await client.metadata('all').then(
    () => 'let in',
    (error) => error.code,
  );
  await client.close();
  if (told !== code) throw new Error(`${security.sasl?.mechanism ?? 'TLS'}: ${told} instead of ${code}`);
}
