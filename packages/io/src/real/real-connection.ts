/**
 * A TCP connection of the real twin over Node's socket. Made by real-net.ts for both directions.
 * Invariant: `onClose` comes exactly once and nothing after it; buffers written in one turn leave in one writev.
 */
import type { Socket } from 'node:net';
import type { Connection } from '../io.ts';
import { ioErrorFrom } from './errno.ts';
import type { Receiver } from './receive-buffer.ts';

const ignore = (): void => {};

export class RealConnection implements Connection {
  readonly remoteAddress: string;
  readonly remotePort: number;
  onData: (chunk: Buffer) => void = ignore;
  onClose: (error: Error | undefined) => void = ignore;
  onDrain: () => void = ignore;
  readonly #socket: Socket;
  #failure: Error | undefined;
  #corked = false;
  readonly #uncork = (): void => {
    this.#corked = false;
    this.#socket.uncork();
  };

  constructor(socket: Socket, receiver: Receiver) {
    this.#socket = socket;
    receiver.onChunk = (chunk) => this.onData(chunk);
    this.remoteAddress = socket.remoteAddress ?? '';
    this.remotePort = socket.remotePort ?? 0;
    socket.on('drain', () => this.onDrain());
    socket.on('error', (error) => {
      this.#failure = ioErrorFrom(error, `${this.remoteAddress}:${this.remotePort}`);
    });
    socket.on('close', () => this.onClose(this.#failure));
  }

  write(buffers: readonly Uint8Array[], onTaken?: () => void): boolean {
    const socket = this.#socket;
    if (!socket.writable) return false;
    if (!this.#corked) {
      this.#corked = true;
      socket.cork();
      process.nextTick(this.#uncork);
    }
    let belowMark = true;
    const last = onTaken === undefined ? -1 : buffers.length - 1;
    for (let index = 0; index < buffers.length; index++) {
      const buffer = buffers[index]!;
      belowMark = index === last ? socket.write(buffer, (error) => error ?? onTaken!()) : socket.write(buffer);
    }
    return belowMark;
  }

  get bufferedBytes(): number {
    return this.#socket.writableLength;
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}
