/**
 * The mirror of one region: brings the topics of other regions in. It keeps nothing on disk: where it is, the copies tell,
 * and the origins prove it. Started by `main.ts` and by the simulator.
 * Invariant: it may be killed at any moment, and several of them may run at once; none loses or doubles a record.
 */
import type { Io, Logger } from '@meridian/io';
import { createManagementServer, type ManagementRoute } from '@meridian/service';
import type { MirrorConfig } from './config.ts';
import { gapRoutes } from './gaps/gap-routes.ts';
import { DEFAULT_LIMITS, type MirrorLimits } from './limits.ts';
import type { ReadLinks } from './links/link-file.ts';
import { linkRoutes } from './links/link-routes.ts';
import { translateRoutes } from './links/translate-routes.ts';
import { assemble, type MirrorParts } from './mirror-parts.ts';
import type { LinkStatus, MirrorStatus } from './status.ts';
import { verifyRoutes } from './verify/verify-routes.ts';

export type { MirrorConfig } from './config.ts';
export { MIRROR_ERRORS, MirrorError, type MirrorErrorCode } from './errors.ts';
export type { MirrorLimits } from './limits.ts';
export type { LinkStatus, MirrorStatus, PartitionState, PartitionStatus } from './status.ts';

export interface MirrorOptions {
  readonly io: Pick<Io, 'clock' | 'timers' | 'random' | 'net' | 'disk' | 'memory' | 'zstd'>;
  readonly config: MirrorConfig;
  readonly log: Logger;
  readonly limits?: Partial<MirrorLimits>;
  /** Of `@meridian/service/links`; needed where the config has a `linksFile`. */
  readonly readLinks?: ReadLinks;
  /** False: the management port is not opened (HTTP does not run in simulations). Default true. */
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
  const { config, log, listen } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const parts = assemble({ ...options, limits });
  const { linkStatus, stop } = parts;
  const { host = '127.0.0.1', port } = config.management;
  const routes = routesOf(config.region, parts, limits);
  const serve = () => createManagementServer({ host, port, log, routes });
  const management = listen === false ? undefined : await serveOr(stop, serve);
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

/** Everything that the management port serves. */
function routesOf(region: string, parts: MirrorParts, limits: MirrorLimits): ManagementRoute[] {
  const { directory, membership, links, gaps, verifiers, sides, failover, linkStatus, now } = parts;
  const status = (): MirrorStatus => ({
    ...{ region, member: membership.share.name, members: membership.share.members },
    configError: directory.configError,
    links: linkStatus(),
  });
  const tasksOf = (link: string, topic: string) => [...(links.find(link).topic(topic)?.tasks.values() ?? [])];
  return [
    ...linkRoutes({ directory, links, status, now }),
    ...verifyRoutes(() => verifiers),
    ...translateRoutes((name) => sides.of(name), limits.originReachMs),
    ...gapRoutes({ gaps, reachMs: limits.originReachMs, tasksOf }),
    ...failover.routes,
  ];
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
