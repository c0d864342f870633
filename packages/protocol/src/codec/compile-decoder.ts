/**
 * Turns a schema into a decoder: straight-line source text for one version, compiled once by `new Function`.
 * `codec.ts` asks for it on first use. Invariant of the emitted code: no byte is read and nothing is allocated before
 * a comparison with `end` (the innermost bound: of the message, or of a tagged field) has shown that it is there.
 */
import * as runtime from './decode-runtime.ts';
import {
  defaultSource,
  elementMemory,
  FIXED_BYTES,
  isCompact,
  isNullable,
  minBytes,
  plainFields,
  taggedFields,
  type Version,
} from './field-facts.ts';
import type { Decoder, Field, Fields, Schema } from './schema.ts';
import { readUuid } from './values.ts';

export function compileDecoder(schema: Schema, versionNumber: number): Decoder {
  const emitter = new DecoderEmitter({ number: versionNumber, flexible: versionNumber >= schema.flexibleFrom });
  const value = emitter.struct(schema.fields, schema.name);
  const helpers = { ...runtime, readUuid, EMPTY: Buffer.alloc(0) };
  const source = `'use strict';
const { ${Object.keys(helpers).join(', ')} } = helpers;
return function decode${schema.name}V${versionNumber}(b, p) {
const end = b.length;
grantBudget(end - p, '${schema.role}');
${emitter.lines.join('\n')}
${schema.ignoresTrailingBytes ? '' : `if (p !== end) fail('trailing-bytes', '${schema.name}');`}
return ${value};
};`;
  return new Function('helpers', source)(helpers) as Decoder;
}

class DecoderEmitter {
  readonly lines: string[] = [];
  readonly version: Version;
  private count = 0;
  private end = 'end';

  constructor(version: Version) {
    this.version = version;
  }

  /** Emits the reading of a struct's fields and returns the object literal that holds them, in declared order. */
  struct(fields: Fields, path: string): string {
    const values = new Map<string, string>();
    const plain = plainFields(fields, this.version);
    for (let i = 0; i < plain.length; )
      i = this.fixedRun(plain, i, path, values) ?? this.single(plain, i, path, values);
    if (this.version.flexible) this.tags(fields, path, values);
    const members = Object.entries(fields).map(
      ([name, field]) => `${name}: ${values.get(name) ?? defaultSource(field)}`,
    );
    return `{ ${members.join(', ')} }`;
  }

  /** Fields of fixed size that follow each other share one bounds check. Returns the index behind them, if any. */
  private fixedRun(
    plain: [string, Field][],
    first: number,
    path: string,
    values: Map<string, string>,
  ): number | undefined {
    let size = 0;
    let next = first;
    const loads: string[] = [];
    for (; next < plain.length; next++) {
      const [name, field] = plain[next]!;
      const width = FIXED_BYTES[field.kind];
      if (width === undefined) break;
      const local = this.local();
      loads.push(...loadLines(field, local, size, `${path}.${name}`));
      values.set(name, local);
      size += width;
    }
    if (next === first) return undefined;
    this.emit(
      `if (${this.end} - p < ${size}) fail('truncated', '${path}.${plain[first]![0]}');`,
      ...loads,
      `p += ${size};`,
    );
    return next;
  }

  private single(plain: [string, Field][], index: number, path: string, values: Map<string, string>): number {
    const [name, field] = plain[index]!;
    values.set(name, this.value(field, `${path}.${name}`));
    return index + 1;
  }

  /** Emits the reading of one value and returns the source of it. */
  private value(field: Field, path: string): string {
    const width = FIXED_BYTES[field.kind];
    const local = this.local();
    if (width !== undefined) {
      this.emit(`if (${this.end} - p < ${width}) fail('truncated', '${path}');`, ...loadLines(field, local, 0, path));
      this.emit(`p += ${width};`);
    } else if (field.kind === 'struct') this.structValue(field, local, path);
    else if (field.kind === 'array') this.array(field, local, path);
    else this.sized(field, local, path);
    return local;
  }

  private structValue(field: Field, local: string, path: string): void {
    this.emit(`let ${local} = null;`);
    if (!isNullable(field, this.version)) {
      this.emit('{');
      this.emit(`${local} = ${this.struct(field.fields!, path)};`, '}');
      return;
    }
    this.emit(`if (p >= ${this.end}) fail('truncated', '${path}');`, 'if (b[p] === 1) {', 'p++;');
    this.emit(`${local} = ${this.struct(field.fields!, path)};`);
    this.emit(`} else if (b[p] === 255) p++; else fail('invalid-marker', '${path}');`);
  }

  /** Emits the reading of a length or count; −1 means null, where that is allowed. */
  private length(field: Field, path: string): string {
    const local = this.local();
    if (isCompact(field, this.version)) {
      this.uvarint(local, path);
      this.emit(`${local}--;`);
    } else {
      const width = field.kind === 'string' ? 2 : 4;
      this.emit(`if (${this.end} - p < ${width}) fail('truncated', '${path}');`);
      this.emit(`const ${local} = ${integer(width, 0)};`, `p += ${width};`);
    }
    const least = isNullable(field, this.version) ? -1 : 0;
    const code = least === 0 ? `${local} === -1 ? 'null-not-allowed' : 'negative-length'` : `'negative-length'`;
    this.emit(`if (${local} < ${least}) fail(${code}, '${path}');`);
    return local;
  }

