/**
 * `POST /v1/topics/{topic}/records`: one record or many, answered with their coordinates in the order of the request.
 * Invariant: the body is read and checked as a whole before anything of it is published.
 */
import type { Coordinates } from '@meridian/sdk/frames';
import { checkTopic, isAllowed } from '@meridian/tenancy';
import { asGatewayError, GatewayError } from '../errors.ts';
import type { GatewayCore } from '../gateway-core.ts';
import { parseJson } from '../json/json-text.ts';
import { LIMITS } from '../limits.ts';
import { readJsonRecord } from '../publish/json-record.ts';
import type { PublishOutcome, PublishRequest } from '../publish/publish-request.ts';
import { asFields, refuse } from '../session/fields.ts';

export interface RecordsAnswer {
  status: number;
  body: { records: (Coordinates | { error: { code: string; message: string; retryable: boolean } })[] };
}

/** Rejects with what becomes a problem document. */
export async function publishRecords(
  core: GatewayCore,
  topic: string,
  token: string | undefined,
  body: Buffer,
): Promise<RecordsAnswer> {
  if (core.isDraining) throw new GatewayError('unavailable', 'the gateway goes down');
  if (token === undefined) throw new GatewayError('unauthorized', 'Authorization: Bearer <token> is missing');
  const principal = await core.verifier.verify(token);
  checkTopic(topic);
  if (!isAllowed(principal.permissions, 'write', topic)) {
    throw new GatewayError('forbidden', `the token does not allow to write ${topic}`);
  }
  const requests = readBody(topic, body, core.nowMs);
  const outcomes = await Promise.all(requests.map((request) => publishOne(core, principal.tenant, request)));
  const failed = outcomes.filter((outcome) => outcome instanceof GatewayError);
  // Nothing was written: the request failed as a whole, with its first reason.
  if (failed[0] !== undefined && failed.length === outcomes.length) throw failed[0];
  return { status: failed.length === 0 ? 200 : 207, body: { records: outcomes.map(shown) } };
}

function readBody(topic: string, body: Buffer, nowMs: number): PublishRequest[] {
  const fields = asFields(parseJson(body), 'the body');
  if (fields.records === undefined) return [readOne(topic, fields, nowMs)];
  const { records } = fields;
  if (!Array.isArray(records) || records.length === 0 || records.length > LIMITS.maxRecordsPerRequest) {
    throw refuse(`records must be a list of 1..${LIMITS.maxRecordsPerRequest}`);
  }
  return records.map((record) => readOne(topic, record, nowMs));
}

function readOne(topic: string, record: unknown, nowMs: number): PublishRequest {
  const request = readJsonRecord(topic, asFields(record, 'a record'), nowMs);
  if (request.sequence !== undefined) throw refuse('sequence belongs to WebSocket sessions');
  return request;
}

function publishOne(core: GatewayCore, tenant: string, request: PublishRequest): Promise<PublishOutcome> {
  return new Promise((resolve) => core.publisher.publish(tenant, request, undefined, resolve));
}

function shown(outcome: PublishOutcome): RecordsAnswer['body']['records'][number] {
  if (!(outcome instanceof GatewayError)) return outcome;
  const { code, message, retryable } = asGatewayError(outcome);
  return { error: { code, message, retryable } };
}
