import { expect, test } from 'vitest';
import { type ConfigOf, parseConfig } from './config.ts';

const SCHEMA = {
  type: 'object',
  required: ['port', 'region'],
  properties: { port: { type: 'integer' }, region: { type: 'string' } },
} as const;

test('a config that fits comes back typed', () => {
  const config: ConfigOf<typeof SCHEMA> = parseConfig('{"port":9092,"region":"us-east"}', 'broker.json', SCHEMA);
  expect(config).toEqual({ port: 9092, region: 'us-east' });
});

test('what is not JSON is refused with the file named', () => {
  expect(() => parseConfig('{"port":', 'broker.json', SCHEMA)).toThrow(/^broker\.json: .*JSON/);
});

test('each wrong field has a line with the file and the field', () => {
  expect(() => parseConfig('{"port":"x"}', 'broker.json', SCHEMA)).toThrow(
    'broker.json: port must be an integer, is a string\nbroker.json: region is missing',
  );
});
