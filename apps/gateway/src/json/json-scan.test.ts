/** The scanner agrees with JSON.parse on everything, and with its depth. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { inspectJson, isJson } from './json-scan.ts';
import { parseJson } from './json-text.ts';

const scan = (text: string, depth = 64): boolean => isJson(Buffer.from(text), depth);
const parses = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

test('whatever JSON.stringify writes is JSON', () => {
  fc.assert(fc.property(fc.json({ maxDepth: 5 }), (text) => scan(text) && scan(` ${text}\n`)));
});

test('a changed JSON text is JSON exactly if JSON.parse takes it', () => {
  const cut = fc.tuple(
    fc.json(),
    fc.nat(),
    fc.nat(3),
    fc.constantFrom('', '"', ',', '0', '}', '[', '\\', 'e', '-', '.'),
  );
  fc.assert(
    fc.property(cut, ([text, at, length, insert]) => {
      const from = at % (text.length + 1);
      const changed = text.slice(0, from) + insert + text.slice(from + length);
      expect(scan(changed), changed).toBe(parses(changed));
    }),
    { numRuns: 3000 },
  );
});

test('odd texts', () => {
  const texts = [
    '',
    ' ',
    '{}',
    '[]',
    '[1,]',
    '{"a":1,}',
    '{"a"}',
    '{a:1}',
    '01',
    '-',
    '-0',
    '1.',
    '.5',
    '1e',
    '1E+2',
    '1e-',
  ];
  texts.push(
    '"\\u12g4"',
    '"\\u1234"',
    '"\\x"',
    '"\n"',
    'nul',
    'null',
    'truex',
    '[[]]',
    '[{}]',
    '{"a":[]}',
    '[]]',
    '"',
    '"a" 1',
  );
  for (const text of texts) expect(scan(text), text).toBe(parses(text));
});

test('depth is bounded, without recursion', () => {
  expect(scan('['.repeat(64) + ']'.repeat(64))).toBe(true);
  expect(scan('['.repeat(65) + ']'.repeat(65))).toBe(false);
  expect(scan('['.repeat(1_000_000))).toBe(false);
  expect(inspectJson(Buffer.from(`{"a":${'['.repeat(100_000)}`), 64)).toBe('deep');
  expect(inspectJson(Buffer.from('{"a":"[[[[[[[[[[["}'), 4)).toBe('plain');
});

test('numbers keep their text, however many digits they have', () => {
  const text = '{"a":9007199254740993,"b":1e400,"c":0.1,"d":"9007199254740993","e":123456789012345678901234567890.5}';
  expect(JSON.stringify(parseJson(Buffer.from(text)))).toBe(text);
  expect(() => parseJson(Buffer.from('{"a":'))).toThrow('not JSON');
  expect(Object.hasOwn(parseJson(Buffer.from('{"__proto__":1}')) as object, '__proto__')).toBe(true);
});
