/**
 * `Timers.sleep` in terms of `after`, for both twins.
 * Invariant: it resolves once, and leaves neither a timer nor a listener behind.
 */
import type { Timers } from './io.ts';

export function sleepOn(timers: Timers, delayMs: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const wake = (): void => {
      timer.cancel();
      signal?.removeEventListener('abort', wake);
      resolve();
    };
    const timer = timers.after(delayMs, wake);
    signal?.addEventListener('abort', wake);
  });
}
