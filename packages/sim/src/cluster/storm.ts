/**
 * The storm: faults drawn from the world's seed, each with a time and, where it lasts, an end. Armed once at the start of
 * a run; whatever has not ended when the storm is over is ended by the function that `armStorm` returns.
 */
import { between } from '@meridian/io/sim';
import { CHURN_FAULTS } from './faults/churn-faults.ts';
import { DISK_FAULTS } from './faults/disk-faults.ts';
import type { FaultContext, FaultEntry } from './faults/fault.ts';
import { MACHINE_FAULTS } from './faults/machine-faults.ts';
import { NETWORK_FAULTS } from './faults/network-faults.ts';
import { CLUSTER_LIMITS as LIMITS } from './limits.ts';
import { pick } from './plan.ts';

const FAULTS: readonly FaultEntry[] = [...MACHINE_FAULTS, ...NETWORK_FAULTS, ...DISK_FAULTS, ...CHURN_FAULTS];
/** Each seed has a weather of its own: some faults often, some never. */
const LIKINGS = [0, 1, 1, 3] as const;
/** A fault that is not possible is drawn anew so often. */
const ATTEMPTS = 8;

export interface StormOptions {
  readonly context: FaultContext;
  readonly counts: Map<string, number>;
  /** Leaves out all faults from this one on, to find the one that a violation needs. */
  readonly maxFaults?: number | undefined;
}

export function armStorm({ context, counts, maxFaults = Number.POSITIVE_INFINITY }: StormOptions): () => void {
  const { world } = context.region;
  const lasting = new Set<() => void>();
  const weather = FAULTS.map((entry) => ({ ...entry, weight: entry.weight * pick(world.random, LIKINGS) }));
  const amount = Math.floor(between(world.random, LIMITS.faults));
  const times = Array.from({ length: amount }, () => world.random.next() * LIMITS.stormMs).sort((a, b) => a - b);
  for (const [number, time] of times.entries()) {
    const lastsMs = between(world.random, LIMITS.faultMs);
    world.after(time, () => {
      const end = number < maxFaults ? strike(context, weather, counts) : undefined;
      if (end === undefined) return;
      lasting.add(end);
      world.after(lastsMs, () => {
        if (lasting.delete(end)) end();
      });
    });
  }
  return () => {
    for (const end of lasting) end();
    lasting.clear();
  };
}

function strike(
  context: FaultContext,
  weather: readonly FaultEntry[],
  counts: Map<string, number>,
): (() => void) | undefined {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const { name, begin } = draw(context, weather);
    const end = begin(context);
    if (end === false) continue;
    context.region.world.trace(`fault: ${name}`);
    counts.set(name, (counts.get(name) ?? 0) + 1);
    return end;
  }
  return undefined;
}

function draw({ random }: FaultContext, weather: readonly FaultEntry[]): FaultEntry {
  let at = random.next() * weather.reduce((sum, { weight }) => sum + weight, 0);
  for (const entry of weather) {
    at -= entry.weight;
    if (at < 0) return entry;
  }
  return weather[0]!;
}
