/**
 * What strikes the three regions: faults drawn from the world's seed, each with a time and, where it lasts, an end. Armed
 * once at the start of a run; whatever has not ended when the storm is over is ended by `heal`.
 */
import { below, between, type SimLink } from '@meridian/io/sim';
import type { GeoRegion } from './geo-region.ts';
import type { History } from './history.ts';
import { GEO } from './limits.ts';
import { deleteRecords, recreateTopic } from './log-faults.ts';
import type { Mesh } from './mesh.ts';

/** Begins a fault and returns what ends it, if it has to be ended. */
type Fault = (storm: Storm) => (() => void) | undefined;

export interface Storm {
  readonly mesh: Mesh;
  readonly history: History;
  one<T>(choices: readonly T[]): T;
}

const set = (links: readonly SimLink[], change: Parameters<SimLink['set']>[0]): void => {
  for (const link of links) link.set(change);
};

const pairOf = ({ mesh, one }: Storm): SimLink[] => {
  const { from, to } = one(mesh.pairs());
  return mesh.between(from, to);
};

const cutPair: Fault = (storm) => {
  const links = pairOf(storm);
  set(links, { cut: true });
  return () => set(links, { cut: false });
};

const isolate: Fault = ({ mesh, one }) => {
  const region = one(mesh.regions);
  const links = mesh.regions.filter((other) => other !== region).flatMap((other) => mesh.between(region, other));
  set(links, { cut: true });
  return () => set(links, { cut: false });
};

const oneWay: Fault = (storm) => {
  const links = pairOf(storm);
  set(links, { oneWayDrop: storm.one(['a-to-b', 'b-to-a'] as const) });
  return () => set(links, { oneWayDrop: undefined });
};

const resets: Fault = (storm) => {
  const links = pairOf(storm);
  set(links, { resetChance: 0.02 });
  return () => set(links, { resetChance: 0 });
};

const cutInside: Fault = ({ mesh, one }) => {
  const link = one(mesh.within(one(mesh.regions)));
  link.set({ cut: true });
  return () => link.set({ cut: false });
};

/** As soon as something is on its way to one of its copies, if that comes soon. */
const killMirror: Fault = ({ mesh, one }) => {
  const mirror = one(one(mesh.regions).mirrors);
  const isBusy = (): boolean =>
    (mirror.running?.status() ?? []).some(({ partitions }) =>
      partitions.some(({ lagRecords }) => (lagRecords ?? 0) > 0),
    );
  const strike = (tries: number): void => {
    if (tries === 0 || isBusy()) mirror.kill();
    else mesh.world.after(GEO.strikeMs, () => strike(tries - 1));
  };
  strike(GEO.strikeTries);
  return undefined;
};
const killBroker: Fault = ({ mesh, one }) => void one(mesh.regions).broker.kill();
const powerLoss: Fault = ({ mesh, history, one }) => {
  const { broker, name } = one(mesh.regions);
  history.powerLostMs.set(name, mesh.world.now());
  broker.powerLoss();
  return undefined;
};

const stall: Fault = ({ mesh, history, one }) => {
  const region: GeoRegion = one(mesh.regions);
  const durationMs = between(mesh.world.random, GEO.stallMs);
  one([region.broker, ...region.mirrors, ...region.mirrors]).node.stall(durationMs);
  history.faultsUnderWay++;
  mesh.world.after(durationMs, () => {
    history.faultsUnderWay--;
    history.lastFaultMs = mesh.world.now();
  });
  return undefined;
};

/** Of one machine, to an hour beside the others' or back. */
const clockJump: Fault = ({ mesh, one }) => {
  const { broker, mirrors } = one(mesh.regions);
  one([broker, ...mirrors]).node.setClockOffset(one([-GEO.clockJumpMs, 0, GEO.clockJumpMs]));
  return undefined;
};

const FAULTS: Readonly<Record<string, Fault>> = {
  'cut pair': cutPair,
  isolate,
  'one way': oneWay,
  resets,
  'cut inside': cutInside,
  'kill mirror': killMirror,
  'kill both mirrors': ({ mesh, one }) => {
    for (const mirror of one(mesh.regions).mirrors) mirror.kill();
    return undefined;
  },
  'kill broker': killBroker,
  'power loss': powerLoss,
  stall,
  'clock jump': clockJump,
  'deleted records': deleteRecords,
  'recreated topic': recreateTopic,
};

/** Arms the storm; the returned function ends every fault that still lasts. */
export function armGeoFaults(mesh: Mesh, history: History): () => void {
  const { world } = mesh;
  const { random } = world;
  const storm: Storm = { mesh, history, one: (choices) => choices[below(random, choices.length)]! };
  const lasting = new Set<() => void>();
  const ended = (): void => {
    history.faultsUnderWay--;
    history.lastFaultMs = world.now();
  };
  const amount = Math.floor(between(random, GEO.faults));
  for (let number = 0; number < amount; number++) {
    const name = storm.one(Object.keys(FAULTS));
    const lastsMs = between(random, GEO.faultMs);
    world.after(random.next() * GEO.stormMs, () => {
      world.trace(`fault: ${name}`);
      history.faults[name] = (history.faults[name] ?? 0) + 1;
      history.lastFaultMs = world.now();
      history.faultsUnderWay++;
      const end = FAULTS[name]!(storm);
      if (end === undefined) return void world.after(GEO.restartMs[1], ended);
      lasting.add(end);
      world.after(lastsMs, () => {
        if (!lasting.delete(end)) return;
        end();
        ended();
      });
    });
  }
  return () => {
    for (const end of lasting) {
      end();
      ended();
    }
    lasting.clear();
  };
}
