/**
 * Randomness from a seed and a label (sfc32). Each part of the simulated world draws from a stream of its own, so
 * that one more draw in one part does not shift all the others.
 * Invariant: the same seed and label give the same numbers on every machine.
 */
import { createHash } from 'node:crypto';
import type { Random } from '../io.ts';

export function createSeededRandom(seed: number, label: string): Random {
  const digest = createHash('sha256').update(`${seed}/${label}`).digest();
  let a = digest.readInt32LE(0);
  let b = digest.readInt32LE(4);
  let c = digest.readInt32LE(8);
  let counter = 1;
  const word = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + sum) | 0;
    return sum >>> 0;
  };
  for (let round = 0; round < 12; round++) word();
  const bytes = (size: number): Buffer => {
    const result = Buffer.allocUnsafe(size);
    let at = 0;
    for (; at + 4 <= size; at += 4) result.writeUInt32LE(word(), at);
    for (let rest = word(); at < size; at++, rest >>>= 8) result[at] = rest & 0xff;
    return result;
  };
  return { next: () => word() / 2 ** 32, bytes };
}

/** A fraction in [min, max). */
export function between(random: Random, [min, max]: readonly [number, number]): number {
  return min + random.next() * (max - min);
}

/** A whole number from 0 to `bound` − 1. */
export function below(random: Random, bound: number): number {
  return Math.floor(random.next() * bound);
}

export function chance(random: Random, probability: number): boolean {
  return random.next() < probability;
}
