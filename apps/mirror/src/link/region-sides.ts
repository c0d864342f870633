/**
 * The regions of a mirror, each made when it is first needed: links may come from any that the config tells of. Owned by
 * the mirror. Invariant: there is one client per region, whatever asks for it.
 */
import type { Logger } from '@meridian/io';
import type { EndpointConfig, MirrorConfig } from '../config.ts';
import type { MirrorLimits } from '../limits.ts';
import { createRegionSide, type RegionSide, type RegionSideOptions } from './region-side.ts';

export interface RegionSidesOptions extends Pick<RegionSideOptions, 'io' | 'limits' | 'lostOf'> {
  readonly log: Logger;
  readonly limits: MirrorLimits;
  readonly config: MirrorConfig;
}

export class RegionSides {
  readonly target: RegionSide;
  private readonly sides = new Map<string, RegionSide>();
  private readonly create: (name: string, endpoint: EndpointConfig | undefined, isTarget: boolean) => RegionSide;
  private readonly sources: ReadonlyMap<string, EndpointConfig>;

  constructor({ io, log, limits, config, lostOf }: RegionSidesOptions) {
    const { region, secret } = config;
    const clientId = `mirror-${region}`;
    this.create = (name, endpoint, isTarget) =>
      createRegionSide({
        ...{ io, log, limits, name, endpoint, secret, clientId, isTarget },
        ...(isTarget && lostOf && { lostOf }),
      });
    this.sources = new Map((config.sources ?? []).map((source) => [source.region, source]));
    this.target = this.create(region, config.target, true);
  }

  of(region: string): RegionSide {
    if (region === this.target.name) return this.target;
    const side = this.sides.get(region) ?? this.create(region, this.sources.get(region), false);
    this.sides.set(region, side);
    return side;
  }

  async close(): Promise<void> {
    await Promise.all([this.target, ...this.sides.values()].map((side) => side.close()));
  }
}
