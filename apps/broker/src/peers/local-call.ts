/**
 * A request to a handler of this process without a socket: what came in an Envelope, or what this node asks of the
 * active controller that it is itself. It passes through the same bytes as between nodes, so both see the same.
 * Invariant: it ends with the handler's answer, or with what the handler threw.
 */
import {
  type Api,
  decodeRequest,
  decodeRequestHeader,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  ProtocolError,
  type RequestInput,
  type ResponseOf,
} from '@meridian/protocol';
import {
  type Answer,
  type AnyHandler,
  CLOSE,
  LATER,
  NO_ANSWER,
  type RequestHeader,
  type RequestSource,
} from '../apis/handler.ts';
import { OPEN } from '../server/authentication.ts';

const LENGTH_BYTES = 4;

/** One message between handlers: a frame of one piece, without its length. */
export function withoutLength(frame: readonly Buffer[]): Buffer {
  return Buffer.concat(frame).subarray(LENGTH_BYTES);
}

/** Where a request comes from that this process makes up. */
export function localSource(given: Partial<RequestSource> = {}): RequestSource {
  return {
    listener: 'internal',
    remoteAddress: '127.0.0.1',
    remotePort: 0,
    authentication: OPEN,
    clientSoftware: { name: '', version: '' },
    closed: false,
    refused: () => {},
    identify: () => {},
    ...given,
  };
}

/** A request frame in, its answer's frame out, both without length. Throws ProtocolError for what cannot be read. */
export async function callHandler(handler: AnyHandler, frame: Buffer, source: RequestSource): Promise<Buffer> {
  const { apiVersion, correlationId, clientId, bodyOffset } = decodeRequestHeader(frame);
  const { api } = handler;
  if (apiVersion < api.minVersion || apiVersion > api.maxVersion) {
    throw new ProtocolError('unsupported-version', `${api.name} v${apiVersion}`);
  }
  const request = decodeRequest(api, apiVersion, frame, bodyOffset);
  const answer = await handle(handler, request, { version: apiVersion, clientId, source });
  if (answer === CLOSE || answer === NO_ANSWER)
    throw new ProtocolError('unsupported-version', `${api.name}, no answer`);
  return withoutLength(encodeResponse(api, apiVersion, correlationId, answer as never));
}

/** In the highest version that there is. */
export async function callLocally<A extends Api>(
  handler: AnyHandler,
  api: A,
  body: RequestInput<A>,
): Promise<ResponseOf<A>> {
  const version = api.maxVersion;
  const frame = withoutLength(encodeRequest(api, version, { correlationId: 0, clientId: null }, body));
  return decodeResponse(api, version, await callHandler(handler, frame, localSource())).body;
}

function handle(
  handler: AnyHandler,
  request: unknown,
  given: Pick<RequestHeader, 'version' | 'clientId' | 'source'>,
): Promise<Answer<unknown>> {
  return new Promise((resolve, reject) => {
    const header: RequestHeader = { ...given, answer: resolve, onAbandon: undefined };
    const handled = handler.handle(request as never, header as never);
    if (handled === LATER) return;
    Promise.resolve(handled as Answer<unknown>).then(resolve, reject);
  });
}
