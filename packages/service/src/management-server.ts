/**
 * The management port of a process: health and status as JSON, for probes, `meridian links` and operators, and what they
 * may change. One request per connection. It needs a real network: simulated processes do not open it.
 * Invariant: whatever arrives, the process answers or closes within `requestTimeoutMs` and a check's interval, and no
 * route can crash it. Whoever changes something is on this machine, and no web page.
 */
import type { Logger } from '@meridian/io';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { createHttpApp, listenOn } from './http-app.ts';
import { LIMITS } from './limits.ts';
import { checkSchema, pathText, type Schema } from './schema.ts';

export interface ManagementRequest {
  /** Of the path's `:names`, and behind its `?`. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  /** As `body` wants it, defaults filled in; undefined without it. */
  readonly body: unknown;
}

export interface ManagementRoute {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** `/v1/links/:name`. */
  readonly path: string;
  /** What a request has to bring; without it, nothing is read. */
  readonly body?: Schema;
  /** Returns what is sent as JSON with status 200; throws `Refused` for anything else. */
  handle(request: ManagementRequest): unknown;
}

/** A request that is understood and not done: 404, 409, 503, … */
export class Refused extends Error {
  readonly status: number;
  constructor(status: number, reason: string) {
    super(reason);
    this.name = 'Refused';
    this.status = status;
  }
}

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
  const { log, requestTimeoutMs = LIMITS.requestTimeoutMs } = options;
  const routes = [HEALTH, ...options.routes];
  const app = await createHttpApp({
    requestTimeout: requestTimeoutMs,
    connectionTimeout: requestTimeoutMs,
    keepAliveTimeout: requestTimeoutMs,
    bodyLimit: LIMITS.maxRequestBodyBytes,
    http: {
      headersTimeout: requestTimeoutMs,
      connectionsCheckingInterval: Math.min(requestTimeoutMs, LIMITS.connectionCheckMs),
      maxHeaderSize: LIMITS.maxRequestHeadBytes,
    },
    frameworkErrors: (error, _request, reply) => void refuse(reply, 400, error.message),
  });
  app.server.maxConnections = LIMITS.maxManagementConnections;
  app.addHook('onRequest', async (request, reply) => {
    reply.header('cache-control', 'no-store').header('connection', 'close');
    return admit(request, reply, routes);
  });
  app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    if (error instanceof Refused) return refuse(reply, error.status, error.message);
    const { statusCode = 500 } = error;
    if (statusCode >= 400 && statusCode < 500) return refuse(reply, statusCode, error.message);
    log.error('a management route failed', { path: request.url, error });
    return refuse(reply, 500, 'failed, see the log');
  });
  for (const route of routes) {
    const handler = async (request: FastifyRequest, reply: FastifyReply) => answer(route, request, reply);
    app.route({ method: route.method, url: route.path, handler });
  }
  const port = await listenOn(app, options);
  return { port, close: () => app.close() };
}

/** Before a body is read: is it served here, and may this one ask for it. */
function admit(request: FastifyRequest, reply: FastifyReply, routes: readonly ManagementRoute[]) {
  const { method, url } = request;
  const here = routes.filter(({ path }) => isAt(path, url));
  if (here.length === 0) {
    const paths = new Set(routes.map(({ path }) => path));
    return refuse(reply, 404, `no such path, there are: ${[...paths].join(' ')}`);
  }
  const asked = method === 'HEAD' ? 'GET' : method;
  if (!here.some((route) => route.method === asked)) {
    const allowed = here.flatMap((route) => (route.method === 'GET' ? ['GET', 'HEAD'] : [route.method]));
    return refuse(reply.header('allow', allowed.join(', ')), 405, `${method} is not served here`);
  }
  if (asked === 'GET') return undefined;
  if (request.headers.origin !== undefined) return refuse(reply, 403, 'changes are not for web pages');
  if (!isLoopback(request.socket.remoteAddress)) return refuse(reply, 403, 'changes are made on this machine');
  return undefined;
}

async function answer(route: ManagementRoute, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const { value, problems } =
    route.body === undefined
      ? { value: undefined, problems: [] }
      : checkSchema(route.body, request.body === undefined ? null : request.body);
  if (problems.length > 0) {
    return refuse(reply, 400, problems.map(({ path, message }) => `${pathText(path)} ${message}`).join('\n'));
  }
  request.raw.socket.setTimeout(0); // it has all come; how long the answer takes is the route's to bound
  const query = Object.entries(request.query as Record<string, string | string[]>);
  return route.handle({
    params: request.params as Record<string, string>,
    query: Object.fromEntries(query.map(([name, given]) => [name, [given].flat().at(-1) ?? ''])),
    body: value,
  });
}

/** `path` may have `:names`, each for one part that is not empty. */
function isAt(path: string, url: string): boolean {
  const [given = ''] = url.split('?', 1);
  const [wanted, parts] = [path.split('/'), given.split('/')];
  return (
    wanted.length === parts.length &&
    wanted.every((part, at) => (part[0] === ':' ? parts[at] !== '' : part === parts[at]))
  );
}

const isLoopback = (address: string | undefined): boolean =>
  address !== undefined && (address === '::1' || /^(::ffff:)?127\./.test(address));

const refuse = (reply: FastifyReply, status: number, error: string): FastifyReply =>
  reply.code(status).header('connection', 'close').send({ error });
