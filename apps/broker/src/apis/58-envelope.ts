/**
 * Envelope: a client's request that another broker forwards. It is handled as if the client had come here, on the listener
 * that it did come to. Only peers can send it.
 * Invariant: whatever lies inside, the answer is an error of the envelope or what the API's own handler says; an envelope in
 * an envelope, and an API that is not the active controller's business, are refused.
 */
import { decodeRequestHeader, Envelope, ERROR, ProtocolError, type RequestOf } from '@meridian/protocol';
import { BrokerError } from '../errors.ts';
import { callHandler, localSource } from '../peers/local-call.ts';
import { addressText, listenerOf } from './forwarded-client.ts';
import type { AnyHandler, Handler, HandlerReach, RequestSource } from './handler.ts';

type Request = RequestOf<typeof Envelope>;

/** `direct`: the handlers of APIs that are forwarded, before they forward. */
export function createEnvelopeHandler(
  { isActive }: Pick<HandlerReach, 'isActive'>,
  direct: readonly AnyHandler[],
): Handler<typeof Envelope> {
  const handlers = new Map(direct.map((handler) => [handler.api.key, handler]));
  return {
    api: Envelope,
    async handle(request, { source }) {
      const listener = listenerOf(request.requestPrincipal);
      if (listener === undefined) return refuse(ERROR.PRINCIPAL_DESERIALIZATION_FAILURE);
      const remoteAddress = addressText(request.clientHostAddress);
      if (remoteAddress === undefined) return refuse(ERROR.INVALID_REQUEST);
      const apiKey = apiKeyOf(request);
      if (apiKey === undefined) return refuse(ERROR.UNSUPPORTED_VERSION);
      const handler = handlers.get(apiKey);
      if (handler === undefined) return refuse(ERROR.INVALID_REQUEST);
      if (!isActive()) return refuse(ERROR.NOT_CONTROLLER);
      return open(handler, request, clientAt(source, { listener, remoteAddress }));
    },
  };
}

async function open(handler: AnyHandler, { requestData }: Request, client: RequestSource) {
  try {
    return { errorCode: ERROR.NONE, responseData: await callHandler(handler, requestData, client) };
  } catch (error) {
    if (error instanceof ProtocolError) return refuse(ERROR.UNSUPPORTED_VERSION);
    if (!(error instanceof BrokerError)) throw error;
    const hasMoved = error.code === 'not-controller' || error.code === 'controller-closed';
    return refuse(hasMoved ? ERROR.NOT_CONTROLLER : ERROR.UNKNOWN_SERVER_ERROR);
  }
}

function apiKeyOf({ requestData }: Request): number | undefined {
  try {
    return decodeRequestHeader(requestData).apiKey;
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}

function refuse(errorCode: number) {
  return { errorCode, responseData: null };
}

/** Gone when the broker's connection is; what is refused is told on that one. */
function clientAt(envelope: RequestSource, client: Pick<RequestSource, 'listener' | 'remoteAddress'>): RequestSource {
  return {
    ...localSource({ ...client, isForwarded: true }),
    get closed() {
      return envelope.closed;
    },
    refused: (reason, fields) => envelope.refused(reason, { ...fields, forwardedFor: client.remoteAddress }),
  };
}
