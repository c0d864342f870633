/**
 * The real twin of the doorway: what a process of a real cluster is handed by its shell.
 * Invariant: all that a process makes share one state, its memory, so it may make as many as it likes.
 */
import type { Io, Memory } from '../io.ts';
import { MEMORY_LEAST_BYTES } from '../limits.ts';
import { createMemory } from '../memory.ts';
import { realDisk } from './real-disk.ts';
import { realNet } from './real-net.ts';
import { realClock, realRandom, realTimers } from './real-timers.ts';
import { realZstd } from './real-zstd.ts';

export { createReaderCheck } from './pipe-readers.ts';

const realMemory: Memory = createMemory({ timers: realTimers, leastBytes: MEMORY_LEAST_BYTES });

export function createRealIo(): Io {
  const [clock, timers, random, disk] = [realClock, realTimers, realRandom, realDisk];
  return { clock, timers, random, disk, net: realNet, memory: realMemory, zstd: realZstd };
}
