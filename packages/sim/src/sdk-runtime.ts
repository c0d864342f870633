/**
 * The SDK's runtime in a simulated world: its clock, timers and randomness are the process's, its sockets are frame
 * channels. URLs are `sim://host:port`.
 */
import type { Io } from '@meridian/io';
import { decompress } from '@meridian/protocol';
import type { Runtime, Socket, SocketEvents } from '@meridian/sdk';
import { FrameChannel } from './frame-channel.ts';

const CONNECT_TIMEOUT_MS = 3_000;
const ABNORMAL = 1006;

export function createSimRuntime(io: Io): Runtime {
  return {
    now: () => io.clock.now(),
    timer: (delayMs, run) => io.timers.after(delayMs, run),
    random: () => io.random.next(),
    socket: (url, subprotocol, events) => openSocket(io, url, subprotocol, events),
    decompress,
  };
}

function openSocket(io: Io, url: string, subprotocol: string, events: SocketEvents): Socket {
  const { hostname, port } = new URL(url);
  const abort = new AbortController();
  let channel: FrameChannel | undefined;
  io.net.connect({ host: hostname, port: Number(port), timeoutMs: CONNECT_TIMEOUT_MS, signal: abort.signal }).then(
    (connection) => {
      channel = new FrameChannel(connection, {
        received: (data) => events.received(data),
        closed: (code, reason) => events.closed(code, reason),
      });
      channel.send(subprotocol);
      events.opened();
    },
    (error: Error) => events.closed(ABNORMAL, error.message),
  );
  return {
    send: (data) => channel?.send(data),
    close: (code, reason) => (channel === undefined ? abort.abort() : channel.close(code, reason)),
  };
}
