/** On a real port of this machine: what is tested is what a stranger's bytes meet there. */
import { type Io, type Logger, silentLogger } from '@meridian/io';
import { createRealIo } from '@meridian/io/real';
import { afterEach, expect, test } from 'vitest';
import { LIMITS } from './limits.ts';
import { Refused } from './management-request.ts';
import { createManagementServer, type ManagementOptions, type ManagementServer } from './management-server.ts';

const HOST = '127.0.0.1';
const io = createRealIo();
const servers: ManagementServer[] = [];

afterEach(() => Promise.all(servers.splice(0).map((server) => server.close())));

async function serve(options: Partial<ManagementOptions> = {}) {
  const server = await createManagementServer({ host: HOST, port: 0, log: silentLogger, routes: [], ...options });
  servers.push(server);
  const ask = (text: string): Promise<string> => exchange(io, server.port, text);
  return { server, ask };
}

/** Sends the text and resolves with what came until the other side closed. */
async function exchange(io: Io, port: number, text: string): Promise<string> {
  const connection = await io.net.connect({ host: HOST, port, timeoutMs: 1_000 });
  const chunks: Buffer[] = [];
  const closed = new Promise<void>((resolve) => {
    connection.onClose = () => resolve();
  });
  connection.onData = (chunk) => void chunks.push(Buffer.from(chunk));
  if (text !== '') connection.write([Buffer.from(text, 'latin1')]);
  await closed;
  return Buffer.concat(chunks).toString();
}

const get = (path: string, method = 'GET'): string => `${method} ${path} HTTP/1.1\r\nhost: x\r\n\r\n`;

test('health and routes are answered as JSON', async () => {
  const { ask } = await serve({ routes: [{ method: 'GET', path: '/v1/links', handle: () => ({ links: ['é'] }) }] });
  expect(await ask(get('/healthz'))).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\n{"status":"ok"}$/);
  expect(await ask('GET /v1/links?x=1 HTTP/1.0\r\n\r\n')).toMatch(/content-length: 16\r\n[\s\S]*{"links":\["é"\]}$/);
  expect(await ask(get('/healthz', 'HEAD'))).toMatch(/content-length: 15\r\n[\s\S]*\r\n\r\n$/);
});

test('other paths, methods and bytes are refused', async () => {
  const lines: string[] = [];
  const say = (message: string): void => void lines.push(message);
  const log: Logger = { ...silentLogger, info: say, warn: say, error: say };
  const { ask } = await serve({ log });
  expect(await ask(get('/etc/passwd'))).toMatch(/404 Not Found[\s\S]*there are: \/healthz/);
  expect(await ask(get('/%'))).toContain('400 Bad Request');
  expect(await ask('POST /healthz HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{"a":1}')).toContain(
    '405 Method Not Allowed',
  );
  expect(await ask('\0\x01random\r\n\r\n')).toContain('400 Bad Request');
  expect(await ask(`GET /${'a'.repeat(9_000)}`)).toContain('431 Request Header Fields Too Large');
  expect(lines).toEqual([]);
});

test('a route that throws is a 500 and nothing more', async () => {
  const { ask } = await serve({
    routes: [
      {
        method: 'GET',
        path: '/broken',
        handle: () => {
          throw new Error('secret');
        },
      },
    ],
  });
  const answer = await ask(get('/broken'));
  expect(answer).toContain('500 Internal Server Error');
  expect(answer).not.toContain('secret');
  expect(await ask(get('/healthz'))).toContain('200 OK');
});

const send = (method: string, path: string, body: string, more = ''): string =>
  `${method} ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n${more}content-length: ${body.length}\r\n\r\n${body}`;

test('what is sent is checked by the route’s schema, with defaults filled in', async () => {
  const count = { type: 'integer', minimum: 1, default: 1 };
  const body = { type: 'object', additionalProperties: false, properties: { count }, required: [] };
  const routes: ManagementOptions['routes'] = [
    { method: 'POST', path: '/v1/things/:name', body, handle: (request) => request },
    {
      method: 'DELETE',
      path: '/v1/things/:name',
      handle: ({ params }) => {
        throw new Refused(409, `${params.name} is in use`);
      },
    },
  ];
  const { ask } = await serve({ routes });
  expect(await ask(send('POST', '/v1/things/a?b=1&b=2', '{}'))).toContain(
    '{"params":{"name":"a"},"query":{"b":"2"},"body":{"count":1}}',
  );
  expect(await ask(send('POST', '/v1/things/a', '{"count":0,"x":1}'))).toMatch(
    /400 Bad Request[\s\S]*x is not a known field \(known: count\)\\ncount must be at least 1/,
  );
  expect(await ask(send('POST', '/v1/things/a', '{"count'))).toContain('400 Bad Request');
  expect(await ask(send('POST', '/v1/things/a', ''))).toContain('400 Bad Request');
  expect(await ask(send('POST', '/v1/things/a', '{}').replace('application/json', 'text/plain'))).toContain(
    '400 Bad Request',
  );
  expect(await ask(send('POST', '/v1/things/a', `"${'x'.repeat(LIMITS.maxRequestBodyBytes)}"`))).toContain('413');
  expect(await ask(get('/v1/things/a', 'DELETE'))).toMatch(/409 Conflict[\s\S]*a is in use/);
  expect(await ask(get('/v1/things/a'))).toMatch(/405[\s\S]*allow: POST, DELETE/);
  expect(await ask(get('/v1/things/', 'DELETE'))).toContain('404');
});

test('a web page cannot change anything', async () => {
  const routes: ManagementOptions['routes'] = [{ method: 'DELETE', path: '/v1/x', handle: () => ({}) }];
  const { ask } = await serve({ routes });
  expect(await ask(get('/v1/x', 'DELETE'))).toContain('200 OK');
  expect(await ask('DELETE /v1/x HTTP/1.1\r\nhost: x\r\norigin: http://evil\r\n\r\n')).toContain('403 Forbidden');
});

test('a connection that says nothing, or not all, is closed in time', async () => {
  const { ask } = await serve({ requestTimeoutMs: 50 });
  expect(await ask('')).not.toContain('200');
  expect(await ask('GET /healthz')).not.toContain('200');
});

test('connections above the limit are closed at once, and closing the server waits for none', async () => {
  const { server, ask } = await serve();
  const silent = Array.from({ length: LIMITS.maxManagementConnections }, () => ask(''));
  expect(await ask(get('/healthz'))).toBe('');
  await server.close();
  expect(new Set(await Promise.all(silent))).toEqual(new Set(['']));
});

test('a port that is taken is named', async () => {
  const { server } = await serve();
  await expect(serve({ port: server.port })).rejects.toMatchObject({ code: 'address-in-use' });
});
