/**
 * Hostile administration of a real broker process: topics beyond measure, configs that are none of the client's, secrets,
 * and descriptions asked for until they fill the memory. Each trial has the expectations of `testing/victim.ts` besides
 * its own.
 */
import {
  AlterConfigs,
  CreatePartitions,
  CreateTopics,
  DeleteRecords,
  DescribeConfigs,
  DescribeGroups,
  DescribeProducers,
  ERROR,
  IncrementalAlterConfigs,
  OffsetFetch,
  Produce,
} from '@meridian/protocol';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { batchOf, produceOf } from '../testing/batches.ts';
import { INTERNAL_SECRET } from '../testing/broker-process.ts';
import type { RawClient } from '../testing/raw-client.ts';
import { MARK, Victim } from '../testing/victim.ts';

const TOPIC = 2;
const BROKER = 4;
const QUIET = { lines: 0 };

let victim: Victim;
beforeAll(async () => {
  victim = await Victim.start();
});
afterAll(() => victim?.broker.stop());

const topicOf = (name: string, numPartitions: number, configs: { name: string; value: string | null }[] = []) => ({
  name,
  numPartitions,
  replicationFactor: 1,
  assignments: [],
  configs,
});

async function create(client: RawClient, ...topics: ReturnType<typeof topicOf>[]): Promise<number[]> {
  const created = await client.request(CreateTopics, 7, { topics, timeoutMs: 5_000 });
  return created.topics.map(({ errorCode }) => errorCode);
}

test.each([1_000_000, 2 ** 31 - 1, 0, -2])('a topic of %i partitions is not made', async (partitions) => {
  const [code] = await victim.unharmed((client) => create(client, topicOf('many', partitions)), QUIET);
  expect(code).not.toBe(ERROR.NONE);
});

test('partitions are not added by the million', async () => {
  const topics = [{ name: 'orders', count: 1_000_000, assignments: null }];
  const answer = await victim.unharmed(
    (client) => client.request(CreatePartitions, 3, { topics, timeoutMs: 5_000, validateOnly: false }),
    QUIET,
  );
  expect(answer.results[0]!.errorCode).not.toBe(ERROR.NONE);
});

test.each([
  ['retention.ms\nbroker.secret', '1'],
  ['retention.ms=1\u0000', '1'],
  ['__proto__', '1'],
  ['constructor', '1'],
  ['retention.ms', '1\ncleanup.policy=compact'],
  ['retention.ms', `${MARK}`],
  ['cleanup.policy', 'delete,compact,../../etc'],
  ['meridian.origin.region', 'eu-west'],
])('the config %j = %j is not injected into a topic', async (name, value) => {
  const [code] = await victim.unharmed((client) => create(client, topicOf('injected', 1, [{ name, value }])), QUIET);
  expect(code).not.toBe(ERROR.NONE);
});

test.each(['..', '.', '', 'a/b', 'a\u0000b', '../../etc/passwd', 'ü', 'x'.repeat(250), '__cluster_metadata'])(
  'the topic %j is not made',
  async (name) => {
    const [code] = await victim.unharmed((client) => create(client, topicOf(name, 1)), QUIET);
    expect(code).not.toBe(ERROR.NONE);
  },
);

const SECRETS = ['internal.secret', 'ssl.keystore.password', 'ssl.key.password', 'sasl.jaas.config'];

test('no secret of the broker is shown, whatever is asked for', async () => {
  const resources = [
    { resourceType: BROKER, resourceName: '1', configurationKeys: null },
    { resourceType: BROKER, resourceName: '', configurationKeys: null },
    { resourceType: BROKER, resourceName: '1', configurationKeys: SECRETS },
  ];
  const answer = await victim.unharmed(
    (client) => client.request(DescribeConfigs, 4, { resources, includeSynonyms: true, includeDocumentation: true }),
    QUIET,
  );
  expect(answer.results[0]!.configs.length).toBeGreaterThan(20);
  expect(JSON.stringify(answer)).not.toContain(INTERNAL_SECRET);
  for (const { name, value, isSensitive } of answer.results.flatMap(({ configs }) => configs)) {
    if (SECRETS.includes(name)) expect([value, isSensitive]).toEqual([null, true]);
  }
});

