/** Three regions in one simulated world, each mirroring the other two, and the links between their machines. */
import type { SimLink, SimWorld } from '@meridian/io/sim';
import { createGeoRegion, type GeoRegion } from './geo-region.ts';
import { GEO } from './limits.ts';
import type { GeoPlan } from './plan.ts';

export class Mesh {
  readonly world: SimWorld;
  readonly plan: GeoPlan;
  readonly regions: readonly GeoRegion[];

  constructor(world: SimWorld, plan: GeoPlan) {
    this.world = world;
    this.plan = plan;
    this.regions = plan.regions.map((region) => createGeoRegion(world, plan, region));
    for (const [index, a] of this.regions.entries())
      for (const b of this.regions.slice(index + 1))
        for (const link of this.between(a, b)) link.set({ latencyMs: GEO.betweenRegionsMs });
  }

  start(): void {
    for (const { broker, mirrors } of this.regions) for (const each of [broker, ...mirrors]) each.start();
  }

  allRun(): boolean {
    return this.regions.every(({ broker, mirrors }) =>
      [broker, ...mirrors].every(({ running }) => running !== undefined),
    );
  }

  between(a: GeoRegion, b: GeoRegion): SimLink[] {
    return a.machines.flatMap((from) => b.machines.map((to) => this.world.link(from, to)));
  }

  within({ machines }: GeoRegion): SimLink[] {
    return machines.flatMap((from, index) => machines.slice(index + 1).map((to) => this.world.link(from, to)));
  }

  region(name: string): GeoRegion {
    const found = this.regions.find((region) => region.name === name);
    if (found === undefined) throw new Error(`there is no region ${name}`);
    return found;
  }

  /** Ordered pairs: from the first to the second a mirror copies. */
  pairs(): { from: GeoRegion; to: GeoRegion }[] {
    return this.regions.flatMap((from) => this.regions.filter((to) => to !== from).map((to) => ({ from, to })));
  }
}
