/**
 * Lets so many of a kind of call run at once and the others wait for their turn, in their order. Used where many calls
 * at once would only make all of them late.
 * Invariant: a call that was cancelled while it waited never begins.
 */
import { ClientError } from './errors.ts';

export class Turns {
  private free: number;
  private readonly waiting: (() => void)[] = [];

  constructor(width: number) {
    this.free = width;
  }

  async run<T>(what: string, signal: AbortSignal | undefined, call: () => Promise<T>): Promise<T> {
    if (this.free > 0) this.free--;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
    try {
      if (signal?.aborted) throw new ClientError('cancelled', what);
      return await call();
    } finally {
      const next = this.waiting.shift();
      if (next === undefined) this.free++;
      else next();
    }
  }
}
