/**
 * Fuzzing of envelopes: `npm run fuzz -- envelope`. Whatever a peer puts into one, it is answered, and a request that comes
 * out reaches only a handler of the API that its bytes name.
 */
import { AlterConfigs, type Api, CreateTopics, DeleteTopics, ERROR, encodeRequest } from '@meridian/protocol';
import { callHandler, localSource, withoutLength } from '../peers/local-call.ts';
import { createEnvelopeHandler } from './58-envelope.ts';
import { principalOf } from './forwarded-client.ts';
import { refusalOf } from './forwarding-refusals.ts';
import type { AnyHandler } from './handler.ts';

const FORWARDED: readonly Api[] = [CreateTopics, DeleteTopics, AlterConfigs];
const PRINCIPAL = principalOf('client');
const HEADER = { correlationId: 1, clientId: 'fuzz' };
const REFUSAL = { errorCode: ERROR.POLICY_VIOLATION, errorMessage: 'no' };

const handlers: readonly AnyHandler[] = FORWARDED.map((api) => ({
  api,
  handle: (request: never) => refusalOf(api, request, REFUSAL),
}));
const envelope = createEnvelopeHandler({ isActive: () => true }, handlers);

/** A byte that says how long the principal is, the principal, and the request. */
export function corpus(): Buffer[] {
  const bodies: readonly [Api, object][] = [
    [CreateTopics, { topics: [], timeoutMs: 1 }],
    [DeleteTopics, { topics: [{ name: 'a', topicId: '00000000-0000-0000-0000-000000000001' }], timeoutMs: 1 }],
    [AlterConfigs, { resources: [{ resourceType: 2, resourceName: 'a', configs: [] }], validateOnly: true }],
  ];
  return bodies.map(([api, body]) => {
    const request = withoutLength(encodeRequest(api, api.maxVersion, HEADER, body as never));
    return Buffer.concat([Buffer.from([PRINCIPAL.length]), PRINCIPAL, request]);
  });
}

export async function fuzz(input: Buffer): Promise<void> {
  const length = input[0] ?? 0;
  const requestPrincipal = input.subarray(1, 1 + length);
  const requestData = input.subarray(1 + length);
  const given = { requestData, requestPrincipal, clientHostAddress: Buffer.alloc(4) };
  const header = { version: 0, clientId: null, source: localSource(), answer: () => {}, onAbandon: undefined };
  const answer = await envelope.handle(given, header);
  if (typeof answer !== 'object') throw new Error('an envelope that is not answered');
  const { errorCode, responseData } = answer as { errorCode: number; responseData: Buffer | null };
  if ((errorCode === ERROR.NONE) !== (responseData !== null)) throw new Error(`error ${errorCode} with an answer`);
  if (responseData === null) return;
  const api = FORWARDED.find(({ key }) => key === requestData.readInt16BE(0))!;
  const again = await callHandler(handlers.find((handler) => handler.api === api)!, requestData, localSource());
  if (!again.equals(responseData)) throw new Error('two answers to one request');
}
