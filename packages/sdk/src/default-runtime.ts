/**
 * The runtime of browsers and of Node ≥ 22: the global WebSocket, clock, timers and randomness, and Node's own
 * zlib where there is one. Used by `connect` when no other is handed in; the one file that reaches for globals.
 */
import type { Codec } from '@meridian/protocol/record-batch';
import type { Runtime, Socket, SocketEvents } from './runtime.ts';

interface WebSocketLike {
  binaryType: string;
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
  onerror: (() => void) | null;
  send(data: string | Uint8Array): void;
  close(code: number, reason: string): void;
}
export type WebSocketClass = new (url: string, protocols: string[]) => unknown;

/** `WebSocketClass` is the platform's own unless another one is wished for (`ws` in Node). */
export function createDefaultRuntime(
  options: { WebSocket?: WebSocketClass; decompress?: Runtime['decompress'] } = {},
): Runtime {
  const decompress = options.decompress ?? nodeDecompress();
  return {
    now: () => Date.now(),
    timer(delayMs, run) {
      if (delayMs === 0 && host.setImmediate !== undefined) return endOfTurn(run);
      const timer = setTimeout(run, delayMs);
      return { cancel: () => clearTimeout(timer) };
    },
    random: () => Math.random(),
    socket: (url, subprotocol, events) => openSocket(options.WebSocket ?? platformSocket(), url, subprotocol, events),
    ...(decompress === undefined ? {} : { decompress }),
  };
}

const host = globalThis as {
  setImmediate?: (run: () => void) => unknown;
  clearImmediate?: (handle: unknown) => void;
};

/** Node's `setTimeout` would wait for a whole millisecond. */
function endOfTurn(run: () => void): { cancel(): void } {
  const handle = host.setImmediate?.(run);
  return { cancel: () => host.clearImmediate?.(handle) };
}

function platformSocket(): WebSocketClass {
  const found = (globalThis as { WebSocket?: WebSocketClass }).WebSocket;
  if (found === undefined) throw new Error('this platform has no WebSocket: hand one to createDefaultRuntime');
  return found;
}

function openSocket(Class: WebSocketClass, url: string, subprotocol: string, events: SocketEvents): Socket {
  const socket = new Class(url, [subprotocol]) as WebSocketLike;
  socket.binaryType = 'arraybuffer';
  socket.onopen = () => events.opened();
  socket.onmessage = ({ data }) =>
    events.received(typeof data === 'string' ? data : new Uint8Array(data as ArrayBuffer));
  socket.onclose = ({ code, reason }) => events.closed(code, reason);
  socket.onerror = () => undefined; // `close` follows and tells the same
  return { send: (data) => socket.send(data), close: (code, reason) => socket.close(code, reason) };
}

type ZlibSync = (bytes: Uint8Array, options: { maxOutputLength: number }) => Uint8Array;

/** gzip and zstd by Node's zlib; a browser shows such batches as undecodable, or takes the JSON subprotocol. */
function nodeDecompress(): Runtime['decompress'] {
  const host = (globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } }).process;
  const zlib = host?.getBuiltinModule?.('node:zlib') as
    | { gunzipSync: ZlibSync; zstdDecompressSync?: ZlibSync }
    | undefined;
  if (zlib === undefined) return undefined;
  return (codec: Codec, bytes: Uint8Array, maxBytes: number) => {
    const inflate = codec === 'gzip' ? zlib.gunzipSync : codec === 'zstd' ? zlib.zstdDecompressSync : undefined;
    if (inflate === undefined) throw new Error(`codec ${codec} needs a decompress function: see createDefaultRuntime`);
    return inflate(bytes, { maxOutputLength: maxBytes });
  };
}
