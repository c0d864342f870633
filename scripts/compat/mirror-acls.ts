/**
 * Two Apache Kafkas with logins and an authorizer each, and a link whose rules follow: who may read a topic may read its
 * copy, who is denied is denied, nobody may write it, and what is taken back at the source is taken back here. The mirror
 * has no more rights at the source than docs/links.md asks for. Part of `npm run compat -- mirror-security`.
 */
import assert from 'node:assert/strict';
import { type AclRule, type Client, createClient, type Security } from '@meridian/client';
import { silentLogger } from '@meridian/io';
import { createRealIo } from '@meridian/io/real';
import { createMirror } from '@meridian/mirror';
import { ERROR, errorName } from '@meridian/protocol';
import { writeBatch } from '@meridian/protocol/record-batch';
import { copyName } from '../peers/meridian-mirror.ts';
import { type MirrorRegion, openRegion } from '../peers/mirror-region.ts';
import type { CompatCheck } from './compat-client.ts';

const HOST = '127.0.0.1';
const PORTS = { source: 31_850, target: 31_860 } as const;
/** From a region's plain listener to the one that wants a login. */
const TO_LOGIN = 3;
const USERS = ['mirror', 'alice', 'bob', 'carol'] as const;
const TOPIC = 'orders';
const COPY = copyName({ name: 'west' }, TOPIC);
const LIMIT_MS = 30_000;
const POLL_MS = 100;
const ACL_ROUND_MS = 500;

/** As Kafka numbers them. */
const RESOURCE = { topic: 2, cluster: 4 } as const;
const PATTERN = { literal: 3, prefixed: 4 } as const;
const OPERATION = { all: 2, read: 3, describe: 8, describeConfigs: 10 } as const;
const PERMISSION = { deny: 2, allow: 3 } as const;

const REFUSED = /AUTHORIZATION_FAILED/;

type User = (typeof USERS)[number];

export const mirrorAclCheck: CompatCheck = {
  name: 'rules for reading follow a link between two Apache Kafkas with StandardAuthorizer',
  run: async () => {
    const [source, target] = await Promise.all([
      secured('west', 1, PORTS.source, 'User:ANONYMOUS'),
      secured('east', 2, PORTS.target, 'User:ANONYMOUS;User:mirror'),
    ]);
    const clients: Client[] = [];
    const client = (region: MirrorRegion, user?: User): Client => {
      clients.push(clientAt(region, user));
      return clients.at(-1)!;
    };
    try {
      await Promise.all([source.node.start(), target.node.start()]);
      await follow(source, target, client);
    } finally {
      await Promise.all(clients.map((each) => each.close()));
      await source.remove();
      await target.remove();
    }
  },
};

async function follow(
  source: MirrorRegion,
  target: MirrorRegion,
  client: (region: MirrorRegion, user?: User) => Client,
): Promise<void> {
  const [origin, here] = [client(source), client(target)];
  await origin.createTopics([{ name: TOPIC, numPartitions: 1 }]);
  await produce(origin, TOPIC);
  const { read, all, describe, describeConfigs } = OPERATION;
  const ofAlice = rule('alice', TOPIC, read);
  const ofBob = [rule('bob', 'ord', all, PATTERN.prefixed), rule('bob', TOPIC, read, PATTERN.literal, PERMISSION.deny)];
  const ofMirror = [
    ...[read, describeConfigs].map((operation) => rule('mirror', TOPIC, operation)),
    rule('mirror', '__meridian_topics', read),
  ];
  const ofCluster = { ...rule('mirror', 'kafka-cluster', describe), resourceType: RESOURCE.cluster };
  await changed(origin.createAcls([ofAlice, ...ofBob, ...ofMirror, ofCluster]));
  const ofCarol = rule('carol', COPY, read);
  await changed(here.createAcls([ofCarol]));

  const mirror = await createMirror(mirrorOptions(source, target));
  try {
    const copied = [
      rule('alice', COPY, read),
      rule('bob', COPY, read, PATTERN.literal, PERMISSION.deny),
      ...[read, describe].map((operation) => rule('bob', 'west.ord', operation, PATTERN.prefixed)),
      rule('mirror', COPY, read),
    ];
    await untilRules(here, [...copied, ofCarol]);
    await until('the copy has its record', async () => (await outcome(here)) === 'read');
    assert.equal(await outcome(client(target, 'alice')), 'read');
    assert.equal(await outcome(client(target, 'bob')), 'TOPIC_AUTHORIZATION_FAILED');
    assert.equal(await produce(client(target, 'alice'), COPY), 'TOPIC_AUTHORIZATION_FAILED');

    await changed(origin.deleteAcls([ofAlice]));
    await untilRules(here, [...copied.slice(1), ofCarol]);
    assert.equal(await outcome(client(target, 'alice')), 'TOPIC_AUTHORIZATION_FAILED');
    assert.equal(await outcome(client(target, 'carol')), 'read');
  } catch (error) {
    console.log(JSON.stringify(mirror.status(), null, 1));
    throw error;
  } finally {
    await mirror.stop();
  }
}

