import { type Io, silentLogger } from '@meridian/io';
import { createSimWorld } from '@meridian/io/sim';
import { expect, test } from 'vitest';
import { createManagementServer, type Route } from './management-server.ts';

async function serve(routes: Record<string, Route> = {}) {
  const world = createSimWorld({ seed: 3 });
  const io = world.node('server').boot();
  const client = world.node('client').boot();
  const server = await world.settle(
    createManagementServer({ io, host: 'server', port: 9094, log: silentLogger, routes }),
  );
  const ask = (text: string): Promise<string> => world.settle(exchange(client, text));
  return { world, client, server, ask };
}

/** Sends the text and resolves with what came until the other side closed. */
async function exchange(io: Io, text: string): Promise<string> {
  const connection = await io.net.connect({ host: 'server', port: 9094, timeoutMs: 1_000 });
  const chunks: Buffer[] = [];
  const closed = new Promise<void>((resolve) => {
    connection.onClose = () => resolve();
  });
  connection.onData = (chunk) => void chunks.push(chunk);
  connection.write([Buffer.from(text, 'latin1')]);
  await closed;
  return Buffer.concat(chunks).toString();
}

test('health and routes are answered as JSON', async () => {
  const { ask } = await serve({ '/v1/links': () => ({ links: ['é'] }) });
  expect(await ask('GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n')).toMatch(
    /^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\n{"status":"ok"}\n$/,
  );
  expect(await ask('GET /v1/links?x=1 HTTP/1.0\r\n\r\n')).toMatch(/content-length: 17\r\n[\s\S]*{"links":\["é"\]}\n$/);
});

test('other paths, methods and bytes are refused', async () => {
  const { ask } = await serve();
  expect(await ask('GET /etc/passwd HTTP/1.1\r\n\r\n')).toContain('404 Not Found');
  expect(await ask('POST /healthz HTTP/1.1\r\n\r\n')).toContain('405 Method Not Allowed');
  expect(await ask('\0\x01random\r\n\r\n')).toContain('400 Bad Request');
  expect(await ask(`GET /${'a'.repeat(9_000)}`)).toContain('431 Request Header Fields Too Large');
});

test('a route that throws is a 500 and nothing more', async () => {
  const { ask } = await serve({
    '/broken': () => {
      throw new Error('secret');
    },
  });
  const answer = await ask('GET /broken HTTP/1.1\r\n\r\n');
  expect(answer).toContain('500 Internal Server Error');
  expect(answer).not.toContain('secret');
  expect(await ask('GET /healthz HTTP/1.1\r\n\r\n')).toContain('200 OK');
});

test('a connection that says nothing is closed in time', async () => {
  const { world, ask } = await serve();
  const before = world.now();
  expect(await ask('GET /healthz')).toBe('');
  expect(world.now() - before).toBeLessThan(6_000);
});
