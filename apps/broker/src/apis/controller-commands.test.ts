/** The handlers that are controller commands or read the image alone, encoded in every version they are served in. */
import {
  type Api,
  CreatePartitions,
  CreateTopics,
  DeleteTopics,
  DescribeCluster,
  DescribeConfigs,
  decodeResponse,
  ERROR,
  encodeResponse,
  errorName,
  InitProducerId,
  type RequestOf,
  type ResponseInput,
  type ResponseOf,
  ZERO_UUID,
} from '@meridian/protocol';
import { expect, test } from 'vitest';
import { CONFIG_SOURCE } from '../controller/configs/effective.ts';
import { createTopics, newTopic, scenario, uuidNumber } from '../controller/decide/scenario.ts';
import { createCreateTopicsHandler } from './19-create-topics.ts';
import { createDeleteTopicsHandler } from './20-delete-topics.ts';
import { createInitProducerIdHandler } from './22-init-producer-id.ts';
import { createDescribeConfigsHandler } from './32-describe-configs.ts';
import { createCreatePartitionsHandler } from './37-create-partitions.ts';
import { createDescribeClusterHandler } from './60-describe-cluster.ts';
import type { Handler, HandlerReach, ListenerName, RequestHeader } from './handler.ts';

function reach(
  at = scenario(),
): Pick<HandlerReach, 'submit' | 'configSources' | 'image' | 'nextProducerId' | 'random'> {
  return {
    random: () => 0.99,
    image: at.image,
    submit: async (command) => at.run(command),
    configSources: { image: at.image, nodeId: 1, staticConfigs: new Map([['log.retention.ms', '7']]) },
    nextProducerId: async () => 2 ** 40 + 5,
  };
}

/** The answer as a client of that version reads it. */
async function ask<A extends Api>(
  handler: Handler<A>,
  version: number,
  request: RequestOf<A>,
  listener: ListenerName = 'client',
): Promise<ResponseOf<A>> {
  const header = { version, clientId: 'test', source: { listener } } as unknown as RequestHeader<A>;
  const answer = (await handler.handle(request, header)) as ResponseInput<A>;
  const frame = Buffer.concat(encodeResponse(handler.api, version, 1, answer));
  return decodeResponse(handler.api, version, frame.subarray(4)).body;
}

const versions = ({ minVersion, maxVersion }: Api): number[] =>
  Array.from({ length: maxVersion - minVersion + 1 }, (_, i) => minVersion + i);

test.each(versions(CreateTopics))('CreateTopics v%i creates, refuses and tells what it made', async (version) => {
  const topics = [newTopic('orders', { configs: [{ name: 'segment.ms', value: '9' }] }), newTopic('a b')];
  const answer = await ask(createCreateTopicsHandler(reach()), version, { topics, timeoutMs: 1, validateOnly: false });
  expect(answer.topics.map(({ name, errorCode }) => [name, errorName(errorCode)])).toEqual([
    ['orders', 'NONE'],
    ['a b', 'INVALID_TOPIC_EXCEPTION'],
  ]);
  const [made] = answer.topics;
  if (version < 5) return;
  expect([made!.numPartitions, made!.replicationFactor]).toEqual([3, 1]);
  const told = new Map(made!.configs?.map((config) => [config.name, [config.value, config.configSource]]));
  expect(told.get('segment.ms')).toEqual(['9', CONFIG_SOURCE.topic]);
  expect(told.get('retention.ms')).toEqual(['7', CONFIG_SOURCE.staticBroker]);
  expect(told.get('cleanup.policy')).toEqual(['delete', CONFIG_SOURCE.default]);
  expect(made!.topicId === ZERO_UUID).toBe(version < 7);
});

test.each(versions(DeleteTopics))('DeleteTopics v%i deletes by the means of its version', async (version) => {
  const at = scenario();
  at.run(createTopics([newTopic('orders')]));
  const request = {
    topicNames: version < 6 ? ['orders', 'absent'] : [],
    topics: version < 6 ? [] : ['orders', 'absent'].map((name) => ({ name, topicId: ZERO_UUID })),
    timeoutMs: 1,
  };
  const { responses } = await ask(createDeleteTopicsHandler(reach(at)), version, request);
  expect(responses.map(({ name, errorCode }) => [name, errorName(errorCode)])).toEqual([
    ['absent', 'UNKNOWN_TOPIC_OR_PARTITION'],
    ['orders', 'NONE'],
  ]);
  expect(at.image.topicsByName.size).toBe(0);
});

