/** Configs altered over the network, and how they take effect at once. */
import {
  AlterConfigs,
  DescribeConfigs,
  ERROR,
  errorName,
  IncrementalAlterConfigs,
  ListConfigResources,
  Produce,
} from '@meridian/protocol';
import { expect, test } from 'vitest';
import { batchOf, produceOf } from '../testing/batches.ts';
import { createTopic, startTestBroker } from '../testing/test-broker.ts';
import type { TestConnection } from '../testing/test-connection.ts';

const TOPIC = 2;
const BROKER = 4;
const LOGGER = 8;
const CLIENT_METRICS = 16;
const [SET, DELETE] = [0, 1];

type Change = readonly [operation: number, name: string, value: string | null];

async function alter(connection: TestConnection, type: number, name: string, changes: readonly Change[], version = 1) {
  const configs = changes.map(([configOperation, key, value]) => ({ configOperation, name: key, value }));
  const resources = [{ resourceType: type, resourceName: name, configs }];
  const { responses } = await connection.request(IncrementalAlterConfigs, version, { resources, validateOnly: false });
  const { errorCode, errorMessage } = responses[0]!;
  return errorCode === ERROR.NONE ? 'NONE' : `${errorName(errorCode)}: ${errorMessage}`;
}

async function describe(connection: TestConnection, type: number, name: string, keys: string[] | null = null) {
  const resources = [{ resourceType: type, resourceName: name, configurationKeys: keys }];
  const request = { resources, includeSynonyms: true, includeDocumentation: false };
  const { results } = await connection.request(DescribeConfigs, 4, request);
  return results[0]!.configs.map(({ value, configSource, synonyms }) => [
    value,
    configSource,
    synonyms.map((each) => `${each.name}=${each.value}`).join(' '),
  ]);
}

async function start() {
  const broker = await startTestBroker();
  await createTopic(broker, 'orders');
  const connection = await broker.connect();
  const produce = async (value: string) => {
    const answer = await connection.request(Produce, 12, produceOf('orders', batchOf([value])));
    return errorName(answer.responses[0]!.partitionResponses[0]!.errorCode);
  };
  return { broker, connection, produce };
}

test.each([0, 1])('IncrementalAlterConfigs v%i: a topic’s config holds for the next produce', async (version) => {
  const { connection, produce } = await start();
  const large = 'x'.repeat(500);
  expect(await produce(large)).toBe('NONE');
  expect(await alter(connection, TOPIC, 'orders', [[SET, 'max.message.bytes', '300']], version)).toBe('NONE');
  expect(await produce(large)).toBe('MESSAGE_TOO_LARGE');
  expect(await alter(connection, TOPIC, 'orders', [[DELETE, 'max.message.bytes', null]], version)).toBe('NONE');
  expect(await produce(large)).toBe('NONE');
});

test('a broker’s config holds for all topics without one of their own, the one broker’s before the default’s', async () => {
  const { connection, produce } = await start();
  const large = 'x'.repeat(500);
  expect(await alter(connection, BROKER, '', [[SET, 'message.max.bytes', '300']])).toBe('NONE');
  expect(await produce(large)).toBe('MESSAGE_TOO_LARGE');
  expect(await alter(connection, BROKER, '1', [[SET, 'message.max.bytes', '900']])).toBe('NONE');
  expect(await produce(large)).toBe('NONE');
  expect(await describe(connection, TOPIC, 'orders', ['max.message.bytes'])).toEqual([
    ['900', 2, 'message.max.bytes=900 message.max.bytes=300 message.max.bytes=1048588'],
  ]);
  expect(await describe(connection, BROKER, '')).toEqual([
    ['1', 3, 'min.insync.replicas=1'],
    ['300', 3, 'message.max.bytes=300'],
  ]);
});

test('retention goes by milliseconds, else minutes, else hours', async () => {
  const { connection } = await start();
  expect(await describe(connection, TOPIC, 'orders', ['retention.ms'])).toEqual([['604800000', 5, '']]);
  await alter(connection, BROKER, '1', [[SET, 'log.retention.ms', '5']]);
  expect(await describe(connection, TOPIC, 'orders', ['retention.ms'])).toEqual([
    ['5', 2, 'log.retention.ms=5 log.retention.hours=168'],
  ]);
});

