/**
 * A client's connection as a session sees it. Over TCP it is a `ws` socket (`http/ws-socket.ts`); simulated clients
 * and tests bring their own.
 * Invariant: handlers are assigned once, synchronously after the socket is handed over; nothing follows `onClose`.
 */
import type { WireFrame } from '../delivery/wire-frame.ts';

export interface GatewaySocket {
  /** The subprotocol that was agreed on. */
  readonly protocol: 'meridian.v1.json' | 'meridian.v1.bin';
  /** Bytes sent and not yet taken by the network. */
  readonly bufferedBytes: number;
  onMessage: (bytes: Buffer, isBinary: boolean) => void;
  /** A ping or pong came. */
  onHeard: () => void;
  /** `bufferedBytes` is low again. */
  onDrain: () => void;
  onClose: () => void;
  sendText(text: string): void;
  /** The same frame goes to many sockets; see `WireFrame`. */
  sendShared(frame: WireFrame): void;
  ping(): void;
  /** Stops reading what the client sends, and goes on. */
  pause(): void;
  resume(): void;
  close(code: number, reason: string): void;
  /** Ends it at once. */
  destroy(): void;
}
