/**
 * Tells when one turn of the event loop has kept everybody waiting: a look every `loopLookMs`, and what the main thread has
 * burned since the last one. `runProcess` starts it once the process serves; the broker's tests of bad input look for its line.
 * Invariant: a busy machine is not taken for a held loop. A turn counts by the CPU time of its own thread, and only as far
 * as the look came late.
 */
import type { Io, Logger } from '@meridian/io';
import { LIMITS } from './limits.ts';

const HELD_LOOP = 'the event loop was held';

/** CPU time of the main thread so far. */
function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

export function watchLoop({ timers, clock }: Pick<Io, 'timers' | 'clock'>, log: Logger, cpuMs = threadCpuMs): void {
  let lookedMs = clock.monotonic();
  let spentMs = cpuMs();
  const look = (): void => {
    const [nowMs, nowSpentMs] = [clock.monotonic(), cpuMs()];
    const lateMs = nowMs - lookedMs - LIMITS.loopLookMs;
    const heldMs = Math.min(lateMs, nowSpentMs - spentMs);
    if (heldMs >= LIMITS.heldLoopMs) log.warn(HELD_LOOP, { heldMs: Math.round(heldMs), lateMs: Math.round(lateMs) });
    lookedMs = nowMs;
    spentMs = nowSpentMs;
    timers.after(LIMITS.loopLookMs, look);
  };
  timers.after(LIMITS.loopLookMs, look);
}