function rule(
  user: User,
  resourceName: string,
  operation: number,
  patternType: number = PATTERN.literal,
  permissionType: number = PERMISSION.allow,
): AclRule {
  const principal = `User:${user}`;
  return { resourceType: RESOURCE.topic, resourceName, patternType, principal, host: '*', operation, permissionType };
}

/** A Kafka that lets nobody do what no rule allows, but for those who come to its plain listener: its administrators. */
function secured(name: string, id: number, port: number, superUsers: string): Promise<MirrorRegion> {
  const at = (protocol: string, from: number): string => `${protocol}://${HOST}:${port + from}`;
  const clients = [at('PLAINTEXT', 0), at('LOCAL', 2), at('LOGIN', TO_LOGIN)];
  const users = USERS.map((user) => `user_${user}="${user}"`).join(' ');
  const configs = {
    listeners: [...clients, at('CONTROLLER', 1)].join(','),
    'advertised.listeners': clients.join(','),
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,LOCAL:PLAINTEXT,LOGIN:SASL_PLAINTEXT',
    'sasl.enabled.mechanisms': 'PLAIN',
    'listener.name.login.plain.sasl.jaas.config': `org.apache.kafka.common.security.plain.PlainLoginModule required ${users};`,
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users': superUsers,
  };
  return openRegion({ engine: 'kafka', name, id, port, heap: '384M', configs });
}

/** Without a user: an administrator. */
function clientAt({ port }: MirrorRegion, user?: User): Client {
  const security: Security | undefined = user && { sasl: { mechanism: 'PLAIN', username: user, password: user } };
  return createClient({
    io: createRealIo(),
    bootstrap: [{ host: HOST, port: user === undefined ? port : port + TO_LOGIN }],
    clientId: 'compat',
    log: silentLogger,
    ...(security && { security }),
  });
}

function mirrorOptions(source: MirrorRegion, target: MirrorRegion): Parameters<typeof createMirror>[0] {
  const kafka = ({ port }: MirrorRegion) => ({
    'bootstrap.servers': `${HOST}:${port + TO_LOGIN}`,
    'security.protocol': 'SASL_PLAINTEXT' as const,
    'sasl.mechanism': 'PLAIN' as const,
    'sasl.jaas.config':
      'org.apache.kafka.common.security.plain.PlainLoginModule required username="mirror" password="mirror";',
  });
  return {
    io: createRealIo(),
    config: {
      ...{ region: target.name, secret: '', management: { host: HOST, port: 0 } },
      target: { kafka: kafka(target) },
      sources: [{ region: source.name, kafka: kafka(source) }],
      links: [
        {
          from: source.name,
          to: target.name,
          topics: { list: [TOPIC] },
          follow: { configs: 'default', acls: true, groups: 'none' },
        },
      ],
    },
    log: silentLogger,
    listen: false,
    limits: { aclRoundMs: ACL_ROUND_MS },
  };
}

async function changed(asked: Promise<readonly { errorCode: number; errorMessage: string | null }[]>): Promise<void> {
  for (const { errorCode, errorMessage } of await asked)
    assert.equal(errorCode, ERROR.NONE, errorMessage ?? errorName(errorCode));
}

/** The rules about topics, all of them, and no other. */
async function untilRules(client: Client, wanted: readonly AclRule[]): Promise<void> {
  const text = (rules: readonly AclRule[]): string =>
    rules
      .map((each) => Object.entries(each).sort().join())
      .sort()
      .join('\n');
  let seen = '';
  await until('the rules have followed', async () => {
    const rules = await client.describeAcls({ resourceType: RESOURCE.topic });
    seen = rules === 'off' ? rules : text(rules);
    return seen === text(wanted);
  }).catch((error: Error) => {
    throw new Error(`${error.message}:\n${seen}\ninstead of\n${text(wanted)}`);
  });
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + LIMIT_MS;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`not within ${LIMIT_MS} ms: ${what}`);
    await new Promise((done) => setTimeout(done, POLL_MS));
  }
}

async function produce(client: Client, topic: string): Promise<string> {
  const records = [{ timestamp: 1, key: null, value: new Uint8Array(10) }];
  const { errorCode } = await client.produce(topic, 0, [Buffer.from(writeBatch({ records }))]);
  return errorName(errorCode);
}

/** What comes of reading the copy: `read`, or the error. */
function outcome(client: Client): Promise<string> {
  const fetcher = client.fetcher();
  const told = new Promise<string>((done) => {
    fetcher.add({
      ...{ topic: COPY, partition: 0, offset: 0 },
      onBatches: () => done('read'),
      onError: ({ detail }) => done(detail),
      onRetry: (reason) => REFUSED.test(reason) && done(reason),
    });
  });
  return told.finally(() => fetcher.close());
}
