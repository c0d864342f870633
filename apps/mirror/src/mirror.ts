/**
 * The mirror of one region: brings the topics of other regions in, at their own offsets (append-at-offset). It keeps
 * nothing on disk: where it is, the copies tell, and the origins prove it. Started by `main.ts` and by the simulator.
 * Invariant: it may be killed at any moment, and two of them may run at once; neither loses or doubles a record.
 */
import { type Client, createClient } from '@meridian/client';
import type { Io, Logger } from '@meridian/io';
import { createManagementServer, kafkaEndpoint, type LinkSpec, linkSpec } from '@meridian/service';
import type { EndpointConfig, MirrorConfig } from './config.ts';
import { MirrorError } from './errors.ts';
import { GapStore } from './gaps/gap-store.ts';
import { DEFAULT_LIMITS, type MirrorLimits } from './limits.ts';
import { Link } from './link/link.ts';
import { TopicCatalog } from './link/topic-catalog.ts';
import { linkRoutes } from './links/link-routes.ts';
import type { LinkStatus } from './status.ts';
import { InFlightBudget } from './task/in-flight-budget.ts';

export type { MirrorConfig } from './config.ts';
export { MIRROR_ERRORS, MirrorError, type MirrorErrorCode } from './errors.ts';
export type { MirrorLimits } from './limits.ts';
export type { LinkStatus, PartitionState, PartitionStatus } from './status.ts';

export interface MirrorOptions {
  readonly io: Pick<Io, 'clock' | 'timers' | 'random' | 'net' | 'disk'>;
  readonly config: MirrorConfig;
  readonly log: Logger;
  readonly limits?: Partial<MirrorLimits>;
  /** False: the management port is not opened (fastify does not run in simulations). Default true. */
  readonly listen?: boolean;
}

export interface Mirror {
  /** 0 without `listen`. */
  readonly managementPort: number;
  status(): LinkStatus[];
  stop(): Promise<void>;
}

/** Comes back when the management port is served; links come up by themselves, whatever is reachable. */
export async function createMirror({ io, config, log, limits: changed, listen }: MirrorOptions): Promise<Mirror> {
  const specs = linksOf(config);
  const limits = { ...DEFAULT_LIMITS, ...changed };
  const { region, secret } = config;
  const clientId = `mirror-${region}`;
  const connect = (endpoint: EndpointConfig | undefined, name: string): Client =>
    createClient({ io, clientId, log, ...reachOf(io, endpoint, name, secret) });
  const target = connect(config.target, region);
  const sources = specs.map(({ from }) =>
    connect(
      config.sources?.find((each) => each.region === from),
      from,
    ),
  );
  const links: Link[] = [];
  const status = (): LinkStatus[] => {
    const now = { monotonicMs: io.clock.monotonic(), wallMs: io.clock.now() };
    return links.map((link) => link.status(now));
  };
  const { host = '127.0.0.1', port } = config.management;
  const routes = linkRoutes({ status });
  const serve = () => createManagementServer({ host, port, log, routes });
  const management = listen === false ? undefined : await serve();
  const budget = new InFlightBudget(limits.totalInFlightBytes);
  const targetCatalog = new TopicCatalog(target, limits);
  const gaps = new GapStore({ io, client: target, limits });
  specs.forEach(({ name, from, to, onGap }, index) => {
    const policyOf = (topic: string) => onGap.topics[topic] ?? onGap.default;
    const shared = { io, log, limits, target, targetCatalog, budget, gaps, policyOf };
    links.push(new Link({ ...shared, name, from, to, source: sources[index]! }));
  });
  return {
    managementPort: management?.port ?? 0,
    status,
    async stop() {
      await Promise.all(links.map((link) => link.stop()));
      gaps.close();
      await Promise.all([target, ...sources].map((client) => client.close()));
      await management?.close();
    },
  };
}

function linksOf({ region, links = [] }: MirrorConfig): LinkSpec[] {
  const seen = new Set<string>();
  for (const { from, to } of links) {
    if (to !== region) throw new MirrorError('foreign-link', `${from} → ${to}`);
    if (from === to) throw new MirrorError('self-link', `${from} → ${to}`);
    if (seen.has(from)) throw new MirrorError('double-link', `${from} → ${to}`);
    seen.add(from);
  }
  return links.map(linkSpec);
}

/** How a region is reached: its engine's own way. */
function reachOf(io: Pick<Io, 'disk'>, endpoint: EndpointConfig | undefined, region: string, secret?: string) {
  if (endpoint?.kafka !== undefined && endpoint.bootstrap === undefined) return kafkaEndpoint(io, endpoint.kafka);
  if (endpoint?.bootstrap === undefined || endpoint.kafka !== undefined) throw new MirrorError('no-endpoint', region);
  return { bootstrap: endpoint.bootstrap, ...(secret !== undefined && { secret }) };
}