test.each(versions(CreatePartitions))('CreatePartitions v%i grows a topic', async (version) => {
  const at = scenario();
  at.run(createTopics([newTopic('orders')]));
  const topics = [{ name: 'orders', count: 5, assignments: null }];
  const request = { topics, timeoutMs: 1, validateOnly: false };
  const { results } = await ask(createCreatePartitionsHandler(reach(at)), version, request);
  expect(results).toEqual([{ name: 'orders', errorCode: ERROR.NONE, errorMessage: null }]);
  expect(at.image.topicsByName.get('orders')?.partitions.length).toBe(5);
});

test.each(versions(InitProducerId))('InitProducerId v%i hands out an id, and refuses transactions', async (version) => {
  const handler = createInitProducerIdHandler(reach());
  const request = {
    transactionTimeoutMs: 1,
    producerId: -1,
    producerEpoch: -1,
    enable2Pc: false,
    keepPreparedTxn: false,
  };
  const idempotent = await ask(handler, version, { ...request, transactionalId: null });
  expect([idempotent.errorCode, idempotent.producerId, idempotent.producerEpoch]).toEqual([0, 2 ** 40 + 5, 0]);
  const transactional = await ask(handler, version, { ...request, transactionalId: 'orders-writer' });
  expect([errorName(transactional.errorCode), transactional.producerId]).toEqual([
    'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
    -1,
  ]);
  expect((await ask(handler, version, { ...request, transactionalId: '' })).errorCode).toBe(ERROR.INVALID_REQUEST);
});

const neverDue = () => ({ cancel: () => {} });

function describeConfigs(
  at: ReturnType<typeof scenario>,
  resourceType: number,
  resourceName: string,
  rest: { keys?: string[]; version?: number; synonyms?: boolean; documentation?: boolean } = {},
): Promise<ResponseOf<typeof DescribeConfigs>['results'][number]> {
  const request = {
    resources: [{ resourceType, resourceName, configurationKeys: rest.keys ?? null }],
    includeSynonyms: rest.synonyms ?? false,
    includeDocumentation: rest.documentation ?? false,
  };
  return ask(
    createDescribeConfigsHandler({ ...reach(at), timers: { after: neverDue, defer: queueMicrotask } }),
    rest.version ?? 4,
    request,
  ).then(({ results }) => results[0]!);
}

test.each(versions(DescribeConfigs))('DescribeConfigs v%i describes a topic', async (version) => {
  const at = scenario();
  at.run(createTopics([newTopic('orders', { configs: [{ name: 'retention.ms', value: '9' }] })]));
  const { errorCode, configs } = await describeConfigs(at, 2, 'orders', { version, synonyms: true });
  expect(errorCode).toBe(ERROR.NONE);
  const retention = configs.find(({ name }) => name === 'retention.ms');
  expect([retention?.value, retention?.configSource, retention?.readOnly]).toEqual(['9', CONFIG_SOURCE.topic, false]);
  expect(retention?.synonyms.map(({ name, value, source }) => [name, value, source])).toEqual([
    ['retention.ms', '9', 1],
    ['log.retention.ms', '7', 4],
    ['log.retention.hours', '168', 5],
  ]);
  expect(configs.some(({ name }) => name.startsWith('meridian.origin') || name.startsWith('internal.'))).toBe(false);
});

test('a copy shows its origin read-only', async () => {
  const at = scenario();
  const configs = [{ name: 'meridian.origin.region', value: 'eu-west' }];
  at.run(createTopics([newTopic('eu-west.orders', { configs })], { requester: 'internal' }));
  const described = await describeConfigs(at, 2, 'eu-west.orders', { keys: ['meridian.origin.region', 'absent'] });
  expect(described.configs).toEqual([
    {
      name: 'meridian.origin.region',
      value: 'eu-west',
      readOnly: true,
      configSource: CONFIG_SOURCE.topic,
      isSensitive: false,
      synonyms: [],
      configType: 2,
      documentation: null,
    },
  ]);
});

