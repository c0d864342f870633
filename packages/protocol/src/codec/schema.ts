/**
 * The language in which the protocol is declared: one typed literal per message, with version ranges, flexible
 * versions and tagged fields. `apis/` and `metadata-records/` are written in it; `compile-*.ts` turn it into code.
 * TypeScript infers from it what a decoded message looks like (`Decoded`) and what an encoder wants (`Input`).
 * Invariant: a field is omittable in an `Input` exactly if it has a default, a tag or a version range.
 */

/** Compiled: decodes the bytes from `from` to the end of `bytes`, all of which the message must take. */
export type Decoder = (bytes: Buffer, from: number) => unknown;

/** Compiled: writes `message` into the encoder's arena from `p` on; returns the position behind it. */
export type Encoder = (message: unknown, p: number) => number;

export type Kind =
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'uint16'
  | 'float64'
  | 'boolean'
  | 'string'
  | 'bytes'
  | 'uuid'
  | 'records'
  | 'array'
  | 'struct';

export interface Options<T> {
  /** First and last version that has the field; without them, all. */
  readonly since?: number;
  readonly until?: number;
  /** May be null: in all versions, or from the given one on. */
  readonly nullable?: true | number;
  /** What a missing field means; else 0, false, '', the zero uuid, [] or a struct of defaults. */
  readonly default?: T | null;
  /** Number of a tagged field; it then exists in flexible versions only and is left out while it has its default. */
  readonly tag?: number;
  /** `false`: a value other than the default must not be dropped silently by a version that lacks the field. */
  readonly ignorable?: false;
  /** `false`: keeps the classic encoding in flexible versions (some record schemas do). */
  readonly flexible?: false;
}

/** A field as the compilers see it; `types` exists for inference only. */
export interface Field<Out = unknown, In = unknown, Omittable extends boolean = boolean> {
  readonly kind: Kind;
  readonly options: Options<unknown>;
  readonly item?: Field;
  readonly fields?: Fields;
  readonly types?: { readonly out: Out; readonly in: In; readonly omittable: Omittable };
}

export type Fields = { readonly [name: string]: Field };

type Nullable<T, O> = O extends { nullable: true | number } ? T | null : T;
type IsOmittable<O> = O extends { default: unknown } | { since: number } | { until: number } | { tag: number }
  ? true
  : false;
type OutOf<F> = F extends Field<infer Out, unknown, boolean> ? Out : never;
type InOf<F> = F extends Field<unknown, infer In, boolean> ? In : never;
type OmittableKeys<F extends Fields> = {
  [K in keyof F]: F[K] extends Field<unknown, unknown, infer O> ? (false extends O ? never : K) : never;
}[keyof F];

/** What a decoder returns for these fields: all present, deeply read-only. */
export type Decoded<F extends Fields> = { readonly [K in keyof F]: OutOf<F[K]> };

/** What an encoder takes for these fields: those with a default may be left out. */
export type Input<F extends Fields> = {
  readonly [K in Exclude<keyof F, OmittableKeys<F>>]: InOf<F[K]>;
} & { readonly [K in OmittableKeys<F>]?: InOf<F[K]> | undefined };

type Scalar<T, O> = Field<Nullable<T, O>, Nullable<T, O>, IsOmittable<O>>;
type ItemOut<I> = I extends Field<infer Out, unknown, boolean> ? Out : I extends Fields ? Decoded<I> : never;
type ItemIn<I> = I extends Field<unknown, infer In, boolean> ? In : I extends Fields ? Input<I> : never;

const scalar =
  <T>(kind: Kind) =>
  <const O extends Options<T>>(options?: O): Scalar<T, O> => ({ kind, options: options ?? {} });

export const int8 = scalar<number>('int8');
export const int16 = scalar<number>('int16');
export const int32 = scalar<number>('int32');
/** A number, exact within ±2^53; see `NO_LIMIT` for 2^63−1. */
export const int64 = scalar<number>('int64');
export const uint16 = scalar<number>('uint16');
export const float64 = scalar<number>('float64');
export const boolean = scalar<boolean>('boolean');
export const string = scalar<string>('string');
/** A slice of the frame that it was decoded from. */
export const bytes = scalar<Buffer>('bytes');
/** Lower-case 8-4-4-4-12 text. */
export const uuid = scalar<string>('uuid');
/** Record batches: one slice when decoded; when encoded, as many as given, referenced and not copied. */
export const records = scalar<readonly Buffer[]>('records');

