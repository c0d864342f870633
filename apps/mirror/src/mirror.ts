/**
 * The mirror of one region: brings the topics of other regions in. It keeps nothing on disk: where it is, the copies tell,
 * and the origins prove it. Started by `main.ts` and by the simulator.
 * Invariant: it may be killed at any moment, and several of them may run at once; none loses or doubles a record.
 */
import type { Io, Logger } from '@meridian/io';
import { createManagementServer, type LinkSpec, linkSpec, type ManagementRoute } from '@meridian/service';
import { Membership } from './assignment/membership.ts';
import type { EndpointConfig, MirrorConfig } from './config.ts';
import { MirrorError } from './errors.ts';
import { failoverOf } from './failover/of-mirror.ts';
import { gapRoutes } from './gaps/gap-routes.ts';
import { GapStore } from './gaps/gap-store.ts';
import { FollowedGroups } from './groups/followed-groups.ts';
import { DEFAULT_LIMITS, type MirrorLimits } from './limits.ts';
import type { Companions } from './link/companion.ts';
import { createRegionSide, type RegionSide, type RegionSideOptions } from './link/region-side.ts';
import { LinkDirectory } from './links/link-directory.ts';
import { LinkFile, type ReadLinks } from './links/link-file.ts';
import { linkRoutes } from './links/link-routes.ts';
import { LinkSet } from './links/link-set.ts';
import { translateRoutes } from './links/translate-routes.ts';
import { RebasedShell } from './rebased/rebased-shell.ts';
import { RebasedTarget } from './rebased/rebased-target.ts';
import type { LinkStatus, MirrorStatus } from './status.ts';
import { InFlightBudget } from './task/in-flight-budget.ts';
import { TaskShell } from './task/task-shell.ts';
import { LinkVerifier, type LinkVerifierContext } from './verify/link-verifier.ts';
import { verifyRoutes } from './verify/verify-routes.ts';

export type { MirrorConfig } from './config.ts';
export { MIRROR_ERRORS, MirrorError, type MirrorErrorCode } from './errors.ts';
export type { MirrorLimits } from './limits.ts';
export type { LinkStatus, MirrorStatus, PartitionState, PartitionStatus } from './status.ts';

export interface MirrorOptions {
  readonly io: Pick<Io, 'clock' | 'timers' | 'random' | 'net' | 'disk' | 'memory'>;
  readonly config: MirrorConfig;
  readonly log: Logger;
  readonly limits?: Partial<MirrorLimits>;
  /** Of `@meridian/service/links`; needed where the config has a `linksFile`. */
  readonly readLinks?: ReadLinks;
  /** False: the management port is not opened (fastify does not run in simulations). Default true. */
  readonly listen?: boolean;
}

export interface Mirror {
  /** 0 without `listen`. */
  readonly managementPort: number;
  status(): LinkStatus[];
  /** What the management port serves; for whoever has no network to ask it by. */
  readonly routes: readonly ManagementRoute[];
  stop(): Promise<void>;
}

