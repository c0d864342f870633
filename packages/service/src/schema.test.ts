import { expect, test } from 'vitest';
import { LINK_SCHEMA } from './links/link-schema.ts';
import { checkSchema, pathText, withDefaults } from './schema.ts';

const SCHEMA = {
  type: 'object',
  required: ['host', 'port'],
  additionalProperties: false,
  properties: {
    host: { type: 'string', minLength: 1, default: '127.0.0.1' },
    port: { type: 'integer', minimum: 0, maximum: 65535 },
    links: { type: 'array', items: { type: 'object', required: ['from'], properties: { from: { type: 'string' } } } },
    mode: { enum: ['fast', 'safe'] },
    limit: { anyOf: [{ type: 'integer' }, { const: 'none' }] },
  },
} as const;

const problemsOf = (value: unknown): string[] =>
  checkSchema(SCHEMA, value).problems.map(({ path, message }) => `${pathText(path)} ${message}`);

test('defaults are filled in and the input stays as it was', () => {
  const input = { port: 1 };
  expect(checkSchema(SCHEMA, input)).toEqual({ value: { host: '127.0.0.1', port: 1 }, problems: [] });
  expect(input).toEqual({ port: 1 });
});

test('every wrong field is named with its place', () => {
  expect(problemsOf({ host: '', port: 70000, links: [{ from: 'a' }, { from: 3 }, {}], mode: 'slow' })).toEqual([
    'host must have at least 1 characters',
    'port must be at most 65535',
    'links[1].from must be a string, is an integer',
    'links[2].from is missing',
    'mode must be one of "fast", "safe"',
  ]);
});

test('a missing field without a default and an unknown field are problems', () => {
  expect(problemsOf({ prot: 9 })).toEqual([
    'port is missing',
    'prot is not a known field (known: host, port, links, mode, limit)',
  ]);
});

test('fields that every object inherits are unknown fields like others', () => {
  expect(problemsOf(JSON.parse('{"port":1,"__proto__":{"host":"x"},"constructor":1}'))).toHaveLength(2);
});

test('one of several alternatives is enough', () => {
  expect(problemsOf({ port: 1, limit: 'none' })).toEqual([]);
  expect(problemsOf({ port: 1, limit: 'all' })).toEqual(['limit must be an integer, is a string']);
});

test('a root of another type is one problem', () => {
  expect(problemsOf([])).toEqual(['(root) must be an object, is an array']);
});

test('a keyword that the checker does not know is an error of the schema', () => {
  expect(() => checkSchema({ type: 'string', colour: 'red' }, 'x')).toThrow('unknown keyword: "colour"');
});

test('defaults are filled in without a check as they are with one', () => {
  const link = { from: 'a', to: 'b' };
  const entries = [
    link,
    { ...link, policy: 'identity', start: { timestampMs: 5 }, topics: { list: ['x'], exclude: { prefix: 'y' } } },
    { ...link, follow: { groups: 'none' }, onGap: { topics: { x: 'mark-gap' } }, mm2: true },
  ];
  for (const entry of entries) {
    const before = JSON.stringify(entry);
    expect(JSON.stringify(withDefaults(LINK_SCHEMA, entry))).toBe(
      JSON.stringify(checkSchema(LINK_SCHEMA, entry).value),
    );
    expect(JSON.stringify(entry)).toBe(before);
  }
});