test.each(['advertised.listeners', 'listeners', 'node.id', 'log.dirs', 'authorizer.class.name', ...SECRETS.slice(1)])(
  'the broker config %s is not settable by a client',
  async (name) => {
    const change = { name, configOperation: 0, value: MARK };
    const resources = [{ resourceType: BROKER, resourceName: '1', configs: [change] }];
    const replaced = [{ resourceType: BROKER, resourceName: '1', configs: [{ name, value: MARK }] }];
    const codes = await victim.unharmed(async (client) => {
      const set = await client.request(IncrementalAlterConfigs, 1, { resources, validateOnly: false });
      const all = await client.request(AlterConfigs, 2, { resources: replaced, validateOnly: false });
      return [...set.responses, ...all.responses].map(({ errorCode }) => errorCode);
    }, QUIET);
    for (const code of codes) expect(code).not.toBe(ERROR.NONE);
  },
);

test('a broker described seven thousand times over fills no memory', async () => {
  const resources = Array.from({ length: 7_000 }, () => ({
    resourceType: BROKER,
    resourceName: '1',
    configurationKeys: null,
  }));
  const ask = { resources, includeSynonyms: true, includeDocumentation: true };
  await victim.unharmed((client) => client.request(DescribeConfigs, 4, ask), QUIET);
});

test('a topic described seven thousand times over fills no memory', async () => {
  const resources = Array.from({ length: 7_000 }, () => ({
    resourceType: TOPIC,
    resourceName: 'orders',
    configurationKeys: null,
  }));
  const ask = { resources, includeSynonyms: true, includeDocumentation: true };
  await victim.unharmed((client) => client.request(DescribeConfigs, 4, ask), QUIET);
});

test('a group described a hundred thousand times over fills no memory', async () => {
  const ask = { groups: Array.from({ length: 100_000 }, () => 'group'), includeAuthorizedOperations: true };
  await victim.unharmed((client) => client.request(DescribeGroups, 5, ask), QUIET);
});

test('all offsets of a group, asked for five thousand times over, fill no memory', async () => {
  const groups = Array.from({ length: 5_000 }, () => ({ groupId: 'group', topics: null }));
  const answer = await victim.unharmed(
    (client) => client.request(OffsetFetch, 8, { groups, requireStable: false }),
    QUIET,
  );
  expect(answer.groups).toHaveLength(1);
});

test('a partition’s producers, asked for a hundred thousand times over, fill no memory', async () => {
  const topics = [{ name: 'orders', partitionIndexes: Array<number>(100_000).fill(0) }];
  const answer = await victim.unharmed((client) => client.request(DescribeProducers, 0, { topics }), QUIET);
  expect(answer.topics[0]!.partitions).toHaveLength(1);
});

test('records are not deleted beyond the end', async () => {
  for (const offset of [1_000_000, -2, 2 ** 52]) {
    const topics = [{ name: 'orders', partitions: [{ partitionIndex: 0, offset }] }];
    const deleted = await victim.unharmed(
      (client) => client.request(DeleteRecords, 2, { topics, timeoutMs: 5_000 }),
      QUIET,
    );
    expect(deleted.topics[0]!.partitions[0]!.errorCode).toBe(ERROR.OFFSET_OUT_OF_RANGE);
  }
});

test('clients cannot write to internal topics, the admin client of Kafka’s tools can', async () => {
  const codes = await victim.unharmed(async (client) => {
    const code = async (clientId: string) => {
      const answer = await client.request(Produce, 9, produceOf('__consumer_offsets', batchOf(['x'])), clientId);
      return answer.responses[0]!.partitionResponses[0]!.errorCode;
    };
    return [await code('test'), await code('__admin_client')];
  });
  expect(codes[0]).toBe(ERROR.INVALID_TOPIC_EXCEPTION);
  expect(codes[1]).not.toBe(ERROR.INVALID_TOPIC_EXCEPTION);
});
