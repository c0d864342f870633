/**
 * One request to the management port: which route it is for, whether it may have it, and what it brings. Called by the
 * management server. Invariant: nothing is read of a request that is refused, and never more than `maxRequestBodyBytes`.
 */
import type { IncomingMessage } from 'node:http';
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
  readonly headers: Readonly<Record<string, string>>;
  constructor(status: number, reason: string, headers: Readonly<Record<string, string>> = {}) {
    super(reason);
    this.name = 'Refused';
    this.status = status;
    this.headers = headers;
  }
}

/** Before a body is read: is it served here, and may this one ask for it. Throws `Refused`. */
export function routeOf(routes: readonly ManagementRoute[], request: IncomingMessage): ManagementRoute {
  const { method = '', url = '', headers, socket } = request;
  const { parts } = partsOf(url);
  const here = routes.filter((route) => isAt(route.path, parts));
  if (here.length === 0) {
    const paths = new Set(routes.map((route) => route.path));
    throw new Refused(404, `no such path, there are: ${[...paths].join(' ')}`);
  }
  const asked = method === 'HEAD' ? 'GET' : method;
  const route = here.find((each) => each.method === asked);
  if (route === undefined) {
    const allowed = here.flatMap((each) => (each.method === 'GET' ? ['GET', 'HEAD'] : [each.method]));
    throw new Refused(405, `${method} is not served here`, { allow: allowed.join(', ') });
  }
  if (asked === 'GET') return route;
  if (headers.origin !== undefined) throw new Refused(403, 'changes are not for web pages');
  if (!isLoopback(socket.remoteAddress)) throw new Refused(403, 'changes are made on this machine');
  return route;
}

/** All that the route wants to know of it. Throws `Refused`. */
export async function takeRequest(route: ManagementRoute, request: IncomingMessage): Promise<ManagementRequest> {
  const { parts, query } = partsOf(request.url ?? '');
  const params = route.path.split('/').flatMap((part, at) => (part[0] === ':' ? [[part.slice(1), parts[at]!]] : []));
  return {
    params: Object.fromEntries(params),
    query: Object.fromEntries(new URLSearchParams(query)),
    body: route.body === undefined ? undefined : checked(route.body, await readJson(request)),
  };
}

function checked(schema: Schema, given: unknown): unknown {
  const { value, problems } = checkSchema(schema, given);
  if (problems.length === 0) return value;
  throw new Refused(400, problems.map((problem) => `${pathText(problem.path)} ${problem.message}`).join('\n'));
}

/** No body at all is null. */
async function readJson(request: IncomingMessage): Promise<unknown> {
  const { 'content-length': length = '0', 'content-type': type } = request.headers;
  const tooLarge = new Refused(413, `more than ${LIMITS.maxRequestBodyBytes} bytes are not taken`);
  if (Number(length) > LIMITS.maxRequestBodyBytes) throw tooLarge;
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > LIMITS.maxRequestBodyBytes) throw tooLarge;
      chunks.push(chunk);
    }
  } catch (error) {
    throw error === tooLarge ? tooLarge : new Refused(400, 'the request broke off');
  }
  if (size === 0) return null;
  if (!/^application\/json\s*(;|$)/i.test(type ?? '')) throw new Refused(400, 'what is sent must be application/json');
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch (error) {
    throw new Refused(400, (error as Error).message);
  }
}

function partsOf(url: string): { parts: string[]; query: string } {
  const at = url.indexOf('?');
  const path = at < 0 ? url : url.slice(0, at);
  return { parts: path.split('/').map(decoded), query: at < 0 ? '' : url.slice(at + 1) };
}

/** `path` may have `:names`, each for one part that is not empty. */
function isAt(path: string, parts: readonly string[]): boolean {
  const wanted = path.split('/');
  return (
    wanted.length === parts.length &&
    wanted.every((part, at) => (part[0] === ':' ? parts[at] !== '' : part === parts[at]))
  );
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new Refused(400, `${part} is not a part of a path`);
  }
}

const isLoopback = (address: string | undefined): boolean =>
  address !== undefined && (address === '::1' || /^(::ffff:)?127\./.test(address));
