/**
 * A `ws` WebSocket as a `GatewaySocket`. What goes out is written to the TCP socket as frames that were built once;
 * `ws` reads, answers pings and closes.
 * Invariant: without compression `ws` writes synchronously to the same socket, so frames keep their order; everything
 * written in one turn of the event loop leaves in one system call.
 */
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { textFrame, type WireFrame } from '../delivery/wire-frame.ts';
import type { GatewaySocket } from '../session/gateway-socket.ts';

export function wrapWebSocket(ws: WebSocket, stream: Duplex, protocol: GatewaySocket['protocol']): GatewaySocket {
  let isCorked = false;
  const uncork = (): void => {
    isCorked = false;
    stream.uncork();
  };
  const write = (frame: WireFrame): void => {
    if (ws.readyState !== ws.OPEN) return;
    if (!isCorked) {
      isCorked = true;
      stream.cork();
      process.nextTick(uncork);
    }
    for (const part of frame.parts) stream.write(part);
  };
  const socket: GatewaySocket = {
    protocol,
    get bufferedBytes() {
      return stream.writableLength;
    },
    onMessage: () => undefined,
    onHeard: () => undefined,
    onDrain: () => undefined,
    onClose: () => undefined,
    sendText: (text) => write(textFrame(text)),
    sendShared: write,
    ping: () => ws.ping(),
    pause: () => ws.pause(),
    resume: () => ws.resume(),
    close: (code, reason) => ws.close(code, reason),
    destroy: () => ws.terminate(),
  };
  ws.on('message', (bytes, isBinary) => socket.onMessage(bytes as Buffer, isBinary));
  ws.on('ping', () => socket.onHeard());
  ws.on('pong', () => socket.onHeard());
  ws.on('close', () => socket.onClose());
  ws.on('error', () => undefined); // `close` follows, with the code of the protocol error
  stream.on('drain', () => socket.onDrain());
  return socket;
}
