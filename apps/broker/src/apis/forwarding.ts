/**
 * Requests of clients that only the active controller decides, whichever broker they come to: a wrapper around their
 * handlers. On the active controller it calls the handler; elsewhere the request goes there in an Envelope, and the answer
 * back to the client as it is.
 * Invariant: a client never hears NOT_CONTROLLER for where it asked. Without a controller it hears REQUEST_TIMED_OUT in time.
 */
import { ClientError } from '@meridian/client';
import {
  AddRaftVoter,
  type Api,
  decodeResponse,
  Envelope,
  ERROR,
  encodeRequest,
  RemoveRaftVoter,
} from '@meridian/protocol';
import { BrokerError } from '../errors.ts';
import { FORWARDING_LIMITS } from '../peers/limits.ts';
import { withoutLength } from '../peers/local-call.ts';
import { addressBytes, principalOf } from './forwarded-client.ts';
import { refusalOf } from './forwarding-refusals.ts';
import { type AnyHandler, CLOSE, type HandlerReach, type RequestHeader } from './handler.ts';

/** They wait for a node to catch up, or for voters to agree. */
const SLOW: ReadonlySet<number> = new Set([AddRaftVoter.key, RemoveRaftVoter.key]);

export type ForwardingReach = Pick<HandlerReach, 'isActive' | 'channel'>;

export function createForwarding(handler: AnyHandler, reach: ForwardingReach): AnyHandler {
  return {
    api: handler.api,
    handle(request, header) {
      if (!reach.isActive()) return forwardRest(handler, request, header, reach);
      const handled = handler.handle(request, header);
      if (!(handled instanceof Promise)) return handled;
      return handled.catch((error: unknown) => {
        // It stopped leading meanwhile.
        if (error instanceof BrokerError && error.code === 'not-controller') {
          return forwardRest(handler, request, header, reach);
        }
        throw error;
      });
    },
  };
}

async function forwardRest(
  { api, split }: AnyHandler,
  request: never,
  header: RequestHeader,
  reach: ForwardingReach,
): Promise<unknown> {
  if (split === undefined) return forward(api, request, header, reach);
  const { rest, join } = split(request);
  if (rest === undefined) return join(undefined);
  const decided = await forward(api, rest, header, reach);
  return decided === CLOSE ? CLOSE : join(decided);
}

async function forward(api: Api, request: unknown, header: RequestHeader, reach: ForwardingReach): Promise<unknown> {
  const { version, clientId, source } = header;
  const requestData = withoutLength(encodeRequest(api, version, { correlationId: 0, clientId }, request as never));
  if (requestData.length > FORWARDING_LIMITS.maxRequestBytes) {
    return refusalOf(api, request, { errorCode: ERROR.INVALID_REQUEST, errorMessage: 'The request is too long.' });
  }
  const requestPrincipal = principalOf(source.listener);
  const body = { requestData, requestPrincipal, clientHostAddress: addressBytes(source.remoteAddress) };
  const gone = new AbortController();
  header.onAbandon = () => gone.abort();
  try {
    const call = {
      timeoutMs: timeOf(request as { timeoutMs?: number }),
      signal: gone.signal,
      isSlow: SLOW.has(api.key),
    };
    const { errorCode, responseData } = await reach.channel.send(Envelope, body, call);
    // As Apache Kafka: the client connects anew and asks for versions again.
    if (errorCode === ERROR.UNSUPPORTED_VERSION) return CLOSE;
    if (errorCode === ERROR.NONE && responseData !== null) return decodeResponse(api, version, responseData).body;
    return unknownError(api, request, source, `envelope, error ${errorCode}`);
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    if (error.code !== 'timeout' && error.code !== 'cancelled' && error.code !== 'too-many-pending') {
      return unknownError(api, request, source, error.message);
    }
    const errorMessage = 'The active controller has not answered in time.';
    return refusalOf(api, request, { errorCode: ERROR.REQUEST_TIMED_OUT, errorMessage });
  }
}

function unknownError(api: Api, request: unknown, source: RequestHeader['source'], why: string): unknown {
  source.refused('the request could not be forwarded', { api: api.name, why });
  const errorMessage = 'The request could not be forwarded to the active controller.';
  return refusalOf(api, request, { errorCode: ERROR.UNKNOWN_SERVER_ERROR, errorMessage });
}

function timeOf({ timeoutMs = FORWARDING_LIMITS.timeoutMs }: { timeoutMs?: number }): number {
  return Math.min(Math.max(timeoutMs, FORWARDING_LIMITS.leastTimeoutMs), FORWARDING_LIMITS.mostTimeoutMs);
}
