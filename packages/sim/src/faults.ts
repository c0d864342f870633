/**
 * The storm: faults drawn from the world's seed, each with a time and, where it lasts, an end. Armed once at the start of
 * a run; whatever has not ended when the storm is over is ended by `heal`.
 */
import { between, type SimWorld } from '@meridian/io/sim';
import type { GeoCluster } from './geo-cluster.ts';
import { LIMITS } from './limits.ts';

/** Begins a fault and returns what ends it, if it has to be ended. */
type Fault = (cluster: GeoCluster, pick: Pick) => (() => void) | undefined;

interface Pick {
  one<T>(choices: readonly T[]): T;
}

const cutRegions: Fault = ({ regions, linksBetween }) => {
  const links = linksBetween(regions[0], regions[1]);
  for (const link of links) link.set({ cut: true });
  return () => {
    for (const link of links) link.set({ cut: false });
  };
};

const oneWay: Fault = ({ regions, linksBetween }, pick) => {
  const link = pick.one(linksBetween(regions[0], regions[1]));
  link.set({ oneWayDrop: pick.one(['a-to-b', 'b-to-a'] as const) });
  return () => link.set({ oneWayDrop: undefined });
};

const resets: Fault = ({ allLinks }, pick) => {
  const link = pick.one(allLinks());
  link.set({ resetChance: 0.02 });
  return () => link.set({ resetChance: 0 });
};

const cutInside: Fault = ({ regions, linksWithin }, pick) => {
  const link = pick.one(linksWithin(pick.one(regions)));
  link.set({ cut: true });
  return () => link.set({ cut: false });
};

const killBroker: Fault = ({ regions }, pick) => {
  pick.one(pick.one(regions).brokers).kill();
  return undefined;
};

const kill =
  (part: 'mirror' | 'gateway'): Fault =>
  ({ regions }, pick) => {
    pick.one(regions)[part].kill();
    return undefined;
  };

const powerLoss: Fault = ({ regions }, pick) => {
  pick.one(pick.one(regions).brokers).powerLoss();
  return undefined;
};

const stall: Fault = ({ regions }, pick) => {
  const region = pick.one(regions);
  pick.one([pick.one(region.brokers), region.mirror, region.gateway]).node.stall(1_000);
  return undefined;
};

const FAULTS: Readonly<Record<string, Fault>> = {
  'cut regions': cutRegions,
  'one way': oneWay,
  resets,
  'cut inside': cutInside,
  'kill broker': killBroker,
  'kill mirror': kill('mirror'),
  'kill gateway': kill('gateway'),
  'power loss': powerLoss,
  stall,
};

/** Arms the storm; the returned function ends every fault that still lasts. */
export function armFaults(world: SimWorld, cluster: GeoCluster, counts: Map<string, number>): () => void {
  const { random } = world;
  const pick: Pick = { one: (choices) => choices[Math.floor(random.next() * choices.length)] as never };
  const lasting = new Set<() => void>();
  const amount = Math.floor(between(random, LIMITS.faults));
  for (let number = 0; number < amount; number++) {
    const name = pick.one(Object.keys(FAULTS));
    const lastsMs = between(random, LIMITS.faultMs);
    world.after(random.next() * LIMITS.stormMs, () => {
      world.trace(`fault: ${name}`);
      counts.set(name, (counts.get(name) ?? 0) + 1);
      const end = (FAULTS[name] as Fault)(cluster, pick);
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
