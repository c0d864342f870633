/**
 * The management port of a process: health and status as JSON, for probes, `meridian links` and operators.
 * A small HTTP/1.1 responder over `io.net`: `node:http` costs 7 MB in every process, and this one runs in the
 * simulator too. One request per connection, GET and HEAD alone, no bodies.
 * Invariant: whatever arrives, the process answers or closes within `requestTimeoutMs`, and no route can crash it.
 */
import type { Connection, Io, Logger } from '@meridian/io';
import { LIMITS } from './limits.ts';

/** Returns what is sent as JSON with status 200. */
export type Route = () => unknown;

export interface ManagementOptions {
  io: Pick<Io, 'net' | 'timers'>;
  host: string;
  /** 0 picks a free one. */
  port: number;
  log: Logger;
  /** By path, e.g. `'/v1/links'`. `/healthz` is there without being named: `{"status":"ok"}`. */
  routes: Readonly<Record<string, Route>>;
}

export interface ManagementServer {
  readonly port: number;
  close(): Promise<void>;
}

export async function createManagementServer(options: ManagementOptions): Promise<ManagementServer> {
  const { io, host, port, log } = options;
  const routes = new Map<string, Route>([['/healthz', () => ({ status: 'ok' })], ...Object.entries(options.routes)]);
  const open = new Set<Connection>();
  const listener = await io.net.listen({ host, port }, (connection) => {
    if (open.size >= LIMITS.maxManagementConnections) {
      connection.onClose = () => undefined;
      connection.destroy();
      return;
    }
    open.add(connection);
    serveOne(
      io,
      connection,
      (head) => answer(routes, head, log),
      () => open.delete(connection),
    );
  });
  return {
    port: listener.port,
    async close() {
      await listener.close();
      for (const connection of open) connection.destroy();
    },
  };
}

/** Collects one request head, answers it, and closes. */
function serveOne(
  io: Pick<Io, 'timers'>,
  connection: Connection,
  answerTo: (head: string) => string,
  onGone: () => void,
): void {
  let head = '';
  let done = false;
  const deadline = io.timers.after(LIMITS.requestTimeoutMs, () => connection.destroy());
  const finish = (response: string): void => {
    done = true;
    connection.write([Buffer.from(response)]);
    connection.end();
  };
  connection.onClose = () => {
    deadline.cancel();
    onGone();
  };
  connection.onData = (chunk) => {
    if (done) return;
    head += chunk.toString('latin1');
    if (head.includes('\r\n\r\n')) finish(answerTo(head));
    else if (head.length > LIMITS.maxRequestHeadBytes) finish(responseText(431, { error: 'the request is too long' }));
  };
}

function answer(routes: ReadonlyMap<string, Route>, head: string, log: Logger): string {
  const [, method, target] = /^([A-Z]+) (\/\S*) HTTP\/1\.[01]\r\n/.exec(head) ?? [];
  if (method === undefined || target === undefined) return responseText(400, { error: 'not an HTTP request' });
  if (method !== 'GET' && method !== 'HEAD') return responseText(405, { error: `${method} is not served here` });
  const path = target.split('?', 1)[0] ?? target;
  const route = routes.get(path);
  if (!route) return responseText(404, { error: `no such path, there are: ${[...routes.keys()].join(' ')}` });
  try {
    return responseText(200, route(), method === 'HEAD');
  } catch (error) {
    log.error('a management route failed', { path, error });
    return responseText(500, { error: 'failed, see the log' });
  }
}

const REASONS: Record<number, string> = {
  200: 'OK',
  400: 'Bad Request',
  404: 'Not Found',
  405: 'Method Not Allowed',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
};

function responseText(status: number, body: unknown, headOnly = false): string {
  const text = `${JSON.stringify(body)}\n`;
  const head = [
    `HTTP/1.1 ${status} ${REASONS[status]}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(text)}`,
    'cache-control: no-store',
    'connection: close',
  ];
  return `${head.join('\r\n')}\r\n\r\n${headOnly ? '' : text}`;
}
