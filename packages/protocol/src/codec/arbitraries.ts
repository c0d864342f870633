/**
 * fast-check arbitraries for whole messages, built from a schema: for the round-trip tests. Every present field is set,
 * private tagged ones too, so that what is decoded must match what was generated.
 */
import fc from 'fast-check';
import { isNullable, isPresent, type Version } from './field-facts.ts';
import type { Field, Fields, Schema } from './schema.ts';
import { NO_LIMIT } from './values.ts';

const SAFE = 2 ** 53;

export function messageArbitrary(schema: Schema, versionNumber: number): fc.Arbitrary<Record<string, unknown>> {
  const version = { number: versionNumber, flexible: versionNumber >= schema.flexibleFrom };
  return structArbitrary(schema.fields, version);
}

function structArbitrary(fields: Fields, version: Version): fc.Arbitrary<Record<string, unknown>> {
  const present = Object.entries(fields).filter(([, field]) => isPresent(field, version));
  return fc.record(Object.fromEntries(present.map(([name, field]) => [name, fieldArbitrary(field, version)])));
}

function fieldArbitrary(field: Field, version: Version): fc.Arbitrary<unknown> {
  const value = valueArbitrary(field, version);
  return isNullable(field, version) ? fc.option(value, { freq: 4 }) : value;
}

function valueArbitrary(field: Field, version: Version): fc.Arbitrary<unknown> {
  switch (field.kind) {
    case 'struct':
      return structArbitrary(field.fields!, version);
    case 'array':
      return fc.array(fieldArbitrary(field.item!, version), { maxLength: 3 });
    case 'boolean':
      return fc.boolean();
    case 'float64':
      return fc.double({ noNaN: true });
    case 'string':
      return fc.string({ unit: 'grapheme', maxLength: 150 });
    case 'uuid':
      return fc.uuid();
    case 'bytes':
      return bufferArbitrary();
    case 'records':
      return fc.array(bufferArbitrary(), { maxLength: 3 });
    default:
      return integerArbitrary(field.kind);
  }
}

function bufferArbitrary(): fc.Arbitrary<Buffer> {
  return fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
}

function integerArbitrary(kind: string): fc.Arbitrary<number> {
  if (kind === 'uint16') return fc.nat(65_535);
  if (kind === 'int64') return fc.oneof(fc.maxSafeInteger(), fc.constantFrom(-1, 0, NO_LIMIT, SAFE - 1, -SAFE));
  const bits = { int8: 8, int16: 16, int32: 32 }[kind]!;
  return fc.integer({ min: -(2 ** (bits - 1)), max: 2 ** (bits - 1) - 1 });
}
