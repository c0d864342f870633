/**
 * The parts of a mirror, put together: regions, links, shares of the work, and what runs beside links. Called by
 * `mirror.ts`. Invariant: parts end in the order of `stop`, each before what it rests on.
 */
import type { Io, Logger } from '@meridian/io';
import type { RegionEngines } from '@meridian/service';
import { Membership } from './assignment/membership.ts';
import type { EndpointConfig, MirrorConfig } from './config.ts';
import { failoverOf } from './failover/of-mirror.ts';
import { GapStore } from './gaps/gap-store.ts';
import { FollowedGroups } from './groups/followed-groups.ts';
import type { MirrorLimits } from './limits.ts';
import { AclFollow } from './link/acl-follow.ts';
import type { Companions } from './link/companion.ts';
import { RegionSides } from './link/region-sides.ts';
import { type ConfiguredFileOptions, configuredFile, configuredLinks } from './links/configured-links.ts';
import { LinkDirectory } from './links/link-directory.ts';
import { LinkSet } from './links/link-set.ts';
import { RebasedShell } from './rebased/rebased-shell.ts';
import { RebasedTarget } from './rebased/rebased-target.ts';
import type { LinkStatus } from './status.ts';
import { InFlightBudget } from './task/in-flight-budget.ts';
import { TaskShell } from './task/task-shell.ts';
import { LinkVerifier, type LinkVerifierContext } from './verify/link-verifier.ts';

export interface MirrorPartsOptions extends ConfiguredFileOptions {
  readonly io: Pick<Io, 'clock' | 'timers' | 'random' | 'net' | 'disk' | 'memory' | 'zstd'>;
  readonly log: Logger;
  readonly limits: MirrorLimits;
}

export type MirrorParts = ReturnType<typeof assemble>;

/** Links begin by themselves, as soon as the target can be reached. */
export function assemble(options: MirrorPartsOptions) {
  const { io, config, log, limits } = options;
  const { region } = config;
  const specs = configuredLinks(config);
  const sides = new RegionSides({
    io,
    log,
    limits,
    config,
    lostOf: (topic, partition) => gaps.lostOf(topic, partition),
  });
  for (const { from } of specs) sides.of(from);
  const target = sides.target;
  const gaps = new GapStore({ io, client: target.client, limits });
  const now = () => ({ monotonicMs: io.clock.monotonic(), wallMs: io.clock.now() });
  let links: LinkSet | undefined;
  const onChange = (): void => links?.update();
  const regions = enginesOf(config);
  const file = configuredFile(options, regions, limits);
  const directory = new LinkDirectory({ io, client: target.client, region, regions, links: specs, file, onChange });
  const membership = new Membership({
    ...{ io, log, limits, client: target.client, onChange },
    memberId: config.memberId ?? io.random.bytes(6).toString('hex'),
    mayBeginUnheard: target.engine === 'embedded',
  });
  const { client, facts, runs } = target;
  const rebased = facts && runs && new RebasedTarget({ client, limits, facts, runs });
  const verifiers = new Map<string, LinkVerifier>();
  const groups = new FollowedGroups({ io, log, limits });
  const budget = new InFlightBudget(limits.totalInFlightBytes);
  links = new LinkSet({
    ...{ io, log, directory, membership, lookMs: limits.discoveryMs },
    shared: {
      ...{ io, log, limits, target, budget, gaps },
      prepareTasks: () => rebased?.prepare(),
      createTask: (context, place) =>
        rebased === undefined ? new TaskShell(context, place) : new RebasedShell({ ...context, rebased }, place),
      companions: companionsOf({ io, log, limits, verifiers, groups, runs: rebased?.runs }),
    },
    sideOf: (name) => sides.of(name),
  });
  const linkStatus = (): LinkStatus[] =>
    links!.status(now()).map((link) => ({ ...link, groups: groups.shown(link.name) }));
  const failover = failoverOf({
    ...{ io, log, limits, directory, gaps, groups, here: target, names: [...regions.keys()] },
    sideOf: (name) => sides.of(name),
    share: membership.share,
    status: linkStatus,
  });
  const stop = async (): Promise<void> => {
    // Ends at once, or when what it waits for is closed below.
    const ending = failover.stop();
    await links?.stop();
    await membership.stop();
    directory.close();
    gaps.close();
    await sides.close();
    await ending;
  };
  return { sides, gaps, directory, membership, verifiers, links, failover, linkStatus, now, stop };
}

/** Of the whole topology; one of which nobody has told how it is reached counts as ours until it is used. */
function enginesOf({ region, target, sources = [] }: MirrorConfig): RegionEngines {
  const engineOf = ({ kafka }: EndpointConfig) => (kafka === undefined ? 'embedded' : 'kafka');
  return new Map([[region, engineOf(target)], ...sources.map((source) => [source.region, engineOf(source)] as const)]);
}

interface CompanionParts extends Pick<LinkVerifierContext, 'io' | 'log' | 'limits' | 'runs'> {
  /** By link, as they run. */
  readonly verifiers: Map<string, LinkVerifier>;
  readonly groups: FollowedGroups;
}

function companionsOf({ verifiers, groups, ...parts }: CompanionParts): Companions {
  return {
    always(view) {
      const { spec, source, target, tasks, haltedBy } = view;
      const { name } = spec;
      const ends = { source: source.client, target: target.client };
      const verifier = new LinkVerifier({ ...parts, ...ends, tasks, haltedBy });
      verifiers.set(name, verifier);
      const stop = async (): Promise<void> => {
        if (verifiers.get(name) === verifier) verifiers.delete(name);
        await verifier.stop();
      };
      return [{ comparedEnd: (place) => verifier.comparedEnd(place), stop }, ...groups.always(view)];
    },
    ofKeeper(view) {
      const { spec, source, target, selects } = view;
      if (!spec.follow.acls) return groups.ofKeeper(view);
      const acls = new AclFollow({ ...parts, spec, selects, source: source.client, target: target.client });
      return [...groups.ofKeeper(view), acls];
    },
  };
}