test('documentation comes when it is asked for', async () => {
  const at = scenario();
  const described = await describeConfigs(at, 4, '1', { keys: ['num.partitions'], documentation: true });
  expect(described.configs[0]?.documentation).toContain('Partitions');
});

test('a broker shows all of its configs, the default of all brokers only what has been set', async () => {
  const at = scenario();
  at.image.setConfig('broker', '', 'log.retention.ms', '3');
  const own = await describeConfigs(at, 4, '1');
  expect(own.configs.find(({ name }) => name === 'log.retention.ms')?.configSource).toBe(
    CONFIG_SOURCE.dynamicDefaultBroker,
  );
  expect(own.configs.find(({ name }) => name === 'node.id')?.readOnly).toBe(true);
  const all = await describeConfigs(at, 4, '');
  expect(all.configs.map(({ name, value }) => [name, value])).toEqual([['log.retention.ms', '3']]);
});

test.each<[number, string, string]>([
  [2, 'absent', 'UNKNOWN_TOPIC_OR_PARTITION'],
  [2, 'a b', 'INVALID_TOPIC_EXCEPTION'],
  [4, '9', 'INVALID_REQUEST'],
  [4, 'x', 'INVALID_REQUEST'],
  [99, 'x', 'INVALID_REQUEST'],
])('describing the configs of %i %j is refused', async (type, name, code) => {
  const { errorCode, configs } = await describeConfigs(scenario(), type, name);
  expect([errorName(errorCode), configs]).toEqual([code, []]);
});

test.each(versions(DescribeCluster))('DescribeCluster v%i shows the addresses of its own listener', async (version) => {
  const handler = createDescribeClusterHandler(reach(scenario([1, 2])));
  const request = { includeClusterAuthorizedOperations: version > 0, endpointType: 1, includeFencedBrokers: false };
  for (const [listener, port] of [
    ['client', 9092],
    ['internal', 9093],
  ] as const) {
    const answer = await ask(handler, version, request, listener);
    expect(answer.brokers.map((broker) => [broker.brokerId, broker.host, broker.port])).toEqual([
      [1, 'broker-1', port],
      [2, 'broker-2', port],
    ]);
    expect(answer.clusterAuthorizedOperations).toBe(version > 0 ? 8096 : -2147483648);
    expect(answer.controllerId).toBe(2);
  }
});

test('DescribeCluster leaves fenced brokers out unless asked, and clients see no controllers', async () => {
  const at = scenario([1, 2]);
  at.image.brokers.set(2, { ...at.image.brokers.get(2)!, fenced: true });
  const handler = createDescribeClusterHandler(reach(at));
  const request = { includeClusterAuthorizedOperations: false, endpointType: 1, includeFencedBrokers: false };
  expect((await ask(handler, 2, request)).brokers.length).toBe(1);
  expect((await ask(handler, 2, { ...request, includeFencedBrokers: true })).brokers[1]?.isFenced).toBe(true);
  const refused = await ask(handler, 2, { ...request, endpointType: 2 });
  expect(errorName(refused.errorCode)).toBe('MISMATCHED_ENDPOINT_TYPE');
  const unknown = await ask(handler, 2, { ...request, endpointType: 3 });
  expect(errorName(unknown.errorCode)).toBe('UNSUPPORTED_ENDPOINT_TYPE');
});

test('DescribeCluster shows controllers, and which is active, on the listener where they speak', async () => {
  const at = scenario([1]);
  const endpoints = [{ name: 'INTERNAL', host: 'node-3', port: 9093, securityProtocol: 2 }];
  at.image.controllers.set(3, { id: 3, incarnationId: uuidNumber(3), endpoints, features: [] });
  at.image.controllerId = 3;
  const handler = createDescribeClusterHandler(reach(at));
  const request = { includeClusterAuthorizedOperations: false, endpointType: 2, includeFencedBrokers: false };
  const answer = await ask(handler, 2, request, 'internal');
  expect(answer).toMatchObject({ errorCode: 0, endpointType: 2, controllerId: 3 });
  expect(answer.brokers).toMatchObject([{ brokerId: 3, host: 'node-3', port: 9093 }]);
  at.image.controllerId = 4;
  expect((await ask(handler, 2, request, 'internal')).controllerId).toBe(-1);
});