test.each([
  [TOPIC, '', [[SET, 'retention.ms', '1']], 'INVALID_REQUEST: Default topic resources are not allowed.'],
  [TOPIC, 'orders', [[SET, 'retention.ms', null]], 'INVALID_REQUEST: Null value not supported for : retention.ms'],
  [
    TOPIC,
    'orders',
    [
      [SET, 'retention.ms', '1'],
      [DELETE, 'retention.ms', null],
    ],
    'INVALID_REQUEST: Error due to duplicate config keys',
  ],
  [TOPIC, 'orders', [[9, 'retention.ms', '1']], 'UNKNOWN_SERVER_ERROR: null'],
  [BROKER, '1', [[9, 'log.retention.ms', '1']], 'INVALID_REQUEST: Unknown operations type 9'],
  [BROKER, 'x', [[SET, 'log.retention.ms', '1']], 'INVALID_REQUEST: Node id must be an integer, but it is: x'],
  [BROKER, '2', [[SET, 'log.retention.ms', '1']], 'INVALID_REQUEST: Unexpected broker id, expected 1, but received 2'],
  [BROKER, '1', [[SET, 'node.id', '1']], 'INVALID_REQUEST: Cannot update these configs dynamically: [node.id]'],
  [LOGGER, '1', [[SET, 'kafka.Kafka', 'INFO']], 'INVALID_CONFIG: Logger kafka.Kafka does not exist!'],
  [99, 'x', [], 'INVALID_REQUEST: Unknown resource type 99'],
] satisfies [number, string, Change[], string][])('of type %i, %j: %j is refused', async (type, name, changes, why) => {
  const { connection } = await start();
  expect(await alter(connection, type, name, changes)).toBe(why);
});

test('a resource that is named twice is refused both times, the others are not', async () => {
  const { connection } = await start();
  const configs = [{ name: 'retention.ms', configOperation: SET, value: '5' }];
  const names = ['orders', 'absent', 'orders'];
  const resources = names.map((resourceName) => ({ resourceType: TOPIC, resourceName, configs }));
  const { responses } = await connection.request(IncrementalAlterConfigs, 1, { resources, validateOnly: false });
  expect(responses.map(({ resourceName, errorMessage }) => [resourceName, errorMessage])).toEqual([
    ['orders', 'Each resource must appear at most once.'],
    ['absent', "The topic 'absent' does not exist."],
    ['orders', 'Each resource must appear at most once.'],
  ]);
});

test.each([0, 1, 2])('AlterConfigs v%i replaces all configs of a resource', async (version) => {
  const { connection } = await start();
  const replace = async (values: Readonly<Record<string, string>>) => {
    const configs = Object.entries(values).map(([name, value]) => ({ name, value }));
    const resources = [{ resourceType: TOPIC, resourceName: 'orders', configs }];
    const { responses } = await connection.request(AlterConfigs, version, { resources, validateOnly: false });
    return errorName(responses[0]!.errorCode);
  };
  expect(await replace({ 'retention.ms': '5', 'segment.ms': '6' })).toBe('NONE');
  expect(await replace({ 'retention.ms': '7' })).toBe('NONE');
  const values = (await describe(connection, TOPIC, 'orders', ['retention.ms', 'segment.ms'])).map(([value]) => value);
  expect(values).toEqual(['7', '604800000']);
});

test('ListConfigResources names what has configs, by type', async () => {
  const { connection } = await start();
  await alter(connection, CLIENT_METRICS, 'all', [[SET, 'metrics', '*']]);
  const list = async (version: number, resourceTypes?: number[]) => {
    const answer = await connection.request(ListConfigResources, version, { ...(resourceTypes && { resourceTypes }) });
    return answer.errorCode !== ERROR.NONE
      ? errorName(answer.errorCode)
      : answer.configResources.map(({ resourceName, resourceType }) => `${resourceType} ${resourceName}`);
  };
  expect(await list(0)).toEqual(['16 all']);
  expect(await list(1, [])).toEqual(['16 all', '8 1', '4 1', '2 orders']);
  expect(await list(1, [BROKER, TOPIC, BROKER])).toEqual(['4 1', '2 orders']);
  expect(await list(1, [3])).toBe('UNSUPPORTED_VERSION');
});
