/**
 * One connection between two nodes, through a proxy: what flows each way can be held back, the opening included. Used by
 * `links.ts`. Invariant: bytes are delayed or the connection ends; none is lost, added or changed.
 */
import { connect, type Socket } from 'node:net';

const HOST = '127.0.0.1';

export class Channel {
  readonly from: number;
  readonly to: number;
  onEnd: () => void = () => {};
  readonly #caller: Socket;
  readonly #targetPort: number;
  readonly #isCut: (from: number, to: number) => boolean;
  /** Opened as soon as nothing between the two is cut: until then its SYN, or the answer to it, is lost. */
  #called: Socket | undefined;

  constructor(
    caller: Socket,
    targetPort: number,
    ends: { readonly from: number; readonly to: number },
    isCut: (from: number, to: number) => boolean,
  ) {
    this.from = ends.from;
    this.to = ends.to;
    this.#caller = caller;
    this.#targetPort = targetPort;
    this.#isCut = isCut;
    caller.once('close', () => this.#settle());
    this.#settle();
  }

  /** To be called when a link was cut or healed. */
  linksChanged(): void {
    this.#settle();
  }

  end(): void {
    this.#caller.destroy();
    this.#called?.destroy();
    this.onEnd();
  }

  #settle(): void {
    const cutThere = this.#isCut(this.from, this.to);
    const cutBack = this.#isCut(this.to, this.from);
    if (this.#called === undefined) {
      if (this.#caller.destroyed) return this.end();
      if (cutThere || cutBack) return;
      this.#called = this.#open();
    }
    // That one end has closed is told to the other only where bytes would get through.
    if (this.#caller.destroyed && !cutThere) return this.end();
    if (this.#called.destroyed && !cutBack) return this.end();
    steer(this.#caller, this.#called, cutThere);
    steer(this.#called, this.#caller, cutBack);
  }

  #open(): Socket {
    const called = connect({ host: HOST, port: this.#targetPort, noDelay: true, allowHalfOpen: true });
    called.on('error', () => {}); // 'close' follows
    called.once('close', () => this.#settle());
    pipe(this.#caller, called, () => this.#settle());
    pipe(called, this.#caller, () => this.#settle());
    return called;
  }
}

function pipe(source: Socket, sink: Socket, onDrain: () => void): void {
  source.on('data', (chunk: Buffer) => {
    if (!sink.write(chunk)) source.pause();
  });
  sink.on('drain', onDrain);
  source.once('end', () => sink.end());
}

function steer(source: Socket, sink: Socket, isCut: boolean): void {
  if (isCut || sink.writableNeedDrain) source.pause();
  else source.resume();
}
