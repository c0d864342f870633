/**
 * The time that a call has left, and whether its caller still wants it. Made once per call and handed down.
 * Invariant: `race` settles by the deadline or the abort, whatever the promise does.
 */
import type { Io } from '@meridian/io';
import { ClientError } from './errors.ts';
import type { CallOptions } from './types.ts';

export class Deadline {
  readonly signal: AbortSignal | undefined;
  private readonly io: Pick<Io, 'clock' | 'timers'>;
  private readonly at: number;
  private readonly what: string;

  constructor(io: Pick<Io, 'clock' | 'timers'>, options: CallOptions, defaultMs: number, what: string) {
    this.io = io;
    this.at = io.clock.monotonic() + (options.timeoutMs ?? defaultMs);
    this.signal = options.signal;
    this.what = what;
  }

  remainingMs(): number {
    return Math.max(0, this.at - this.io.clock.monotonic());
  }

  isOver(): boolean {
    return this.signal?.aborted === true || this.remainingMs() === 0;
  }

  /** Why the call ends now. */
  error(cause?: unknown): ClientError {
    const code = this.signal?.aborted ? 'cancelled' : 'timeout';
    return new ClientError(code, this.what, cause === undefined ? undefined : { cause });
  }

  /** Waits, but not beyond the deadline; returns whether time is left. */
  async sleep(delayMs: number): Promise<boolean> {
    await this.io.timers.sleep(Math.min(delayMs, this.remainingMs()), this.signal);
    return !this.isOver();
  }

  race<T>(promise: Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const giveUp = (): void => {
        finish();
        reject(this.error());
      };
      const timer = this.io.timers.after(this.remainingMs(), giveUp);
      const finish = (): void => {
        timer.cancel();
        this.signal?.removeEventListener('abort', giveUp);
      };
      this.signal?.addEventListener('abort', giveUp, { once: true });
      if (this.signal?.aborted) giveUp();
      promise.then(resolve, reject).then(finish);
    });
  }
}
