/**
 * Turns a schema into an encoder: straight-line source text for one version, compiled once by `new Function`. It writes
 * in one pass into the arena of `encode-runtime.ts`; `codec.ts` frames what comes out. Invariant: a value that does not
 * fit its field, or that this version would drop although it matters, is a ProtocolError and never a wrong byte.
 */
import * as runtime from './encode-runtime.ts';
import {
  defaultSource,
  FIXED_BYTES,
  isCompact,
  isNullable,
  isPresent,
  plainFields,
  taggedFields,
  type Version,
} from './field-facts.ts';
import type { Encoder, Field, Fields, Schema } from './schema.ts';
import { writeUuid } from './values.ts';

export function compileEncoder(schema: Schema, versionNumber: number): Encoder {
  const emitter = new EncoderEmitter({ number: versionNumber, flexible: versionNumber >= schema.flexibleFrom });
  emitter.struct(schema.fields, 'm', schema.name);
  const helpers = { ...runtime, writeUuid, EMPTY: Buffer.alloc(0) };
  const source = `'use strict';
const { ${Object.keys(helpers).join(', ')} } = helpers;
return function encode${schema.name}V${versionNumber}(m, p) {
let b = writer.b;
${emitter.lines.join('\n')}
return p;
};`;
  return new Function('helpers', source)(helpers) as Encoder;
}

class EncoderEmitter {
  readonly lines: string[] = [];
  readonly version: Version;
  private count = 0;

  constructor(version: Version) {
    this.version = version;
  }

  struct(fields: Fields, from: string, path: string): void {
    for (const [name, field] of Object.entries(fields)) this.refuseLoss(field, `${from}.${name}`, `${path}.${name}`);
    const plain = plainFields(fields, this.version);
    for (let i = 0; i < plain.length; i++) {
      const [name, field] = plain[i]!;
      if (i === 0 || FIXED_BYTES[plain[i - 1]![1].kind] === undefined) this.reserveRun(plain, i);
      this.value(field, this.load(field, `${from}.${name}`), `${path}.${name}`);
    }
    if (this.version.flexible) this.tags(fields, from, path);
  }

  /** A field that is absent in this version, and not ignorable, must have its default. */
  private refuseLoss(field: Field, source: string, path: string): void {
    if (field.options.ignorable !== false || isPresent(field, this.version)) return;
    const local = this.local();
    this.emit(`const ${local} = ${source};`, `if (${isSet(field, local)}) refuseField('${path}');`);
  }

  /** Room for all fields of fixed size from here to the next one that varies. */
  private reserveRun(plain: [string, Field][], first: number): void {
    let size = 0;
    for (let i = first; i < plain.length; i++) {
      const width = FIXED_BYTES[plain[i]![1].kind];
      if (width === undefined) break;
      size += width;
    }
    if (size > 0) this.reserve(size);
  }

  private reserve(size: number): void {
    this.emit(`if (b.length - p < ${size}) { p = writer.reserve(p, ${size}); b = writer.b; }`);
  }

  /** Emits `const x = source`, or its default where it is undefined and omittable; returns x. */
  private load(field: Field, source: string): string {
    const local = this.local();
    const { default: fallback, since, until, tag } = field.options;
    const isOmittable = fallback !== undefined || since !== undefined || until !== undefined || tag !== undefined;
    this.emit(`let ${local} = ${source};`);
    if (isOmittable) this.emit(`if (${local} === undefined) ${local} = ${defaultSource(field)};`);
    return local;
  }

  /** Writes one value; for kinds of fixed size the room is there already. */
  private value(field: Field, local: string, path: string): void {
    if (FIXED_BYTES[field.kind] !== undefined) this.emit(...storeLines(field, local, path));
    else if (field.kind === 'struct') this.structValue(field, local, path);
    else this.nullable(field, local, path, () => this.sized(field, local, path));
  }

  private structValue(field: Field, local: string, path: string): void {
    if (!isNullable(field, this.version)) {
      this.emit(`if (${local} === null || typeof ${local} !== 'object') refuse('${path}', ${local});`, '{');
      this.struct(field.fields!, local, path);
      this.emit('}');
      return;
    }
    this.reserve(1);
    this.emit(`b[p++] = ${local} === null ? 255 : 1;`, `if (${local} !== null) {`);
    this.struct(field.fields!, local, path);
    this.emit('}');
  }

  private nullable(field: Field, local: string, path: string, write: () => void): void {
    this.emit(`if (${local} === null) {`);
    if (isNullable(field, this.version)) {
      this.reserve(5);
      this.emit(`p = putLength(b, p, -1, ${this.width(field)});`);
    } else this.emit(`refuseNull('${path}');`);
    this.emit('} else {');
    write();
    this.emit('}');
  }

