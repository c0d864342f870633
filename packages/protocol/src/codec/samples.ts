/**
 * Sample messages for tests, derived from a schema: every field gets a value that depends on its path alone, so that a
 * golden file stays valid when other fields are added. Invariant: `full` sets every field that the version has, `bare`
 * leaves all that it may to null, empty or the default; private tagged fields are always left out.
 */
import { isNullable, isPresent, type Version } from './field-facts.ts';
import type { Field, Fields, Schema } from './schema.ts';

export type Variant = 'full' | 'bare';
export const VARIANTS: readonly Variant[] = ['full', 'bare'];

/** Tags from here on are Meridian's own. */
const FIRST_PRIVATE_TAG = 10_000;

const TEXTS = ['orders', 'grüße €', 'x'.repeat(130), 'émoji 😀', 'a.b-c_d'];

export function sampleOf(schema: Schema, versionNumber: number, variant: Variant): Record<string, unknown> {
  const version = { number: versionNumber, flexible: versionNumber >= schema.flexibleFrom };
  return structOf(schema.fields, version, variant, schema.name);
}

function structOf(fields: Fields, version: Version, variant: Variant, path: string): Record<string, unknown> {
  const message: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(fields)) {
    const { tag } = field.options;
    if (!isPresent(field, version) || (tag !== undefined && (variant === 'bare' || tag >= FIRST_PRIVATE_TAG))) continue;
    message[name] = sampleValue(field, version, variant, `${path}.${name}`);
  }
  return message;
}

function sampleValue(field: Field, version: Version, variant: Variant, path: string): unknown {
  if (variant === 'bare' && isNullable(field, version)) return null;
  if (field.kind === 'struct') return structOf(field.fields!, version, variant, path);
  if (field.kind === 'array') return arrayOf(field, version, variant, path);
  return variant === 'bare' ? bareScalar(field) : fullScalar(field, hash(path));
}

function arrayOf(field: Field, version: Version, variant: Variant, path: string): unknown[] {
  const length = variant === 'bare' ? 0 : 1 + (hash(path) % 3);
  return Array.from({ length }, (_, i) => sampleValue(field.item!, version, variant, `${path}[${i}]`));
}

function bareScalar({ kind }: Field): unknown {
  if (kind === 'boolean') return false;
  if (kind === 'string') return '';
  if (kind === 'bytes') return Buffer.alloc(0);
  if (kind === 'records') return [Buffer.alloc(0)];
  if (kind === 'uuid') return uuidOf(0);
  return 0;
}

function fullScalar({ kind }: Field, seed: number): unknown {
  switch (kind) {
    case 'boolean':
      return seed % 2 === 1;
    case 'int8':
      return (seed << 24) >> 24;
    case 'int16':
      return (seed << 16) >> 16;
    case 'uint16':
      return seed & 65535;
    case 'int32':
      return seed | 0;
    case 'int64':
      return (seed % 2 === 0 ? 1 : -1) * (seed * 2_097_151 + (seed >>> 3));
    case 'float64':
      return seed / 7;
    case 'string':
      return TEXTS[seed % TEXTS.length];
    case 'uuid':
      return uuidOf(seed);
    case 'records':
      return [Buffer.alloc(seed % 200, seed & 255)];
    default:
      return Buffer.alloc(seed % 200, seed & 255);
  }
}

function uuidOf(seed: number): string {
  const words = [seed, seed ^ 0x5bd1e995, Math.imul(seed, 31), ~seed].map((word) => (word >>> 0).toString(16));
  const hex = seed === 0 ? '0'.repeat(32) : words.map((word) => word.padStart(8, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** FNV-1a. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value >>> 0;
}
