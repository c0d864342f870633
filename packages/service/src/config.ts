/**
 * Reads a process's config: a JSON file, checked by the process's schema, defaults filled in.
 * Called by `runProcess`, before anything else of the process is started.
 * Invariant: what comes back fits the schema; otherwise a `ServiceError` names the file and every wrong field.
 */
import type { Io } from '@meridian/io';
import type { XStatic } from 'typebox/schema';
import { ServiceError } from './errors.ts';
import { LIMITS } from './limits.ts';
import { checkSchema, pathText, type Schema } from './schema.ts';

/** The value's type, read off a schema literal (`as const`). A field with a default is always there. */
export type ConfigOf<S> = S extends { readonly properties: infer P }
  ? Fields<P, PresentIn<S, P>>
  : S extends { readonly items: infer I }
    ? ConfigOf<I>[]
    : XStatic<S>;

type Fields<P, Present> = { -readonly [K in keyof P as K extends Present ? K : never]: ConfigOf<P[K]> } & {
  -readonly [K in keyof P as K extends Present ? never : K]?: ConfigOf<P[K]>;
};

type PresentIn<S, P> =
  | (S extends { readonly required: readonly (infer Name)[] } ? Name : never)
  | { [K in keyof P]: P[K] extends { readonly default: unknown } ? K : never }[keyof P];

export function readConfig<const S extends Schema>(io: Pick<Io, 'disk'>, path: string, schema: S): ConfigOf<S> {
  return parseConfig(readText(io, path), path, schema);
}

export function parseConfig<const S extends Schema>(text: string, path: string, schema: S): ConfigOf<S> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new ServiceError('config-not-json', `${path}: ${(error as Error).message}`);
  }
  const { value, problems } = checkSchema(schema, parsed);
  if (problems.length > 0) {
    const lines = problems.map(({ path: field, message }) => `${path}: ${pathText(field)} ${message}`);
    throw new ServiceError('config-invalid', lines.join('\n'));
  }
  return value as ConfigOf<S>;
}

function readText(io: Pick<Io, 'disk'>, path: string): string {
  try {
    const { size } = io.disk.stat(path);
    if (size > LIMITS.maxConfigBytes) throw new Error(`${size} bytes, at most ${LIMITS.maxConfigBytes} are read`);
    return io.disk.readFile(path).toString('utf8');
  } catch (error) {
    throw new ServiceError('config-unreadable', `${path}: ${(error as Error).message}`, { cause: error });
  }
}
