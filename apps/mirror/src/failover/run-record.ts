/**
 * Records of `__meridian_failovers`, at the region that takes over or gets back: what was begun, and how far each topic
 * is. Written before a step is begun, so that whoever comes after a crash knows where to go on.
 * Invariant: a record of another version, or one that is not exactly such a record, is an error and never guessed at.
 *
 *   key `<run>`                  the run's head
 *   key `<run>/<from>/<topic>`   one topic of it
 */
import { checkSchema } from '@meridian/service';
import { MirrorError } from '../errors.ts';
import type { RunHead, TopicRun } from './messages.ts';

export const FAILOVERS_TOPIC = '__meridian_failovers';

const name = { type: 'string', minLength: 1, maxLength: 249 } as const;
const offsets = { type: 'array', maxItems: 100_000, items: { type: 'integer', minimum: 0 } } as const;

const HEAD = {
  type: 'object',
  additionalProperties: false,
  properties: {
    v: { type: 'integer', const: 1 },
    id: { type: 'string', minLength: 1, maxLength: 64 },
    kind: { type: 'string', enum: ['failover', 'failback'] },
    scope: {
      type: 'object',
      additionalProperties: false,
      properties: { kind: { type: 'string', enum: ['topic', 'tenant', 'region'] }, name },
      required: ['kind', 'name'],
    },
    to: name,
    startedMs: { type: 'integer', minimum: 0 },
    force: { type: 'boolean' },
  },
  required: ['v', 'id', 'kind', 'scope', 'to', 'startedMs', 'force'],
} as const;

const TOPIC = {
  type: 'object',
  additionalProperties: false,
  properties: {
    topic: name,
    copy: name,
    copyId: { type: 'string', minLength: 1, maxLength: 36 },
    from: name,
    policy: { type: 'string', enum: ['prefix', 'identity'] },
    step: {
      type: 'string',
      enum: [
        ...['catching-up', 'sealing', 'promoting', 'groups'],
        ...['comparing', 'keeping-aside', 'deleting', 'copying', 'renewing', 'done'],
      ],
    },
    detail: { anyOf: [{ type: 'null' }, { type: 'string', maxLength: 1024 }] },
    notCopied: { anyOf: [{ type: 'null' }, { type: 'integer', minimum: 0 }] },
    cut: offsets,
    incarnation: { type: 'integer', minimum: 1 },
    common: offsets,
    aside: {
      anyOf: [
        { type: 'null' },
        {
          type: 'object',
          additionalProperties: false,
          properties: { topic: name, records: { type: 'integer', minimum: 0 } },
          required: ['topic', 'records'],
        },
      ],
    },
  },
  required: [
    ...['topic', 'copy', 'copyId', 'from', 'policy', 'step', 'detail', 'notCopied'],
    ...['cut', 'incarnation', 'common', 'aside'],
  ],
} as const;

export type RunRecord =
  | { readonly kind: 'head'; readonly id: string; readonly head: RunHead | null }
  | { readonly kind: 'topic'; readonly id: string; readonly key: string; readonly topic: TopicRun | null };

export const topicKey = ({ from, topic }: Pick<TopicRun, 'from' | 'topic'>): string => `${from}/${topic}`;

export const encodeHead = (head: RunHead): { key: Buffer; value: Buffer } => ({
  key: Buffer.from(head.id),
  value: Buffer.from(JSON.stringify(head)),
});

export const encodeTopicRun = (id: string, topic: TopicRun): { key: Buffer; value: Buffer } => ({
  key: Buffer.from(`${id}/${topicKey(topic)}`),
  value: Buffer.from(JSON.stringify({ v: 1, ...topic })),
});

/** A value of null: the run has been forgotten. */
export function decodeRunRecord(key: Buffer, value: Buffer | null): RunRecord {
  const text = key.toString('utf8');
  const slash = text.indexOf('/');
  const id = slash < 0 ? text : text.slice(0, slash);
  if (slash < 0) return { kind: 'head', id, head: value === null ? null : (read(HEAD, value, text) as RunHead) };
  const topic = value === null ? null : (read(TOPIC, value, text) as TopicRun);
  return { kind: 'topic', id, key: text.slice(slash + 1), topic };
}

function read(schema: typeof HEAD | typeof TOPIC, value: Buffer, key: string): unknown {
  let parsed: unknown;
  try {
    parsed = JSON.parse(value.toString('utf8'));
  } catch {
    throw new MirrorError('run-record', `${key}: no JSON`);
  }
  const { v, ...rest } = (parsed ?? {}) as Record<string, unknown>;
  if (v !== 1) throw new MirrorError('run-record', `${key}: version ${String(v).slice(0, 20)}`);
  const { problems } = checkSchema(schema, schema === HEAD ? parsed : rest);
  if (problems.length > 0) throw new MirrorError('run-record', `${key}: ${problems[0]!.path.join('.')}`);
  return schema === HEAD ? parsed : rest;
}