  /** Bytes of a length; 0 means compact. */
  private width(field: Field): number {
    return isCompact(field, this.version) ? 0 : field.kind === 'string' ? 2 : 4;
  }

  private sized(field: Field, local: string, path: string): void {
    if (field.kind === 'array') {
      this.array(field, local, path);
      return;
    }
    const call = { string: 'putString', bytes: 'putBytes', records: 'putRecords' }[field.kind as string];
    this.emit(`p = ${call}(p, ${local}, ${this.width(field)}, '${path}');`, 'b = writer.b;');
  }

  private array(field: Field, local: string, path: string): void {
    const item = field.item!;
    const [index, element] = [this.local(), this.local()];
    this.emit(`if (!Array.isArray(${local})) refuse('${path}', ${local});`);
    this.reserve(5);
    this.emit(`p = putLength(b, p, ${local}.length, ${this.width(field)});`);
    this.emit(`for (let ${index} = 0; ${index} < ${local}.length; ${index}++) {`);
    this.emit(`const ${element} = ${local}[${index}];`);
    const width = FIXED_BYTES[item.kind];
    if (width !== undefined) this.reserve(width);
    this.value(item, element, path);
    this.emit('}');
  }

  /** Tagged fields that differ from their default, by ascending tag. */
  private tags(fields: Fields, from: string, path: string): void {
    const known = taggedFields(fields, this.version).map(([name, field]) => ({ name, field, value: this.local() }));
    for (const { name, value } of known) this.emit(`const ${value} = ${from}.${name};`);
    const tests = known.map(({ field, value }) => `(${isSet(field, value)})`);
    this.reserve(1);
    this.emit(`b[p++] = ${known.length === 0 ? '0' : tests.map((test) => `(${test} ? 1 : 0)`).join(' + ')};`);
    known.forEach(({ name, field, value }, i) => {
      const start = this.local();
      this.emit(`if ${tests[i]} {`);
      this.reserve(6 + (FIXED_BYTES[field.kind] ?? 0));
      this.emit(`p = putUvarint(b, p, ${field.options.tag}) + 1;`, `const ${start} = p - writer.head;`);
      this.value(field, value, `${path}.${name}`);
      this.emit(`p = sealTag(writer.head + ${start}, p);`, 'b = writer.b;', '}');
    });
  }

  private local(): string {
    return `x${this.count++}`;
  }

  private emit(...lines: string[]): void {
    this.lines.push(...lines);
  }
}

/** Source of the question whether a value is there and differs from the field's default. */
function isSet(field: Field, local: string): string {
  const isDefaultNull = field.options.default === null;
  if (isDefaultNull) return `${local} !== undefined && ${local} !== null`;
  if (field.kind === 'array' || field.kind === 'bytes' || field.kind === 'records') {
    return `${local} !== undefined && (${local} === null || ${local}.length > 0)`;
  }
  if (field.kind !== 'struct') return `${local} !== undefined && ${local} !== ${defaultSource(field)}`;
  const members = Object.entries(field.fields!).map(([name, member]) => `(${isSet(member, `${local}.${name}`)})`);
  return `${local} !== undefined && (${local} === null || ${members.join(' || ')})`;
}

function integerLines(source: string, width: number): string[] {
  const stores: string[] = [];
  for (let shift = (width - 1) * 8; shift >= 0; shift -= 8) stores.push(`b[p++] = ${source} >> ${shift};`);
  return stores;
}

function storeLines(field: Field, local: string, path: string): string[] {
  const wrong = `refuse('${path}', ${local});`;
  switch (field.kind) {
    case 'boolean':
      return [`if (typeof ${local} !== 'boolean') ${wrong}`, `b[p++] = ${local} ? 1 : 0;`];
    case 'float64':
      return [`if (typeof ${local} !== 'number') ${wrong}`, `p = b.writeDoubleBE(${local}, p);`];
    case 'uuid':
      return [`writeUuid(b, p, ${local}, '${path}');`, 'p += 16;'];
    case 'uint16':
      return [`if ((${local} & 65535) !== ${local}) ${wrong}`, ...integerLines(local, 2)];
    case 'int64': {
      const [high, low] = [`${local}h`, `${local}l`];
      return [
        `let ${high} = ${local} >> 31, ${low} = ${local} | 0;`,
        `if (${low} !== ${local}) { ${high} = highHalf(${local}, '${path}'); ${low} = lowHalf(${local}); }`,
        ...integerLines(high, 4),
        ...integerLines(low, 4),
      ];
    }
    default: {
      const width = FIXED_BYTES[field.kind]!;
      const unused = 32 - width * 8;
      return [`if ((${local} << ${unused} >> ${unused}) !== ${local}) ${wrong}`, ...integerLines(local, width)];
    }
  }
}
