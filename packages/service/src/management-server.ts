/**
 * The management port of a process: health and status as JSON, for probes, `meridian links` and operators, and what they
 * may change. One request per connection. It needs a real network: simulated processes do not open it.
 * Invariant: whatever arrives, the process answers or closes within `requestTimeoutMs` and a check's interval, and no
 * route can crash it. Whoever changes something is on this machine, and no web page.
 */
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from '@meridian/io';
import { openPort } from './http-port.ts';
import { LIMITS } from './limits.ts';
import { type ManagementRoute, Refused, routeOf, takeRequest } from './management-request.ts';

export interface ManagementOptions {
  host: string;
  /** 0 picks a free one. */
  port: number;
  log: Logger;
  /** `GET /healthz` is there without being named: `{"status":"ok"}`. */
  routes: readonly ManagementRoute[];
  /** From the connection to the whole request. Default `LIMITS.requestTimeoutMs`. */
  requestTimeoutMs?: number;
}

export interface ManagementServer {
  readonly port: number;
  /** Does not wait for anybody: open connections are closed. */
  close(): Promise<void>;
}

const HEALTH: ManagementRoute = { method: 'GET', path: '/healthz', handle: () => ({ status: 'ok' }) };

export async function createManagementServer(options: ManagementOptions): Promise<ManagementServer> {
  const { host, port, log, requestTimeoutMs = LIMITS.requestTimeoutMs } = options;
  const routes = [HEALTH, ...options.routes];
  // An import of it as a module would load all that it hands out: an HTTP client of 14 MB, too.
  const { createServer } = process.getBuiltinModule('node:http');
  const limits = {
    requestTimeout: requestTimeoutMs,
    headersTimeout: requestTimeoutMs,
    keepAliveTimeout: requestTimeoutMs,
    connectionsCheckingInterval: Math.min(requestTimeoutMs, LIMITS.connectionCheckMs),
    maxHeaderSize: LIMITS.maxRequestHeadBytes,
  };
  const server = createServer(limits, (request, response) => void answer(routes, request, response, log));
  server.timeout = requestTimeoutMs;
  server.maxConnections = LIMITS.maxManagementConnections;
  const listen = (): Promise<unknown> => once(server.listen({ host, port }), 'listening');
  return {
    port: await openPort(server, { host, port }, listen),
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(
  routes: readonly ManagementRoute[],
  request: IncomingMessage,
  response: ServerResponse,
  log: Logger,
): Promise<void> {
  try {
    const route = routeOf(routes, request);
    const asked = await takeRequest(route, request);
    request.socket.setTimeout(0); // it has all come; how long the answer takes is the route's to bound
    send(response, 200, await route.handle(asked));
  } catch (error) {
    if (error instanceof Refused) return send(response, error.status, { error: error.message }, error.headers);
    log.error('a management route failed', { path: request.url, error });
    send(response, 500, { error: 'failed, see the log' });
  }
}

function send(response: ServerResponse, status: number, value: unknown, headers = {}): void {
  const body = Buffer.from(JSON.stringify(value ?? null));
  response.writeHead(status, {
    ...headers,
    'cache-control': 'no-store',
    connection: 'close',
    'content-type': 'application/json; charset=utf-8',
    'content-length': body.length,
  });
  response.end(body);
}
