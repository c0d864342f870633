/**
 * A record as JSON clients write it (publish frames, HTTP) turned into a publish. `nowMs` is its timestamp if it has none.
 * Invariant: a record that gets through fits into a batch and can be written as it is.
 */
import { checkTopic } from '@meridian/tenancy';
import { payloadBytes } from '../delivery/payload.ts';
import { GatewayError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { asFields, type Fields, optionalCount, refuse, textField } from '../session/fields.ts';
import type { PublishRequest } from './publish-request.ts';

const MAX_INT32 = 2 ** 31 - 1;
const MAX_HEADER_NAME_CHARS = 1024;

export function readJsonRecord(topic: string, fields: Fields, nowMs: number): PublishRequest {
  checkTopic(topic);
  if (!('value' in fields)) throw refuse('value is missing; null is a tombstone');
  const key = payloadBytes(fields.key, 'key');
  const value = payloadBytes(fields.value, 'value');
  const headers = readHeaders(fields.headers);
  const timestamp = optionalCount(fields, 'timestamp') ?? nowMs;
  const partition = optionalCount(fields, 'partition', MAX_INT32);
  const sequence = optionalCount(fields, 'sequence', MAX_INT32);
  if (sequence !== undefined && partition === undefined) throw refuse('sequence needs a partition');
  let sizeInBytes = LIMITS.recordOverheadBytes + (key?.length ?? 0) + (value?.length ?? 0);
  for (const header of headers) sizeInBytes += header.key.length * 3 + (header.value?.length ?? 0) + 10;
  if (sizeInBytes > LIMITS.maxRecordBytes) {
    throw new GatewayError('too-large', `a record has at most ${LIMITS.maxRecordBytes} bytes`);
  }
  const record = { timestamp, key, value, headers };
  return { topic, partition, sequence, record, batch: undefined, count: 1, sizeInBytes };
}

function readHeaders(headers: unknown): { key: string; value: Buffer | null }[] {
  if (headers === undefined || headers === null) return [];
  if (!Array.isArray(headers) || headers.length > LIMITS.maxRecordHeaders) {
    throw refuse(`headers must be a list of at most ${LIMITS.maxRecordHeaders}`);
  }
  return headers.map((header) => {
    const fields = asFields(header, 'a header');
    return { key: textField(fields, 'name', MAX_HEADER_NAME_CHARS), value: payloadBytes(fields.value, 'a header') };
  });
}
