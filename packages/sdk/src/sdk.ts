/**
 * The client for browsers and Node ≥ 22: `connect`, then `publish` and `subscribe`. It needs nothing but a
 * WebSocket; everything else it is handed as a `Runtime`.
 * Reading order: `connect` here, `client.ts` (promises and sockets), `session/session.ts` (what decides).
 */
import { Meridian, type Token } from './client.ts';
import { createDefaultRuntime } from './default-runtime.ts';
import { LIMITS } from './limits.ts';
import type { Runtime } from './runtime.ts';

export { Meridian, type Published, type PublishOptions, type Token } from './client.ts';
export { createDefaultRuntime, type WebSocketClass } from './default-runtime.ts';
export { MeridianError, SDK_ERRORS, type SdkErrorCode } from './errors.ts';
export type { Coordinates, PartitionStatus, UndecodableFrame } from './frames.ts';
export type { Message } from './message.ts';
export type { Content } from './payload.ts';
export type { Runtime, Socket, SocketEvents } from './runtime.ts';
export type { ConnectionState, Gap, OutgoingRecord, SubscribeFrom } from './session/inputs-effects.ts';
export { Subscription } from './subscription.ts';

export interface ConnectOptions {
  /** Gateways in the order of preference, e.g. `wss://eu-west.example.com/v1/ws`; the next one is tried when one fails. */
  urls: readonly string[];
  /** A callback is asked at the first connect, before the token expires, and after it has. */
  token: Token;
  /** `json` unless said otherwise; `bin` brings raw batches, which browsers cannot decompress. */
  protocol?: 'json' | 'bin';
  /** Shown to operators. */
  client?: string;
  connectTimeoutMs?: number;
  publishTimeoutMs?: number;
  onState?: Meridian['onState'];
  runtime?: Runtime;
}

/** Resolves when a gateway has welcomed the client; rejects with a `MeridianError` (`refused`, `not-connected`). */
export async function connect(options: ConnectOptions): Promise<Meridian> {
  if (options.urls.length === 0) throw new TypeError('connect needs at least one URL');
  const meridian = new Meridian(
    {
      urls: options.urls,
      tokenIsRefreshed: typeof options.token === 'function',
      subprotocol: options.protocol ?? 'json',
      client: options.client ?? 'meridian-sdk',
      connectTimeoutMs: options.connectTimeoutMs ?? LIMITS.connectTimeoutMs,
      publishTimeoutMs: options.publishTimeoutMs ?? LIMITS.publishTimeoutMs,
    },
    options.token,
    options.runtime ?? createDefaultRuntime(),
  );
  meridian.onState = options.onState;
  await meridian.start();
  return meridian;
}