/** A list of one kind of item: a field (`int32()`) or, given as a plain object, a struct. */
export function array<const I extends Field<unknown, unknown> | Fields, const O extends Options<never[]>>(
  item: I,
  options?: O,
): Field<Nullable<readonly ItemOut<I>[], O>, Nullable<readonly ItemIn<I>[], O>, IsOmittable<O>> {
  return { kind: 'array', options: options ?? {}, item: isField(item) ? item : struct(item) };
}

export function struct<const F extends Fields, const O extends Options<never>>(
  fields: F,
  options?: O,
): Field<Nullable<Decoded<F>, O>, Nullable<Input<F>, O>, IsOmittable<O>> {
  return { kind: 'struct', options: options ?? {}, fields };
}

function isField(item: Field | Fields): item is Field {
  return typeof item.kind === 'string';
}

/** Where a message comes from: a client, a broker, or a log. */
export type Role = 'request' | 'response' | 'record';

/** One message: its fields and versions, with the code compiled for each version so far. */
export interface Schema<F extends Fields = Fields> {
  readonly name: string;
  readonly minVersion: number;
  readonly maxVersion: number;
  /** First flexible version (compact lengths, tagged fields); `NEVER_FLEXIBLE` if there is none. */
  readonly flexibleFrom: number;
  readonly fields: F;
  readonly role: Role;
  /** True for requests: Apache Kafka ignores what follows the last field, and librdkafka relies on it. */
  readonly ignoresTrailingBytes: boolean;
  readonly decoders: (Decoder | undefined)[];
  readonly encoders: (Encoder | undefined)[];
}

export const NEVER_FLEXIBLE = 32_768;

export function schema<const F extends Fields>(
  name: string,
  versions: { readonly minVersion: number; readonly maxVersion: number; readonly flexibleFrom: number },
  fields: F,
  role: Role = 'record',
): Schema<F> {
  const { minVersion, maxVersion, flexibleFrom } = versions;
  // One slot per version, made at once, so that the lookup on the hot path never meets a hole that grows.
  const slots = () => Array.from<undefined>({ length: maxVersion + 1 });
  const compiled = { decoders: slots(), encoders: slots() };
  return {
    name,
    minVersion,
    maxVersion,
    flexibleFrom,
    fields,
    role,
    ignoresTrailingBytes: role === 'request',
    ...compiled,
  };
}

/** Listeners on which an API may be served. */
export type Listener = 'client' | 'internal';

/** One Kafka API: a request and a response schema under one key. */
export interface Api<Req extends Fields = Fields, Res extends Fields = Fields> {
  readonly key: number;
  readonly name: string;
  readonly minVersion: number;
  readonly maxVersion: number;
  /** The least version that ApiVersions advertises, where that is lower than what is served. */
  readonly advertisedMinVersion: number;
  readonly flexibleFrom: number;
  readonly listeners: readonly Listener[];
  readonly request: Schema<Req>;
  readonly response: Schema<Res>;
}

export interface ApiDeclaration<Req extends Fields, Res extends Fields> {
  readonly key: number;
  readonly name: string;
  readonly minVersion: number;
  readonly maxVersion: number;
  readonly advertisedMinVersion?: number;
  readonly flexibleFrom: number;
  readonly listeners?: readonly Listener[];
  readonly request: Req;
  readonly response: Res;
}

export function defineApi<const Req extends Fields, const Res extends Fields>(
  api: ApiDeclaration<Req, Res>,
): Api<Req, Res> {
  return {
    key: api.key,
    name: api.name,
    minVersion: api.minVersion,
    maxVersion: api.maxVersion,
    advertisedMinVersion: api.advertisedMinVersion ?? api.minVersion,
    flexibleFrom: api.flexibleFrom,
    listeners: api.listeners ?? ['client', 'internal'],
    request: schema(`${api.name}Request`, api, api.request, 'request'),
    response: schema(`${api.name}Response`, api, api.response, 'response'),
  };
}

export type RequestOf<A> = A extends Api<infer Req, Fields> ? Decoded<Req> : never;
export type ResponseOf<A> = A extends Api<Fields, infer Res> ? Decoded<Res> : never;
export type RequestInput<A> = A extends Api<infer Req, Fields> ? Input<Req> : never;
export type ResponseInput<A> = A extends Api<Fields, infer Res> ? Input<Res> : never;
