/**
 * The gateway's side of a frame channel: what a `ws` socket is over TCP, this is in the simulator. The first message of a
 * client names the subprotocol, as the HTTP upgrade does in the real world.
 */

import type { GatewaySocket } from '@meridian/gateway';
import type { Connection, Io } from '@meridian/io';
import { FrameChannel } from './frame-channel.ts';

/** Listens on `port` and hands every connection to `accept` once its subprotocol is known. */
export async function listenForChannels(io: Io, port: number, accept: (socket: GatewaySocket) => void): Promise<void> {
  await io.net.listen({ host: '0.0.0.0', port }, (connection) => acceptChannel(connection, accept));
}

function acceptChannel(connection: Connection, accept: (socket: GatewaySocket) => void): void {
  let socket: GatewaySocket | undefined;
  const channel = new FrameChannel(connection, {
    received: (data) => {
      if (socket !== undefined) {
        socket.onMessage(Buffer.from(data as string), typeof data !== 'string');
        return;
      }
      socket = socketOn(connection, channel, data as GatewaySocket['protocol']);
      accept(socket);
    },
    closed: () => socket?.onClose(),
  });
}

const ignore = (): void => {};

function socketOn(connection: Connection, channel: FrameChannel, protocol: GatewaySocket['protocol']): GatewaySocket {
  const socket: GatewaySocket = {
    protocol,
    get bufferedBytes() {
      return channel.bufferedBytes;
    },
    onMessage: ignore,
    onHeard: ignore,
    onDrain: ignore,
    onClose: ignore,
    sendText: (text) => channel.send(text),
    sendShared: (frame) => channel.send(frame.binary ? frame.payload() : frame.payload().toString()),
    ping: () => socket.onHeard(), // a frame channel has no ping: the connection below it is alive or closed
    pause: () => connection.pause(),
    resume: () => connection.resume(),
    close: (code, reason) => channel.close(code, reason),
    destroy: () => channel.destroy(),
  };
  channel.onDrain(() => socket.onDrain());
  return socket;
}
