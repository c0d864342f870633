import { createServer as createPlainServer } from 'node:net';
import { createServer, type Server, type TlsOptions as ServerOptions } from 'node:tls';
import { afterEach, expect, test } from 'vitest';
import type { Connection, TlsOptions } from '../io.ts';
import { selfSigned } from '../testing/self-signed.ts';
import { createRealIo } from './real-io.ts';

const io = createRealIo();
const ours = selfSigned(['localhost', '127.0.0.1']);
const elsewhere = selfSigned(['elsewhere']);
const open: { close(): unknown }[] = [];

afterEach(() => {
  for (const each of open.splice(0)) each.close();
});

/** Echoes what it is sent. */
async function serve(options: ServerOptions): Promise<number> {
  const server: Server = createServer(options, (socket) => {
    socket.on('error', () => {});
    socket.pipe(socket);
  });
  server.on('tlsClientError', () => {});
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  open.push(server);
  return (server.address() as { port: number }).port;
}

const connect = (port: number, tls: TlsOptions): Promise<Connection> =>
  io.net.connect({ host: '127.0.0.1', port, timeoutMs: 5_000, tls });

async function connectFails(port: number, tls: TlsOptions) {
  return connect(port, tls).then(
    (connection) => connection.destroy(),
    ({ code, message }) => ({ code, message }),
  );
}

test('bytes come back as they were, in both directions, to the last one', async () => {
  const connection = await connect(await serve(ours), { ca: ours.cert, verifyHost: true });
  const sent = Buffer.from(Array.from({ length: 3_000_000 }, (_, index) => index % 251));
  const got: Buffer[] = [];
  let size = 0;
  await new Promise<void>((done) => {
    connection.onData = (chunk) => {
      got.push(Buffer.from(chunk));
      size += chunk.length;
      if (size === sent.length) done();
    };
    connection.write([sent.subarray(0, 10), sent.subarray(10, 100_000), sent.subarray(100_000)]);
  });
  expect(Buffer.concat(got).equals(sent)).toBe(true);
  const closed = new Promise((done) => (connection.onClose = done));
  connection.end();
  expect(await closed).toBeUndefined();
});

test('a certificate that nobody trusts is refused, and one that names somebody else is', async () => {
  expect(await connectFails(await serve(ours), { verifyHost: true })).toMatchObject({ code: 'tls' });
  const port = await serve(elsewhere);
  expect(await connectFails(port, { ca: elsewhere.cert, verifyHost: true })).toMatchObject({ code: 'tls' });
  (await connect(port, { ca: elsewhere.cert, verifyHost: false })).destroy();
  (await connect(port, { ca: elsewhere.cert, verifyHost: true, servername: 'elsewhere' })).destroy();
});

test('a server that wants to know its clients is shown our certificate', async () => {
  const client = selfSigned(['client']);
  const port = await serve({
    ...ours,
    requestCert: true,
    rejectUnauthorized: true,
    ca: client.cert,
    maxVersion: 'TLSv1.2',
  });
  expect(await connectFails(port, { ca: ours.cert, verifyHost: true })).toBeDefined();
  const connection = await connect(port, { ca: ours.cert, verifyHost: true, cert: client.cert, key: client.key });
  const echoed = new Promise<string>((done) => (connection.onData = (chunk) => done(chunk.toString())));
  connection.write([Buffer.from('known')]);
  expect(await echoed).toBe('known');
  connection.destroy();
});

test('a port that does not speak TLS, and a key that is none, are told as such', async () => {
  const plain = createPlainServer((socket) => {
    socket.on('error', () => {});
    socket.end('SSH-2.0-of-another-kind\r\n');
  });
  await new Promise<void>((done) => plain.listen(0, '127.0.0.1', done));
  open.push(plain);
  const { port } = plain.address() as { port: number };
  expect(await connectFails(port, { verifyHost: true })).toMatchObject({ code: 'tls' });
  const noKey = { verifyHost: true, cert: 'no PEM', key: 'no PEM' };
  expect(await connectFails(port, noKey)).toMatchObject({ code: 'tls' });
});