  private sized(field: Field, local: string, path: string): void {
    const length = this.length(field, path);
    const read = field.kind === 'string' ? 'text' : field.kind === 'records' ? 'slices' : 'slice';
    const call = `${read}(b, p, ${length}, ${this.end}, '${path}')`;
    this.emit(`let ${local} = null;`, `if (${length} >= 0) {`);
    this.emit(`${local} = ${call};`, `p += ${length};`, '}');
  }

  private array(field: Field, local: string, path: string): void {
    const item = field.item!;
    const length = this.length(field, path);
    const cost = elementMemory(item, this.version);
    const least = minBytes(item, this.version);
    this.emit(
      `let ${local} = null;`,
      `if (${length} === 0) ${local} = emptyList('${path}');`,
      `else if (${length} > 0) {`,
    );
    this.emit(
      `checkCount(${length}, ${this.end} - p, ${least}, ${cost}, '${path}');`,
      `${local} = new Array(${length});`,
    );
    const index = this.local();
    this.emit(`for (let ${index} = 0; ${index} < ${length}; ${index}++) {`);
    const isPlainStruct = item.kind === 'struct' && !isNullable(item, this.version);
    const value = isPlainStruct ? this.struct(item.fields!, path) : this.value(item, path);
    this.emit(`${local}[${index}] = ${value};`, '}', '}');
  }

  /** Emits the reading of a tagged section; without known tags (or with a count of 0) that is one comparison. */
  private tags(fields: Fields, path: string, values: Map<string, string>): void {
    const known = taggedFields(fields, this.version);
    const skip = `p = skipTags(b, p, ${this.end}, '${path}');`;
    if (known.length === 0) {
      this.emit(`if (p < ${this.end} && b[p] === 0) p++; else ${skip}`);
      return;
    }
    for (const [name, field] of known) {
      const local = this.local();
      values.set(name, local);
      this.emit(`let ${local} = ${defaultSource(field)};`);
    }
    const [count, last, tag, size] = [this.local(), this.local(), this.local(), this.local()];
    this.emit(`if (p < ${this.end} && b[p] === 0) p++; else {`);
    this.uvarint(count, path);
    this.emit(`checkTagCount(${count}, '${path}');`, `let ${last} = -1;`, `for (; ${count} > 0; ${count}--) {`);
    this.uvarint(tag, path);
    this.emit(`if (${tag} <= ${last}) fail('tag-order', '${path}');`, `${last} = ${tag};`);
    this.uvarint(size, path);
    this.emit(`if (${size} > ${this.end} - p) fail('truncated', '${path}');`, `switch (${tag}) {`);
    for (const [name, field] of known) this.knownTag(name, field, size, path, values);
    this.emit(`default: p += ${size};`, '}', '}', '}');
  }

  /** A known tagged field is read within its own bound and must fill it. */
  private knownTag(name: string, field: Field, size: string, path: string, values: Map<string, string>): void {
    const outer = this.end;
    const inner = this.local();
    this.emit(`case ${field.options.tag}: {`, `const ${inner} = p + ${size};`);
    this.end = inner;
    const value = this.value(field, `${path}.${name}`);
    this.end = outer;
    this.emit(
      `if (p !== ${inner}) fail('tag-size', '${path}.${name}');`,
      `${values.get(name)} = ${value};`,
      'break;',
      '}',
    );
  }

  private uvarint(local: string, path: string): void {
    this.emit(`let ${local} = p < ${this.end} ? b[p] : 128;`);
    this.emit(`if (${local} < 128) p++; else { ${local} = uvarint(b, p, ${this.end}, '${path}'); p = cursor.p; }`);
  }

  private local(): string {
    return `x${this.count++}`;
  }

  private emit(...lines: string[]): void {
    this.lines.push(...lines);
  }
}

/** Source of a big-endian signed integer of 1, 2 or 4 bytes at `p + at`. */
function integer(width: number, at: number): string {
  if (width === 1) return `(b[p + ${at}] << 24 >> 24)`;
  if (width === 2) return `(b[p + ${at}] << 24 >> 16 | b[p + ${at + 1}])`;
  return `(b[p + ${at}] << 24 | b[p + ${at + 1}] << 16 | b[p + ${at + 2}] << 8 | b[p + ${at + 3}])`;
}

function loadLines(field: Field, local: string, at: number, path: string): string[] {
  switch (field.kind) {
    case 'boolean':
      return [`const ${local} = b[p + ${at}] !== 0;`];
    case 'uint16':
      return [`const ${local} = b[p + ${at}] << 8 | b[p + ${at + 1}];`];
    case 'float64':
      return [`const ${local} = b.readDoubleBE(p + ${at});`];
    case 'uuid':
      return [`const ${local} = readUuid(b, p + ${at});`];
    case 'int64':
      return [
        `const ${local}h = ${integer(4, at)}, ${local}l = ${integer(4, at + 4)} >>> 0;`,
        `const ${local} = ${local}h >= -0x200000 && ${local}h < 0x200000 ? ${local}h * 4294967296 + ${local}l : wideInt64(${local}h, ${local}l, '${path}');`,
      ];
    default:
      return [`const ${local} = ${integer(FIXED_BYTES[field.kind]!, at)};`];
  }
}
