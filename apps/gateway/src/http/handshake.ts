/**
 * The WebSocket handshake, before the upgrade: path, origin, subprotocol, token. What is refused gets an HTTP answer.
 * Invariant: the token's subprotocol is never echoed; neither token nor query is logged.
 */
import type { IncomingMessage } from 'node:http';
import { SUBPROTOCOLS } from '@meridian/sdk/frames';
import { GatewayError } from '../errors.ts';
import { isOriginAllowed } from './origins.ts';

const PATH = '/v1/ws';
const BEARER = 'bearer.';
const KNOWN: readonly string[] = Object.values(SUBPROTOCOLS);

export type Subprotocol = (typeof SUBPROTOCOLS)[keyof typeof SUBPROTOCOLS];

export interface Handshake {
  readonly protocol: Subprotocol;
  readonly token: string | undefined;
}

/** Throws a `GatewayError`; `status` is the HTTP status of the refusal. */
export function readHandshake(request: IncomingMessage, allowedOrigins: readonly string[]): Handshake {
  const path = (request.url ?? '').split('?', 1)[0];
  if (path !== PATH) throw new GatewayError('unknown-topic', `WebSockets are at ${PATH}`);
  if (!isOriginAllowed(request.headers.origin, allowedOrigins)) {
    throw new GatewayError('forbidden', 'this web origin may not connect');
  }
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
  const protocol = offered.find((name) => KNOWN.includes(name));
  if (protocol === undefined)
    throw new GatewayError('bad-request', `the subprotocol must be one of ${KNOWN.join(', ')}`);
  return { protocol: protocol as Subprotocol, token: bearerOf(request.headers.authorization) ?? offeredToken(offered) };
}

/** The token of an `Authorization: Bearer …` header. */
export function bearerOf(header: string | undefined): string | undefined {
  return header !== undefined && /^bearer /i.test(header) ? header.slice(7).trim() : undefined;
}

/** `bearer.<base64url of the token>`; a token is itself a valid name, so it is taken as it is too. */
function offeredToken(offered: readonly string[]): string | undefined {
  const text = offered.find((name) => name.startsWith(BEARER))?.slice(BEARER.length);
  if (text === undefined || text.includes('.')) return text;
  return Buffer.from(text, 'base64url').toString('latin1');
}
