import { expect, test } from 'vitest';
import { type ConfigOf, parseConfig } from './config.ts';

const SCHEMA = {
  type: 'object',
  required: ['port', 'region'],
  properties: {
    port: { type: 'integer' },
    region: { type: 'string' },
    links: { type: 'array', items: { type: 'object', properties: { from: { type: 'string', default: 'x' } } } },
    host: { type: 'string', default: '127.0.0.1' },
    limit: { type: 'integer' },
  },
} as const;

test('a config that fits comes back typed, with its defaults', () => {
  const text = '{"port":9092,"region":"us-east","links":[{}]}';
  const config: ConfigOf<typeof SCHEMA> = parseConfig(text, 'broker.json', SCHEMA);
  const host: string = config.host;
  const from: string | undefined = config.links?.[0]?.from;
  expect(config).toEqual({ port: 9092, region: 'us-east', links: [{ from: 'x' }], host });
  expect([host, from, config.limit]).toEqual(['127.0.0.1', 'x', undefined]);
});

test('what is not JSON is refused with the file named', () => {
  expect(() => parseConfig('{"port":', 'broker.json', SCHEMA)).toThrow(/^broker\.json: .*JSON/);
});

test('each wrong field has a line with the file and the field', () => {
  expect(() => parseConfig('{"port":"x"}', 'broker.json', SCHEMA)).toThrow(
    'broker.json: region is missing\nbroker.json: port must be an integer, is a string',
  );
});
