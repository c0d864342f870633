/**
 * What a copy is: of which region, topic id and incarnation. One type for both engines: our brokers keep the facts as
 * configs of the topic, beside Apache Kafka they are records of `__meridian_topics`. Read by the mirror, the gateway and
 * the command line. Invariant: what a topic is stands in its facts and is never parsed out of its name.
 *
 *   key    copy/<topic id of the copy>
 *   value  JSON, `v` 1; without a value the copy is gone
 *
 *   key    withheld/<topic id of the copy>
 *   value  JSON, `v` 1, `configs`: what its origin has set and a copy cannot have; it gets them when it is promoted
 *
 *   key    making/<name>       a copy of this name is about to be made: until its facts are there it is nobody's topic
 *   value  empty
 */
import { CoordinateError } from './errors.ts';
import { LIMITS } from './limits.ts';

export interface CopyFacts {
  /** Name and topic id of the copy itself. */
  readonly copy: string;
  readonly copyId: string;
  readonly originRegion: string;
  readonly originTopic: string;
  readonly originTopicId: string;
  /** 1, and one more each time the copy was begun anew or promoted. */
  readonly incarnation: number;
  readonly policy: CopyPolicy;
  /** Where each partition ended when it was promoted to a topic of its own; undefined: it is a copy. */
  readonly promotedAt?: readonly number[];
  /** About to be promoted: a copy still, to which nothing is appended any more. */
  readonly isSealed?: true;
  /** The link that made it; '' where nobody wrote it down. */
  readonly link: string;
  /** Where copying began, as `meridian.origin.start` says. */
  readonly start?: string;
}

/** Value of the config `meridian.origin.promoted` before the cuts are known: see `isSealed`. */
export const SEALED = 'sealed';

export type CopyPolicy = 'prefix' | 'identity';

export const ORIGIN_CONFIGS = {
  region: 'meridian.origin.region',
  topic: 'meridian.origin.topic',
  topicId: 'meridian.origin.topic.id',
  incarnation: 'meridian.origin.incarnation',
  policy: 'meridian.origin.policy',
  promoted: 'meridian.origin.promoted',
  start: 'meridian.origin.start',
  link: 'meridian.origin.link',
} as const;

/** Facts of a topic of our own brokers by the configs set on it; undefined: it is nobody's copy. */
export function factsOfConfigs(
  copy: string,
  copyId: string,
  configs: ReadonlyMap<string, string>,
): CopyFacts | undefined {
  const get = (name: keyof typeof ORIGIN_CONFIGS): string => configs.get(ORIGIN_CONFIGS[name]) ?? '';
  const [originRegion, originTopicId, start] = [get('region'), get('topicId'), get('start')];
  if (originRegion === '') return undefined;
  const promotedAt = cutsOf(get('promoted'));
  return {
    ...{ copy, copyId, originRegion, originTopicId },
    originTopic: get('topic') || nameWithout(copy, originRegion),
    incarnation: Number(get('incarnation')) || 1,
    policy: get('policy') === 'identity' ? 'identity' : 'prefix',
    link: get('link'),
    ...(promotedAt && { promotedAt }),
    ...(get('promoted') === SEALED && { isSealed: true as const }),
    ...(start !== '' && { start }),
  };
}

/** Copies made before the origin's name was written down are called by the policy `prefix`. */
const nameWithout = (copy: string, region: string): string =>
  copy.startsWith(`${region}.`) ? copy.slice(region.length + 1) : copy;

function cutsOf(text: string): number[] | undefined {
  return /^\d+(,\d+)*$/.test(text) ? text.split(',').map(Number) : undefined;
}

const KEY = /^copy\/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$/;
const VERSION = 1;
/** One more than a key has. */
const MAX_KEY_BYTES = 42;

export const encodeFactsKey = (copyId: string): Buffer => Buffer.from(`copy/${copyId}`);

const WITHHELD = /^withheld\/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$/;

export const encodeWithheldKey = (copyId: string): Buffer => Buffer.from(`withheld/${copyId}`);

