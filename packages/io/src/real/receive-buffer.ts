/**
 * Sockets that are received into one buffer of the process, one chunk after the other, instead of one that Node makes for
 * every chunk. Used by real-net.ts for both directions.
 * Invariant: a chunk is valid until `onChunk` returns.
 *
 * Node offers this (`onread`) for sockets that connect, and not for those that a server accepts: for these the handle is
 * taken before Node makes a socket of it. Where a release of Node has no such handle, its own sockets do, with chunks of
 * their own.
 */
import { type OnReadOpts, type Server, Socket } from 'node:net';
import { RECEIVE_BYTES } from '../limits.ts';

/** To be set synchronously when the socket is there. */
export interface Receiver {
  onChunk: (chunk: Buffer) => void;
}

let shared: Buffer | undefined;

export function receiveInto(receiver: Receiver): OnReadOpts {
  const buffer = (shared ??= Buffer.allocUnsafeSlow(RECEIVE_BYTES));
  const callback = (bytes: number): boolean => {
    receiver.onChunk(buffer.subarray(0, bytes));
    return true;
  };
  return { buffer, callback };
}

interface Acceptor {
  onconnection?: (error: number, handle: unknown) => void;
}

/** From now on (it listens) the server's connections come this way. */
export function acceptSockets(
  server: Server,
  options: { readonly highWaterMark: number },
  onSocket: (socket: Socket, receiver: Receiver) => void,
): void {
  const acceptor = (server as unknown as { _handle?: Acceptor | null })._handle;
  if (typeof acceptor?.onconnection !== 'function') {
    server.on('connection', (socket: Socket) => {
      const receiver: Receiver = { onChunk: () => {} };
      socket.on('data', (chunk: Buffer) => receiver.onChunk(chunk));
      onSocket(socket, receiver);
    });
    return;
  }
  acceptor.onconnection = (error, handle) => {
    // No descriptors left: the peer is reset, and listening goes on.
    if (error) return;
    const receiver: Receiver = { onChunk: () => {} };
    const { highWaterMark: writableHighWaterMark } = options;
    const given = { handle, readable: true, writable: true, writableHighWaterMark, onread: receiveInto(receiver) };
    onSocket(new Socket(given as object), receiver);
  };
}
