/**
 * Parts of a platform whose supervisor was killed end by themselves when they notice; a platform that is started
 * again at once waits for them here, instead of finding their ports taken. Called by `meridian local`.
 * Invariant: nothing is signalled; a process id may belong to somebody else by now.
 */
import type { Io } from '@meridian/io';
import { LIMITS } from '../limits.ts';

export async function waitForLeftovers(
  io: Pick<Io, 'clock' | 'disk' | 'timers'>,
  processesFile: string,
): Promise<void> {
  if (!io.disk.exists(processesFile)) return;
  const deadline = io.clock.monotonic() + LIMITS.leftoverTimeoutMs;
  const pids = readPids(io, processesFile);
  while (pids.some(isAlive) && io.clock.monotonic() < deadline) await io.timers.sleep(LIMITS.leftoverCheckMs);
}

function readPids(io: Pick<Io, 'disk'>, path: string): number[] {
  try {
    const recorded = JSON.parse(io.disk.readFile(path).toString('utf8')) as Record<string, unknown>;
    return Object.values(recorded).filter((pid) => typeof pid === 'number' && pid > 1) as number[];
  } catch {
    return []; // half a file, or none: nothing to wait for
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
