/**
 * Facts about a field in one version, shared by the two compilers: is it there, may it be null, what is its default,
 * how few bytes can it take. Everything here runs once per (message, version), never per message.
 */

import type { Field, Fields, Kind } from './schema.ts';
import { ZERO_UUID } from './values.ts';

/** A message version as the compilers see it. */
export interface Version {
  readonly number: number;
  readonly flexible: boolean;
}

export const FIXED_BYTES: Partial<Record<Kind, number>> = {
  int8: 1,
  boolean: 1,
  int16: 2,
  uint16: 2,
  int32: 4,
  int64: 8,
  float64: 8,
  uuid: 16,
};

export function isPresent(field: Field, version: Version): boolean {
  const { since = 0, until = Number.MAX_SAFE_INTEGER, tag } = field.options;
  return version.number >= since && version.number <= until && (tag === undefined || version.flexible);
}

export function isNullable(field: Field, version: Version): boolean {
  const { nullable } = field.options;
  return nullable === true || (nullable !== undefined && version.number >= nullable);
}

export function isCompact(field: Field, version: Version): boolean {
  return version.flexible && field.options.flexible !== false;
}

/** Present fields that stand in the body, in order. */
export function plainFields(fields: Fields, version: Version): [string, Field][] {
  return Object.entries(fields).filter(([, field]) => field.options.tag === undefined && isPresent(field, version));
}

/** Present tagged fields by ascending tag. */
export function taggedFields(fields: Fields, version: Version): [string, Field][] {
  return Object.entries(fields)
    .filter(([, field]) => field.options.tag !== undefined && isPresent(field, version))
    .sort(([, a], [, b]) => a.options.tag! - b.options.tag!);
}

const ZEROES: Record<Kind, string> = {
  int8: '0',
  int16: '0',
  int32: '0',
  int64: '0',
  uint16: '0',
  float64: '0',
  boolean: 'false',
  string: "''",
  bytes: 'EMPTY',
  uuid: `'${ZERO_UUID}'`,
  records: 'null',
  array: '[]',
  struct: '',
};

/** Source text of the field's default; lists, bytes and structs have none but the empty one. */
export function defaultSource(field: Field): string {
  const value = field.options.default;
  if (value === null || (value !== undefined && typeof value !== 'object')) return JSON.stringify(value);
  if (field.kind !== 'struct') return ZEROES[field.kind];
  const members = Object.entries(field.fields!).map(([name, member]) => `${name}: ${defaultSource(member)}`);
  return `{ ${members.join(', ')} }`;
}

/** The fewest bytes that a value of this field takes: what a count is checked against. */
export function minBytes(field: Field, version: Version): number {
  const fixed = FIXED_BYTES[field.kind];
  if (fixed !== undefined) return fixed;
  if (field.kind === 'struct') return structMinBytes(field, version);
  if (isCompact(field, version)) return 1;
  return field.kind === 'string' ? 2 : 4;
}

function structMinBytes(field: Field, version: Version): number {
  if (isNullable(field, version)) return 1;
  const body = plainFields(field.fields!, version).reduce((sum, [, member]) => sum + minBytes(member, version), 0);
  return body + (version.flexible ? 1 : 0);
}

/** Bytes that V8 takes: for an object and each of its fields, a list, a boxed number, a uuid's text. */
const MEMORY = { object: 24, slot: 8, emptyList: 32, boxed: 16, uuid: 56 };

/** Memory of one array element with all that is in it but text, bytes and lists: those are counted as they are read. */
export function elementMemory(item: Field, version: Version): number {
  return MEMORY.slot + valueMemory(item, version);
}

function valueMemory(field: Field, version: Version): number {
  switch (field.kind) {
    case 'int64':
    case 'float64':
      return MEMORY.boxed;
    case 'uuid':
      return MEMORY.uuid;
    case 'struct':
      return structMemory(field.fields!, version);
    default:
      return 0;
  }
}

/** Of what the version lacks only lists and structs are made anew for each message. */
function structMemory(fields: Fields, version: Version): number {
  const members = Object.values(fields);
  const inner = members.reduce((sum, field) => sum + memberMemory(field, version), 0);
  return MEMORY.object + members.length * MEMORY.slot + inner;
}

function memberMemory(field: Field, version: Version): number {
  if (isPresent(field, version)) return valueMemory(field, version);
  if (field.options.default === null) return 0;
  if (field.kind === 'array') return MEMORY.emptyList;
  return field.kind === 'struct' ? valueMemory(field, version) : 0;
}
