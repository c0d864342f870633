/**
 * The management port of a process: health and status as JSON, for probes, `meridian links` and operators.
 * One request per connection, GET and HEAD alone. It needs a real network: simulated processes do not open it.
 * Invariant: whatever arrives, the process answers or closes within `requestTimeoutMs` and a check's interval, and no
 * route can crash it.
 */
import type { Logger } from '@meridian/io';
import type { FastifyReply } from 'fastify';
import { createHttpApp, listenOn } from './http-app.ts';
import { LIMITS } from './limits.ts';

/** Returns what is sent as JSON with status 200. */
export type Route = () => unknown;

export interface ManagementOptions {
  host: string;
  /** 0 picks a free one. */
  port: number;
  log: Logger;
  /** By path, e.g. `'/v1/links'`. `/healthz` is there without being named: `{"status":"ok"}`. */
  routes: Readonly<Record<string, Route>>;
  /** From the connection to the whole request. Default `LIMITS.requestTimeoutMs`. */
  requestTimeoutMs?: number;
}

export interface ManagementServer {
  readonly port: number;
  /** Does not wait for anybody: open connections are closed. */
  close(): Promise<void>;
}

export async function createManagementServer(options: ManagementOptions): Promise<ManagementServer> {
  const { log, requestTimeoutMs = LIMITS.requestTimeoutMs } = options;
  const routes: Record<string, Route> = { '/healthz': () => ({ status: 'ok' }), ...options.routes };
  const app = await createHttpApp({
    requestTimeout: requestTimeoutMs,
    connectionTimeout: requestTimeoutMs,
    keepAliveTimeout: requestTimeoutMs,
    http: {
      headersTimeout: requestTimeoutMs,
      connectionsCheckingInterval: Math.min(requestTimeoutMs, LIMITS.connectionCheckMs),
      maxHeaderSize: LIMITS.maxRequestHeadBytes,
    },
    frameworkErrors: (error, _request, reply) => void refuse(reply, 400, error.message),
  });
  app.server.maxConnections = LIMITS.maxManagementConnections;
  app.addHook('onRequest', async ({ method }, reply) => {
    reply.header('cache-control', 'no-store').header('connection', 'close');
    if (method === 'GET' || method === 'HEAD') return;
    return refuse(reply.header('allow', 'GET, HEAD'), 405, `${method} is not served here`);
  });
  app.setNotFoundHandler((_request, reply) =>
    refuse(reply, 404, `no such path, there are: ${Object.keys(routes).join(' ')}`),
  );
  app.setErrorHandler((error, request, reply) => {
    log.error('a management route failed', { path: request.url, error });
    return refuse(reply, 500, 'failed, see the log');
  });
  for (const [path, route] of Object.entries(routes)) app.get(path, async () => route());
  const port = await listenOn(app, options);
  return { port, close: () => app.close() };
}

const refuse = (reply: FastifyReply, status: number, error: string): FastifyReply =>
  reply.code(status).header('connection', 'close').send({ error });
