/**
 * Checks a value against a JSON Schema and fills in defaults: process configs and regions files go through it.
 * It knows the subset that TypeBox writes for plain data (object, array, string, number, boolean, enum, const,
 * anyOf). TypeBox's own checker would cost every process 20 MB and 170 ms; a schema of a process is therefore a
 * literal `as const`, whose type `XStatic` of TypeBox infers without being loaded.
 * Invariant: an unknown keyword is an error of the schema, never silently ignored.
 */
import { LIMITS } from './limits.ts';

export interface Problem {
  /** The field's place, e.g. `['client', 'port']`. */
  path: readonly (string | number)[];
  message: string;
}

/** What is read of a schema; both a TypeBox schema and a literal fit. */
export interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly pattern?: string;
  readonly default?: unknown;
  readonly description?: string;
}

const KEYWORDS = new Set(
  `type properties required additionalProperties items enum const anyOf minimum maximum minLength maxLength
   minItems maxItems pattern default description title $id`.split(/\s+/),
);

/** Returns the value with defaults filled in (a copy), and what is wrong with it. */
export function checkSchema(schema: Schema, value: unknown): { value: unknown; problems: Problem[] } {
  const problems: Problem[] = [];
  const checked = check(schema, value, [], problems);
  return { value: checked, problems: problems.slice(0, LIMITS.maxProblems) };
}

/** `client.port`, `links[0].from`; the whole value is `(root)`. */
export function pathText(path: Problem['path']): string {
  const text = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`)).join('');
  return text === '' ? '(root)' : text.replace(/^\./, '');
}

function check(schema: Schema, value: unknown, path: Problem['path'], problems: Problem[]): unknown {
  const unknown = Object.keys(schema).find((keyword) => !KEYWORDS.has(keyword) && !keyword.startsWith('~'));
  if (unknown !== undefined) throw new TypeError(`schema keyword ${unknown} is not supported`);
  const say = (message: string): unknown => {
    problems.push({ path, message });
    return value;
  };
  if (schema.anyOf) return checkAnyOf(schema.anyOf, value, path, problems);
  if ('const' in schema && value !== schema.const) return say(`must be ${JSON.stringify(schema.const)}`);
  if (schema.enum && !schema.enum.includes(value)) {
    return say(`must be one of ${schema.enum.map((each) => JSON.stringify(each)).join(', ')}`);
  }
  const type = typeOf(value);
  if (schema.type && type !== schema.type && !(schema.type === 'number' && type === 'integer')) {
    return say(`must be ${withArticle(schema.type)}, is ${type === 'null' ? 'empty' : withArticle(type)}`);
  }
  const bound = boundProblem(schema, value);
  if (bound) return say(bound);
  if (type === 'object') return checkObject(schema, value as Record<string, unknown>, path, problems);
  if (type === 'array' && schema.items) {
    const items = schema.items;
    return (value as unknown[]).map((item, index) => check(items, item, [...path, index], problems));
  }
  return value;
}

function checkObject(
  schema: Schema,
  value: Record<string, unknown>,
  path: Problem['path'],
  problems: Problem[],
): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  const properties = schema.properties ?? {};
  for (const [name, property] of Object.entries(properties)) {
    if (Object.hasOwn(value, name)) result[name] = check(property, value[name], [...path, name], problems);
    else if (property.default !== undefined) result[name] = structuredClone(property.default);
    else if (schema.required?.includes(name)) problems.push({ path: [...path, name], message: 'is missing' });
  }
  for (const name of Object.keys(value)) {
    if (Object.hasOwn(properties, name)) continue;
    if (typeof schema.additionalProperties === 'object') {
      result[name] = check(schema.additionalProperties, value[name], [...path, name], problems);
    } else if (schema.additionalProperties === true) {
      result[name] = value[name];
    } else {
      const known = Object.keys(properties).join(', ');
      problems.push({ path: [...path, name], message: `is not a known field (known: ${known})` });
    }
  }
  return result;
}

/** The first alternative that fits; otherwise the problems of the one that fits best. */
function checkAnyOf(
  alternatives: readonly Schema[],
  value: unknown,
  path: Problem['path'],
  problems: Problem[],
): unknown {
  let best: Problem[] | undefined;
  for (const alternative of alternatives) {
    const found: Problem[] = [];
    const result = check(alternative, value, path, found);
    if (found.length === 0) return result;
    if (!best || found.length < best.length) best = found;
  }
  problems.push(...(best ?? []));
  return value;
}

function boundProblem(schema: Schema, value: unknown): string | undefined {
  if (typeof value === 'number') {
    if (schema.minimum !== undefined && value < schema.minimum) return `must be at least ${schema.minimum}`;
    if (schema.maximum !== undefined && value > schema.maximum) return `must be at most ${schema.maximum}`;
  }
  if (typeof value === 'string') {
    if (schema.minLength !== undefined && value.length < schema.minLength) {
      return `must have at least ${schema.minLength} characters`;
    }
    if (schema.maxLength !== undefined && value.length > schema.maxLength) {
      return `must have at most ${schema.maxLength} characters`;
    }
    if (schema.pattern !== undefined && !new RegExp(schema.pattern, 'u').test(value)) {
      return `must match ${schema.pattern}, is ${JSON.stringify(value)}`;
    }
  }
  if (Array.isArray(value)) {
    if (schema.minItems !== undefined && value.length < schema.minItems)
      return `needs ${schema.minItems} items or more`;
    if (schema.maxItems !== undefined && value.length > schema.maxItems)
      return `takes ${schema.maxItems} items at most`;
  }
  return undefined;
}

function typeOf(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) return 'array';
  return Number.isInteger(value) ? 'integer' : typeof value;
}

const withArticle = (noun: string): string => `${/^[aeiou]/.test(noun) ? 'an' : 'a'} ${noun}`;
