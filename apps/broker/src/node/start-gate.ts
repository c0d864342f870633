/**
 * Holds requests back until what they need is there. The internal listener serves from a node's first moment, because the
 * quorum needs it; whoever asks for partitions waits until they are open.
 */
import { type AnyHandler, LATER } from '../apis/handler.ts';

export class StartGate {
  readonly #opened = Promise.withResolvers<void>();
  #isOpen = false;

  constructor() {
    this.#opened.promise.catch(() => {}); // whoever waits is told
  }

  open(): void {
    this.#isOpen = true;
    this.#opened.resolve();
  }

  /** It will never open: whoever waits loses its connection. */
  close(reason: Error): void {
    this.#opened.reject(reason);
  }

  guard<H extends AnyHandler>(handler: H): H {
    const handle: AnyHandler['handle'] = (request, header) => {
      if (this.#isOpen) return handler.handle(request, header);
      return this.#opened.promise.then(() => {
        const handled = handler.handle(request, header);
        // It answers by the header: this promise is never settled.
        return handled === LATER ? new Promise(() => {}) : handled;
      });
    };
    return { ...handler, handle };
  }
}
