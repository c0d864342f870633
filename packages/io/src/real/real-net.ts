/**
 * TCP of the real twin, and TLS over it for connections that we make. Nagle is off, because whoever writes has grouped already; keep-alive finds peers that
 * vanished without a word.
 * Invariant: a promise of this file rejects with `IoError` only, and a rejected `connect` leaves no socket behind.
 */
import { createServer, connect as openSocket, type Server, type Socket } from 'node:net';
import { IoError } from '../errors.ts';
import type { Connection, ConnectOptions, Listener, Net } from '../io.ts';
import { CONNECTION_HIGH_WATER_BYTES, KEEP_ALIVE_IDLE_MS } from '../limits.ts';
import { ioErrorFrom } from './errno.ts';
import { RealConnection } from './real-connection.ts';
import { acceptSockets, type Receiver, receiveInto } from './receive-buffer.ts';
import { openTlsSocket, tlsErrorFrom } from './tls-socket.ts';

const SOCKET_OPTIONS = {
  noDelay: true,
  keepAlive: true,
  keepAliveInitialDelay: KEEP_ALIVE_IDLE_MS,
  highWaterMark: CONNECTION_HIGH_WATER_BYTES,
} as const;

const ignore = (): void => {};

function listen(
  { host, port }: { host: string; port: number },
  onConnection: (connection: Connection) => void,
): Promise<Listener> {
  return new Promise((resolve, reject) => {
    const server = createServer(SOCKET_OPTIONS);
    server.once('error', (error) => reject(ioErrorFrom(error, `listen on ${host}:${port}`)));
    server.listen({ host, port }, () => {
      server.removeAllListeners('error');
      // From here on only `accept` can fail (no descriptors left): the peer is reset, and listening goes on.
      server.on('error', ignore);
      acceptSockets(server, SOCKET_OPTIONS, (socket, receiver) => {
        socket.setNoDelay(true);
        socket.setKeepAlive(true, KEEP_ALIVE_IDLE_MS);
        onConnection(new RealConnection(socket, receiver));
      });
      resolve(listenerOf(server));
    });
  });
}

function listenerOf(server: Server): Listener {
  const address = server.address();
  return {
    port: address !== null && typeof address === 'object' ? address.port : 0,
    // Node calls back only after the last connection has gone; the port is free at once.
    close: async () => void server.close(ignore),
  };
}

function connect({ host, port, timeoutMs, signal, tls }: ConnectOptions): Promise<Connection> {
  const detail = `connect to ${host}:${port}`;
  if (signal?.aborted) return Promise.reject(new IoError('closed', detail));
  return new Promise((resolve, reject) => {
    const receiver: Receiver = { onChunk: ignore };
    let socket: Socket;
    try {
      socket = tls
        ? openTlsSocket({ host, port, ...SOCKET_OPTIONS }, tls, receiver)
        : openSocket({ host, port, ...SOCKET_OPTIONS, onread: receiveInto(receiver) });
    } catch (error) {
      return reject(tlsErrorFrom(error, detail)); // such as a key that is none
    }
    const settle = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      socket.off('error', fail);
    };
    const fail = (error: unknown): void => {
      settle();
      socket.on('error', ignore);
      socket.destroy();
      reject(tls ? tlsErrorFrom(error, detail) : ioErrorFrom(error, detail));
    };
    const abort = (): void => fail(new IoError('closed', detail));
    const timer = setTimeout(() => fail(new IoError('timeout', detail)), timeoutMs);
    signal?.addEventListener('abort', abort);
    socket.on('error', fail);
    socket.once(tls ? 'secureConnect' : 'connect', () => {
      settle();
      resolve(new RealConnection(socket, receiver));
    });
  });
}

export const realNet: Net = { listen, connect };
