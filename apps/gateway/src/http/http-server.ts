/**
 * The gateway's port: fastify for HTTP, ws for WebSockets. Turns requests into calls of the core and its errors into
 * problem documents.
 * Invariant: every wait of a slow client is bounded (headers, body, idle), and every body and header in size.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Logger } from '@meridian/io';
import { openPort } from '@meridian/service';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { WebSocketServer } from 'ws';
import type { GatewayConfig } from '../config.ts';
import { asGatewayError, GatewayError } from '../errors.ts';
import type { GatewayCore } from '../gateway-core.ts';
import { LIMITS } from '../limits.ts';
import { bearerOf, readHandshake } from './handshake.ts';
import { createHttpApp } from './http-app.ts';
import { isOriginAllowed } from './origins.ts';
import { PROBLEM_TYPE, problemOf } from './problem.ts';
import { publishRecords } from './records-route.ts';
import { wrapWebSocket } from './ws-socket.ts';

export interface HttpServer {
  readonly port: number;
  /** Refuses new connections; requests under way go on. */
  stopAccepting(): void;
  close(): Promise<void>;
}

export async function createHttpServer(core: GatewayCore, config: GatewayConfig, log: Logger): Promise<HttpServer> {
  const app = createHttpApp({
    bodyLimit: LIMITS.maxBodyBytes,
    requestTimeout: LIMITS.httpRequestTimeoutMs,
    keepAliveTimeout: LIMITS.httpKeepAliveMs,
    routerOptions: { maxParamLength: LIMITS.maxUrlPartChars },
    http: { headersTimeout: LIMITS.handshakeTimeoutMs, maxHeaderSize: LIMITS.maxHttpHeaderBytes },
    frameworkErrors: (error, _request, reply) => sendProblem(reply, asHttpError(error), log),
  });
  app.setErrorHandler((error, _request, reply) => sendProblem(reply, asHttpError(error), log));
  app.setNotFoundHandler((_request, reply) =>
    sendProblem(reply, new GatewayError('unknown-topic', 'no such path'), log),
  );
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  addRoutes(app, core, config);
  addWebSockets(app, core, config);
  const port = await openPort(app.server, config, () => app.listen({ host: config.host, port: config.port }));
  return {
    port,
    stopAccepting: () => void app.server.close(),
    close: () => app.close(),
  };
}

function addRoutes(app: FastifyInstance, core: GatewayCore, config: GatewayConfig): void {
  app.addHook('onRequest', async (request, reply) => {
    const { origin } = request.headers;
    if (!isOriginAllowed(origin, config.allowedOrigins))
      throw new GatewayError('forbidden', 'this web origin may not call');
    if (origin !== undefined) allowOrigin(reply, origin);
  });
  app.get('/healthz', async () => ({ status: core.isDraining ? 'draining' : 'ok', region: config.region }));
  app.options('/v1/*', async (_request, reply) => reply.code(204).send());
  app.post('/v1/topics/:topic/records', async (request: FastifyRequest, reply) => {
    const { topic } = request.params as { topic: string };
    const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    const answer = await publishRecords(core, topic, bearerOf(request.headers.authorization), body);
    return reply.code(answer.status).send(answer.body);
  });
}

function allowOrigin(reply: FastifyReply, origin: string): void {
  reply.header('access-control-allow-origin', origin).header('vary', 'origin');
  reply.header('access-control-allow-headers', 'authorization, content-type');
  reply.header('access-control-allow-methods', 'POST, GET, OPTIONS');
}

function addWebSockets(app: FastifyInstance, core: GatewayCore, config: GatewayConfig): void {
  const wss = new WebSocketServer({
    noServer: true,
    maxPayload: LIMITS.maxFrameBytes,
    perMessageDeflate: false,
    clientTracking: false,
    handleProtocols: (offered) => [...offered].find((name) => name.startsWith('meridian.')) ?? false,
  });
  app.server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    stream.on('error', () => stream.destroy());
    try {
      if (core.isDraining) throw new GatewayError('unavailable', 'the gateway goes down');
      if (core.isFull) throw new GatewayError('unavailable', 'the gateway has as many connections as it takes');
      const { protocol, token } = readHandshake(request, config.allowedOrigins);
      // ws picks the first that we know, as `readHandshake` did.
      request.headers['sec-websocket-protocol'] = protocol;
      wss.handleUpgrade(request, stream, head, (ws) => core.accept(wrapWebSocket(ws, stream, protocol), token));
    } catch (error) {
      refuseUpgrade(stream, asGatewayError(error));
    }
  });
}

function refuseUpgrade(stream: Duplex, error: GatewayError): void {
  const problem = problemOf(error);
  const body = JSON.stringify(problem);
  const head = [
    `HTTP/1.1 ${problem.status} ${problem.title}`,
    `content-type: ${PROBLEM_TYPE}`,
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  stream.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

function sendProblem(reply: FastifyReply, error: GatewayError, log: Logger): void {
  if (error.code === 'internal') log.error('a request failed', { error: error.cause ?? error });
  const problem = problemOf(error);
  if (problem.retryable) reply.header('retry-after', String(Math.ceil(LIMITS.retryAfterMs / 1000)));
  reply.code(problem.status).type(PROBLEM_TYPE).send(JSON.stringify(problem));
}

/** Fastify's own refusals (body too large, bad URL, …) bear a status; everything else is ours. */
function asHttpError(error: unknown): GatewayError {
  const { statusCode, message } = error as { statusCode?: number; message: string };
  if (statusCode === 413) return new GatewayError('too-large', `a body has at most ${LIMITS.maxBodyBytes} bytes`);
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500)
    return new GatewayError('bad-request', message);
  return asGatewayError(error);
}
