/**
 * The real twin of the doorway: what a process of a real cluster is handed by its shell.
 * Invariant: it keeps no state of its own, so a process may make as many as it likes.
 */
import type { Io } from '../io.ts';
import { realDisk } from './real-disk.ts';
import { realNet } from './real-net.ts';
import { realClock, realRandom, realTimers } from './real-timers.ts';

export { createReaderCheck } from './pipe-readers.ts';

export function createRealIo(): Io {
  return { clock: realClock, timers: realTimers, random: realRandom, disk: realDisk, net: realNet };
}
