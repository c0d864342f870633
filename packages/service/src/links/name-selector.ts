/**
 * Which names a list, a prefix or a pattern means. Used for the topics and groups of a link.
 * Invariant: a name costs time in proportion to its length times the pattern's, whatever both are.
 */
import type { NameSelector, TopicSelector } from './link-schema.ts';
import { compilePattern } from './name-pattern.ts';

export type NameMatcher = (name: string) => boolean;

/** What is wrong with the pattern, else the matcher. Nothing given matches everything. */
export function compileSelector({ list, prefix, pattern }: NameSelector): NameMatcher | string {
  const matchers: NameMatcher[] = [];
  if (list !== undefined) {
    const names = new Set(list);
    matchers.push((name) => names.has(name));
  }
  if (prefix !== undefined) matchers.push((name) => name.startsWith(prefix));
  if (pattern !== undefined) {
    const compiled = compilePattern(pattern);
    if (typeof compiled === 'string') return compiled;
    matchers.push(compiled);
  }
  return matchers.length === 0 ? () => true : (name) => matchers.some((matches) => matches(name));
}

/** Of topics: what is selected and not excluded. */
export function compileTopics({ exclude, ...selector }: TopicSelector): NameMatcher | string {
  const included = compileSelector(selector);
  if (typeof included === 'string' || exclude === undefined || Object.keys(exclude).length === 0) return included;
  const excluded = compileSelector(exclude);
  if (typeof excluded === 'string') return excluded;
  return (name) => included(name) && !excluded(name);
}

/** True only where it is certain that no name is selected by both; two patterns are never told apart. */
export function areDisjoint(one: TopicSelector, other: TopicSelector): boolean {
  const [left, right] = [compileTopics(one), compileTopics(other)];
  if (typeof left === 'string' || typeof right === 'string') return true;
  if (isList(one)) return !one.list!.some((name) => left(name) && right(name));
  if (isList(other)) return !other.list!.some((name) => left(name) && right(name));
  if (isPrefix(one) && isPrefix(other)) {
    return !one.prefix!.startsWith(other.prefix!) && !other.prefix!.startsWith(one.prefix!);
  }
  return false;
}

const isList = ({ list, prefix, pattern }: NameSelector): boolean =>
  list !== undefined && prefix === undefined && pattern === undefined;

const isPrefix = ({ list, prefix, pattern }: NameSelector): boolean =>
  prefix !== undefined && list === undefined && pattern === undefined;