/** Comes back when the management port is served; links come up by themselves, whatever is reachable. */
export async function createMirror(options: MirrorOptions): Promise<Mirror> {
  const { io, config, log, limits: changed, listen } = options;
  const limits = { ...DEFAULT_LIMITS, ...changed };
  const { region } = config;
  const specs = linksOf(config);
  const sides = new Sides(io, log, limits, config, (topic, partition) => gaps.lostOf(topic, partition));
  for (const { from } of specs) sides.of(from);
  const target = sides.target;
  const gaps = new GapStore({ io, client: target.client, limits });
  const now = () => ({ monotonicMs: io.clock.monotonic(), wallMs: io.clock.now() });
  let links: LinkSet | undefined;
  const onChange = (): void => links?.update();
  const regions = new Set([region, ...(config.sources ?? []).map((source) => source.region)]);
  const file = linkFileOf(options, regions, limits);
  const directory = new LinkDirectory({ io, client: target.client, region, regions, links: specs, file, onChange });
  const membership = new Membership({
    ...{ io, log, limits, client: target.client, onChange },
    memberId: config.memberId ?? io.random.bytes(6).toString('hex'),
    mayBeginAlone: target.engine === 'embedded',
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
      createTask: (context, place) =>
        rebased === undefined ? new TaskShell(context, place) : new RebasedShell({ ...context, rebased }, place),
      companions: companionsOf({ io, log, limits, verifiers, groups, runs: rebased?.runs }),
    },
    sideOf: (name) => sides.of(name),
  });
  const linkStatus = (): LinkStatus[] =>
    links!.status(now()).map((link) => ({ ...link, groups: groups.status(link.name) }));
  const failover = failoverOf({
    ...{ io, log, limits, directory, gaps, groups, here: target, names: [...regions] },
    sideOf: (name) => sides.of(name),
    status: linkStatus,
  });
  const status = (): MirrorStatus => ({
    ...{ region, member: membership.share.name, members: membership.share.members },
    configError: directory.configError,
    links: linkStatus(),
  });
  const { host = '127.0.0.1', port } = config.management;
  const tasksOf = (link: string, topic: string) => [...(links?.find(link).topic(topic)?.tasks.values() ?? [])];
  const routes = [
    ...linkRoutes({ directory, links, status, now }),
    ...verifyRoutes(() => verifiers),
    ...translateRoutes((name) => sides.of(name)),
    ...gapRoutes({ gaps, tasksOf }),
    ...failover.routes,
  ];
  const stop = async (): Promise<void> => {
    await failover.stop();
    await links.stop();
    await membership.stop();
    directory.close();
    gaps.close();
    await sides.close();
  };
  const management =
    listen === false ? undefined : await serveOr(stop, () => createManagementServer({ host, port, log, routes }));
  return {
    managementPort: management?.port ?? 0,
    status: linkStatus,
    routes,
    async stop() {
      await stop();
      await management?.close();
    },
  };
}

interface CompanionParts extends Pick<LinkVerifierContext, 'io' | 'log' | 'limits' | 'runs'> {
  /** By link, as they run. */
  readonly verifiers: Map<string, LinkVerifier>;
  readonly groups: FollowedGroups;
}

function companionsOf({ verifiers, groups, ...parts }: CompanionParts): Companions {
  return {
    always(view) {
      const { spec, source, target, tasks } = view;
      const { name } = spec;
      const verifier = new LinkVerifier({ ...parts, source: source.client, target: target.client, tasks });
      verifiers.set(name, verifier);
      const stop = async (): Promise<void> => {
        if (verifiers.get(name) === verifier) verifiers.delete(name);
        await verifier.stop();
      };
      return [{ comparedEnd: (place) => verifier.comparedEnd(place), stop }, ...groups.always(view)];
    },
    ofKeeper: (view) => groups.ofKeeper(view),
  };
}

/** A port that is taken must not leave the rest running. */
async function serveOr<T>(stop: () => Promise<void>, serve: () => Promise<T>): Promise<T> {
  try {
    return await serve();
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Regions as they are needed: links may come from any that the config tells of. */
class Sides {
  readonly target: RegionSide;
  private readonly sides = new Map<string, RegionSide>();
  private readonly create: (name: string, endpoint: EndpointConfig | undefined, isTarget: boolean) => RegionSide;
  private readonly sources: ReadonlyMap<string, EndpointConfig>;

  constructor(
    io: MirrorOptions['io'],
    log: Logger,
    limits: MirrorLimits,
    config: MirrorConfig,
    lostOf: RegionSideOptions['lostOf'],
  ) {
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

/** Of the config itself; a file is looked at by the directory, which takes what is for this region. */
function linksOf({ region, links = [], linksFile, sources = [] }: MirrorConfig): LinkSpec[] {
  const regions = [region, ...sources.map((source) => source.region)];
  const double = regions.find((name, at) => regions.indexOf(name) !== at);
  if (double !== undefined) throw new MirrorError('double-region', double);
  if (linksFile !== undefined) return [];
  const seen = new Set<string>();
  for (const link of links) {
    const { from, to } = link;
    if (to !== region) throw new MirrorError('foreign-link', `${from} → ${to}`);
    if (from === to) throw new MirrorError('self-link', `${from} → ${to}`);
    const { name } = linkSpec(link);
    if (seen.has(name)) throw new MirrorError('double-link', name);
    seen.add(name);
  }
  return links.map(linkSpec);
}

function linkFileOf(
  { io, config: { linksFile: path }, readLinks }: MirrorOptions,
  regions: ReadonlySet<string>,
  limits: MirrorLimits,
): LinkFile | undefined {
  if (path === undefined) return undefined;
  if (readLinks === undefined) throw new MirrorError('no-links-reader', path);
  return new LinkFile({ io, path, regions, limits, readLinks });
}
