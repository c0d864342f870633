/**
 * Puts fail-over together with the rest of a mirror: which regions there are, how copies are promoted here, what links
 * and groups tell, and the links that a fail-back needs. Called once, by the mirror.
 * Invariant: nothing here decides; it only hands on.
 */
import { RUNS_TOPIC, runsPartitionOf } from '@meridian/coordinates';
import { Refused } from '@meridian/service';
import { keeperUnit } from '../assignment/rendezvous.ts';
import type { Share } from '../assignment/share.ts';
import type { GapStore } from '../gaps/gap-store.ts';
import type { FollowedGroups } from '../groups/followed-groups.ts';
import type { RegionSide } from '../link/region-side.ts';
import type { LinkDirectory } from '../links/link-directory.ts';
import { transactionalIdOf } from '../rebased/rebased-target.ts';
import type { LinkStatus } from '../status.ts';
import { linkNameOf } from './failback-steps.ts';
import { createFailover, type Failover, type FailoverOptions } from './failover.ts';
import type { KnownRegions, TemporaryLinks } from './failover-context.ts';
import { EmbeddedPromotion, KafkaPromotion, type Promotion } from './promotion.ts';

export interface MirrorParts extends Pick<FailoverOptions, 'io' | 'log' | 'limits' | 'here'> {
  /** Names of the other regions. */
  readonly names: readonly string[];
  readonly directory: LinkDirectory;
  readonly gaps: GapStore;
  readonly groups: FollowedGroups;
  readonly share: Pick<Share, 'state' | 'owns'>;
  sideOf(region: string): RegionSide;
  status(): readonly LinkStatus[];
}

export function failoverOf(parts: MirrorParts): Failover {
  const { io, log, limits, here, groups, gaps, directory, share, sideOf, status } = parts;
  const stopping = new AbortController();
  const { routes, stop } = createFailover({
    ...{ io, log, limits, here },
    regions: regionsOf(parts),
    promotion: promotionOf(parts, stopping.signal),
    temporaryLinks: linksOf(directory, here.name),
    runs: (region) => sideOf(region).runs,
    links: () =>
      status().map(({ name, from, partitions, isKeeper, state }) => ({
        ...{ from, partitions, groups: groups.status(name), untranslated: groups.untranslated(name) },
        carriesGroups: isKeeper && state !== 'paused' && followsGroups(directory, name),
      })),
    carryGroups: (from) => groups.carry(from),
    // Not as an order to begin the copy anew: it is a gap that is dealt with already.
    recordGap: (place, lost) => gaps.keeper(place.link, () => 'mark-gap').record(place, lost, 'mark-gap'),
    mayDrive: (kind, { from, topic }) => {
      // The keeper of the link carries the groups, too; of a fail-back, that of the link that it will have.
      const [first] = directory.links
        .filter(({ spec }) => spec.from === from)
        .map(({ spec }) => spec.name)
        .sort();
      return (
        share.state === 'sharing' && share.owns(keeperUnit(kind === 'failback' ? linkNameOf(topic) : (first ?? from)))
      );
    },
  });
  return {
    routes,
    async stop() {
      stopping.abort();
      await stop();
    },
  };
}

const followsGroups = (directory: LinkDirectory, name: string): boolean =>
  directory.links.some(({ spec }) => spec.name === name && spec.follow.groups !== 'none');

function regionsOf({ names, sideOf, here }: MirrorParts): KnownRegions {
  const others = new Set(names.filter((name) => name !== here.name));
  const get = (name: string): RegionSide | undefined => {
    if (!others.has(name)) return undefined;
    try {
      return sideOf(name);
    } catch {
      return undefined;
    }
  };
  return { get, has: (name) => others.has(name), all: () => [...others].flatMap((name) => get(name) ?? []) };
}

function promotionOf({ io, limits, here }: MirrorParts, signal: AbortSignal): Promotion {
  const options = { io, limits, client: here.client, signal };
  if (here.facts === undefined) return new EmbeddedPromotion(options);
  const fenceOf = (copyId: string, partition: number) => ({
    transactionalId: transactionalIdOf({ copyId, partition, copy: '' }),
    runs: { topic: RUNS_TOPIC, partition: runsPartitionOf({ copyId, partition }) },
  });
  return new KafkaPromotion({ ...options, facts: here.facts, fenceOf });
}

/** What is refused because it is there, or gone, already is what was wanted. */
function linksOf(directory: LinkDirectory, to: string): TemporaryLinks {
  const isThere = (name: string): boolean => directory.links.some(({ spec }) => spec.name === name);
  const configs = ['cleanup.policy', 'retention.ms', 'retention.bytes'];
  const follow = { configs, acls: false, groups: {} };
  return {
    async open(name, from, topic) {
      if (isThere(name)) return;
      await directory.create({ name, from, to, policy: 'identity', topics: { list: [topic] }, follow });
    },
    async close(name) {
      if (!isThere(name)) return;
      await directory.remove(name).catch((error: unknown) => {
        if (!(error instanceof Refused) || error.status !== 404) throw error;
      });
    },
  };
}