export const decodeWithheldKey = (key: Buffer): string | undefined => WITHHELD.exec(key.toString('utf8', 0, 46))?.[1];

export function encodeWithheld(configs: Readonly<Record<string, string>>): Buffer {
  return Buffer.from(JSON.stringify({ v: VERSION, configs }));
}

export function decodeWithheld(copyId: string, value: Buffer): Readonly<Record<string, string>> {
  const { v, configs, ...rest } = objectOf(`withheld/${copyId}`, value);
  const isGood =
    v === VERSION && isObject(configs) && Object.values(configs).every(isText) && Object.keys(rest).length === 0;
  if (!isGood) throw new CoordinateError('topic-record', `withheld/${copyId}: its fields`);
  return configs as Record<string, string>;
}

const MAKING = 'making/';
const MAX_NAME_BYTES = 249;

export const encodeMakingKey = (name: string): Buffer => Buffer.from(`${MAKING}${name}`);

/** The name of a copy that is about to be made; undefined: the key is of another kind of record. */
export function decodeMakingKey(key: Buffer): string | undefined {
  if (key.length > MAKING.length + MAX_NAME_BYTES) return undefined;
  const text = key.toString('utf8');
  return text.startsWith(MAKING) ? text.slice(MAKING.length) : undefined;
}

/** The copy's topic id; undefined: the key is of another kind of record, which is not ours to read. */
export const decodeFactsKey = (key: Buffer): string | undefined =>
  KEY.exec(key.toString('utf8', 0, MAX_KEY_BYTES))?.[1];

export function encodeFacts({ copyId: _, ...facts }: CopyFacts): Buffer {
  return Buffer.from(JSON.stringify({ v: VERSION, ...facts }));
}

type Check = (value: unknown) => boolean;
const isText: Check = (value) => typeof value === 'string' && value.length > 0 && value.length <= 4096;
const isOffset: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;

/** Strict: a field that is missing, unknown or of another kind makes the record unreadable, never half read. */
const FIELDS: Readonly<Record<string, { readonly check: Check; readonly optional?: true }>> = {
  v: { check: (value) => value === VERSION },
  copy: { check: isText },
  originRegion: { check: isText },
  originTopic: { check: isText },
  originTopicId: { check: isText },
  incarnation: { check: (value) => isOffset(value) && (value as number) >= 1 },
  policy: { check: (value) => value === 'prefix' || value === 'identity' },
  promotedAt: { check: (value) => Array.isArray(value) && value.every(isOffset), optional: true },
  isSealed: { check: (value) => value === true, optional: true },
  link: { check: (value) => value === '' || isText(value) },
  start: { check: isText, optional: true },
};

export function decodeFacts(copyId: string, value: Buffer): CopyFacts {
  const refused = (detail: string): CoordinateError => new CoordinateError('topic-record', `copy/${copyId}: ${detail}`);
  const record = objectOf(`copy/${copyId}`, value);
  for (const [name, { check, optional }] of Object.entries(FIELDS)) {
    const isMissing = !Object.hasOwn(record, name);
    if (isMissing ? !optional : !check(record[name])) throw refused(`field ${name}`);
  }
  const unknown = Object.keys(record).find((name) => !Object.hasOwn(FIELDS, name));
  if (unknown !== undefined) throw refused(`unknown field ${unknown.slice(0, 40)}`);
  const { v: _, ...facts } = record;
  return { ...(facts as unknown as Omit<CopyFacts, 'copyId'>), copyId };
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function objectOf(key: string, value: Buffer): Record<string, unknown> {
  const refused = (detail: string): CoordinateError => new CoordinateError('topic-record', `${key}: ${detail}`);
  if (value.length > LIMITS.factsBytes) throw refused(`${value.length} bytes`);
  let read: unknown;
  try {
    read = JSON.parse(value.toString('utf8'));
  } catch {
    throw refused('no JSON');
  }
  if (!isObject(read)) throw refused('no JSON object');
  return read;
}
