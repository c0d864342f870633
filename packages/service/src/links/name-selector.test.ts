import { expect, test } from 'vitest';
import { compilePattern } from './name-pattern.ts';
import { areDisjoint, compileSelector, compileTopics } from './name-selector.ts';

function matches(pattern: string, name: string): boolean {
  const compiled = compilePattern(pattern);
  if (typeof compiled === 'string') throw new Error(compiled);
  return compiled(name);
}

test('patterns mean whole names, as regular expressions do', () => {
  const patterns = [
    'a.c',
    'ab*',
    '(ab)+',
    'a|bc',
    '[a-c]+',
    '[^a]b?',
    'a\\.b',
    'x(y|z)?',
    '',
    '(a|b)*c',
    '[]x]',
    '[a-]+',
    '(|a)b',
  ];
  const names = ['', 'a', 'b', 'abc', 'axc', 'abb', 'abab', 'bc', 'cab', 'a.b', 'axb', 'x', 'xy', 'ababc', 'a-a', 'zb'];
  for (const pattern of patterns.filter((each) => each !== '[]x]')) {
    const expected = new RegExp(`^(?:${pattern})$`, 's');
    for (const name of names)
      expect([pattern, name, matches(pattern, name)]).toEqual([pattern, name, expected.test(name)]);
  }
});

test('a pattern that takes a naive engine down costs next to nothing', () => {
  const name = `${'a'.repeat(249)}!`;
  for (const pattern of [
    '(a+)+b',
    '(a*)*b',
    '(a|a)*b',
    '(a|aa)+b',
    '((a?)*)*b',
    `${'a?'.repeat(60)}${'a'.repeat(60)}b`,
  ]) {
    expect(matches(pattern, name)).toBe(false);
  }
});

test('what is not understood is refused', () => {
  const refusal = (pattern: string) => compilePattern(pattern);
  expect(refusal('(?!x)')).toMatch(/is not understood/);
  expect(refusal('(a)\\1')).toMatch(/\\1, which is not understood/);
  expect(refusal('a{1,9}')).toMatch(/counted repeats/);
  expect(refusal('a+$')).toBe('has a $: the whole name must match, leave it out');
  expect(refusal('(a')).toMatch(/without a \)/);
  expect(refusal('a)')).toMatch(/a \) without/);
  expect(refusal('[a')).toMatch(/without a \]/);
  expect(refusal('[]')).toMatch(/empty/);
  expect(refusal('*')).toMatch(/has a \* where/);
  expect(refusal('^a$')).toMatch(/has a \^: the whole name/);
  expect(refusal('a'.repeat(257))).toMatch(/longer than 256/);
  expect(refusal(`${'('.repeat(100)}${')'.repeat(100)}`)).toMatch(/too many groups/);
});

test('a selector of nothing means everything, and what is excluded is out', () => {
  const taken = (selector: object, name: string) => (compileTopics(selector) as (name: string) => boolean)(name);
  expect(taken({}, 'orders')).toBe(true);
  expect(taken({ exclude: {} }, 'orders')).toBe(true);
  expect(taken({ list: ['a'], prefix: 'o' }, 'orders')).toBe(true);
  expect(taken({ prefix: 'o', exclude: { pattern: '.*s' } }, 'orders')).toBe(false);
  expect(compileSelector({ pattern: '(' })).toMatch(/without/);
});

test('only what is certain to have nothing in common counts as disjoint', () => {
  expect(areDisjoint({ list: ['a'] }, { list: ['b'] })).toBe(true);
  expect(areDisjoint({ list: ['a'] }, { prefix: 'a' })).toBe(false);
  expect(areDisjoint({ pattern: 'b+' }, { list: ['a'] })).toBe(true);
  expect(areDisjoint({ prefix: 'ab' }, { prefix: 'ac' })).toBe(true);
  expect(areDisjoint({ prefix: 'ab' }, { prefix: 'a' })).toBe(false);
  expect(areDisjoint({ prefix: 'ab' }, { prefix: 'a', exclude: { list: ['abc'] } })).toBe(false);
  expect(areDisjoint({ pattern: 'a+' }, { pattern: 'b+' })).toBe(false);
  expect(areDisjoint({}, { list: ['a'] })).toBe(false);
});
