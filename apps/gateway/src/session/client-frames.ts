/**
 * Text frames of a client, read and checked field by field. The session machine gets nothing that has not been
 * through here.
 * Invariant: a frame either comes out whole or is a `GatewayError` with the id it can be answered with.
 */
import type { Coordinates } from '@meridian/sdk/frames';
import { checkRegion, checkTopic } from '@meridian/tenancy';
import { GatewayError } from '../errors.ts';
import { parseJson } from '../json/json-text.ts';
import { LIMITS } from '../limits.ts';
import { readJsonRecord } from '../publish/json-record.ts';
import type { PublishRequest } from '../publish/publish-request.ts';
import { asFields, countField, type Fields, idOf, optionalCount, optionalText, refuse, textField } from './fields.ts';

const MAX_TEXT = 16 * 1024;
const MAX_TOPIC = 1024;
const UUID_CHARS = 36;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export interface SubscribeRequest {
  readonly id: number;
  readonly topic: string;
  readonly from: 'earliest' | 'latest' | 'cursor';
  readonly cursor: string | undefined;
  readonly after: readonly Coordinates[];
  readonly credits: { readonly messages: number; readonly bytes: number };
}

export type ClientRequest =
  | { readonly type: 'connect'; readonly token: string | undefined; readonly session: string | undefined }
  | { readonly type: 'describe' | 'unsubscribe' | 'cursor'; readonly id: number; readonly topic: string }
  | { readonly type: 'publish'; readonly id: number; readonly request: PublishRequest }
  | { readonly type: 'subscribe'; readonly subscribe: SubscribeRequest }
  | { readonly type: 'credit'; readonly topic: string; readonly messages: number; readonly bytes: number }
  | { readonly type: 'ping'; readonly id: number };

export type FrameProblem = { readonly type: 'problem'; readonly id: number | undefined; readonly error: GatewayError };

export function readClientFrame(bytes: Buffer, nowMs: number): ClientRequest | FrameProblem {
  let id: number | undefined;
  try {
    const fields = asFields(parseJson(bytes), 'a frame');
    id = idOf(fields);
    return readFrame(fields, nowMs);
  } catch (error) {
    if (error instanceof GatewayError) return { type: 'problem', id, error };
    // Names are refused by the tenancy package, in its own words.
    if ((error as { code?: unknown }).code !== 'bad-name') throw error;
    return { type: 'problem', id, error: refuse((error as Error).message) };
  }
}

function readFrame(fields: Fields, nowMs: number): ClientRequest {
  switch (fields.type) {
    case 'connect':
      return {
        type: 'connect',
        token: optionalText(fields, 'token', MAX_TEXT),
        session: optionalText(fields, 'session', MAX_TEXT),
      };
    case 'describe':
    case 'unsubscribe':
    case 'cursor':
      return { type: fields.type, id: requiredId(fields), topic: topicOf(fields) };
    case 'publish': {
      const id = requiredId(fields);
      return { type: 'publish', id, request: readJsonRecord(topicOf(fields), fields, nowMs) };
    }
    case 'subscribe':
      return { type: 'subscribe', subscribe: readSubscribe(fields) };
    case 'credit':
      return { type: 'credit', topic: topicOf(fields), ...readCredits(fields) };
    case 'ping':
      return { type: 'ping', id: requiredId(fields) };
    default:
      throw refuse('type is not known');
  }
}

function readSubscribe(fields: Fields): SubscribeRequest {
  const { from } = fields;
  if (from !== 'earliest' && from !== 'latest' && from !== 'cursor')
    throw refuse('from must be earliest, latest or cursor');
  const cursor = from === 'cursor' ? textField(fields, 'cursor', MAX_TEXT) : undefined;
  const after = fields.after ?? [];
  if (!Array.isArray(after) || after.length > LIMITS.maxAfterCoordinates) {
    throw refuse(`after must be a list of at most ${LIMITS.maxAfterCoordinates}`);
  }
  const credits = readCredits(asFields(fields.credits, 'credits'));
  return { id: requiredId(fields), topic: topicOf(fields), from, cursor, after: after.map(readCoordinates), credits };
}

function readCoordinates(value: unknown): Coordinates {
  const fields = asFields(value, 'coordinates');
  const topicId = textField(fields, 'topicId', UUID_CHARS);
  if (!UUID.test(topicId)) throw refuse('topicId must be a uuid, in lower case');
  return {
    region: checkRegion(textField(fields, 'region', MAX_TOPIC)),
    topicId,
    partition: countField(fields, 'partition', LIMITS.maxPartitions - 1),
    epoch: fields.epoch === -1 ? -1 : countField(fields, 'epoch', 2 ** 31 - 1),
    offset: countField(fields, 'offset', Number.MAX_SAFE_INTEGER - 1),
  };
}

function readCredits(fields: Fields): { messages: number; bytes: number } {
  return { messages: optionalCount(fields, 'messages') ?? 0, bytes: optionalCount(fields, 'bytes') ?? 0 };
}

const topicOf = (fields: Fields): string => checkTopic(textField(fields, 'topic', MAX_TOPIC));

function requiredId(fields: Fields): number {
  const id = idOf(fields);
  if (id === undefined) throw refuse('id must be a whole number');
  return id;
}
