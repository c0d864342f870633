/** Configs of groups over the network, with what Apache Kafka 4.3.1 answered to the same requests. */
import {
  AlterConfigs,
  DescribeConfigs,
  ERROR,
  errorName,
  IncrementalAlterConfigs,
  ListConfigResources,
} from '@meridian/protocol';
import { expect, test } from 'vitest';
import { whyInvalid } from '../controller/configs/definition.ts';
import { GROUP_CONFIGS } from '../controller/configs/group-configs.ts';
import { startTestBroker } from '../testing/test-broker.ts';
import type { TestConnection } from '../testing/test-connection.ts';

const GROUP = 32;
const [SET, DELETE, APPEND] = [0, 1, 2];

async function alter(connection: TestConnection, name: string, value: string | null, operation = SET, group = 'g') {
  const configs = [{ configOperation: operation, name, value }];
  const resources = [{ resourceType: GROUP, resourceName: group, configs }];
  const { responses } = await connection.request(IncrementalAlterConfigs, 1, { resources, validateOnly: false });
  const { errorCode, errorMessage } = responses[0]!;
  return errorCode === ERROR.NONE ? 'NONE' : `${errorName(errorCode)}: ${errorMessage}`;
}

async function describe(connection: TestConnection, keys: string[] | null, resourceName = 'g') {
  const resources = [{ resourceType: GROUP, resourceName, configurationKeys: keys }];
  const request = { resources, includeSynonyms: true, includeDocumentation: true };
  const { results } = await connection.request(DescribeConfigs, 4, request);
  return results[0]!.configs.map(({ name, value, configSource, synonyms }) => {
    const others = synonyms.map((each) => `${each.name}=${each.value}@${each.source}`).join(' ');
    return `${name}=${value}@${configSource} ${others}`;
  });
}

async function listed(connection: TestConnection): Promise<string[]> {
  const { configResources } = await connection.request(ListConfigResources, 1, { resourceTypes: [GROUP] });
  return configResources.map(({ resourceName }) => resourceName);
}

test('a group that nobody has configured shows the broker’s values', async () => {
  const connection = await (await startTestBroker()).connect();
  const all = await describe(connection, null);
  expect(all).toHaveLength(17);
  expect(all).toContain('consumer.session.timeout.ms=45000@5 group.consumer.session.timeout.ms=45000@5');
  expect(all).toContain('share.isolation.level=read_uncommitted@5 share.isolation.level=read_uncommitted@5');
});

test.each([
  ['consumer.session.timeout.ms', '50000', 'NONE'],
  ['consumer.session.timeout.ms', '10', 'greater than or equal to group.consumer.min.session.timeout.ms'],
  ['consumer.session.timeout.ms', '0', 'Invalid value 0 for configuration consumer.session.timeout.ms: Value must be'],
  ['consumer.session.timeout.ms', 'abc', 'Not a number of type INT'],
  ['consumer.heartbeat.interval.ms', '15001', 'less than or equal to group.consumer.max.heartbeat.interval.ms'],
  ['share.record.lock.duration.ms', '14000', 'greater than or equal to group.share.min.record.lock.duration.ms'],
  ['share.delivery.count.limit', '11', 'less than or equal to group.share.max.delivery.count.limit'],
  ['share.auto.offset.reset', 'by_duration:PT1H', 'NONE'],
  ['share.auto.offset.reset', 'by_duration:-PT1H', 'Invalid value `by_duration:-PT1H` for configuration'],
  ['share.auto.offset.reset', 'EARLIEST', "The value must be either 'earliest', 'latest' or of the format"],
  ['streams.num.standby.replicas', '3', 'less than or equal to group.streams.max.standby.replicas'],
  ['streams.initial.rebalance.delay.ms', '0', 'NONE'],
  ['nope', '1', 'INVALID_CONFIG: Unknown group config name: nope'],
])('%s=%s is answered as by Apache Kafka', async (name, value, said) => {
  const connection = await (await startTestBroker()).connect();
  expect(await alter(connection, name, value)).toContain(said);
});

test('a group’s configs are kept, listed, replaced and cleared', async () => {
  const broker = await startTestBroker();
  const connection = await broker.connect();
  expect(await alter(connection, 'consumer.session.timeout.ms', '50000')).toBe('NONE');
  expect(await alter(connection, 'consumer.session.timeout.ms', '46000', SET, 'two words')).toBe('NONE');
  expect(await alter(connection, 'nope', null, DELETE)).toBe('NONE');
  expect(await alter(connection, 'consumer.session.timeout.ms', '1', APPEND)).toContain('its type is not LIST');
  expect(await alter(connection, 'consumer.session.timeout.ms', '1', SET, '')).toContain('Default group resources');
  broker.node.kill();
  await broker.restart();
  const again = await broker.connect();
  const session = 'group.consumer.session.timeout.ms=45000@5';
  const key = ['consumer.session.timeout.ms'];
  expect(await describe(again, key)).toEqual([
    `consumer.session.timeout.ms=50000@8 consumer.session.timeout.ms=50000@8 ${session}`,
  ]);
  expect(await listed(again)).toEqual(['g', 'two words']);
  const configs = [{ name: 'streams.num.standby.replicas', value: '1' }];
  const resources = [{ resourceType: GROUP, resourceName: 'g', configs }];
  await again.request(AlterConfigs, 2, { resources, validateOnly: false });
  expect(await describe(again, key)).toEqual([`consumer.session.timeout.ms=45000@5 ${session}`]);
  expect(await alter(again, 'streams.num.standby.replicas', null, DELETE)).toBe('NONE');
  expect(await listed(again)).toEqual(['two words']);
});

test('every default of a group’s config is a value of it', () => {
  for (const config of GROUP_CONFIGS.values()) {
    expect([config.name, whyInvalid(config, config.default!)]).toEqual([config.name, null]);
  }
});
