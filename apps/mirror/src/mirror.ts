/**
 * The mirror of one region: brings the topics of other regions in, at their own offsets (append-at-offset). It keeps
 * nothing on disk: where it is, the copies tell, and the origins prove it. Started by `main.ts` and by the simulator.
 * Invariant: it may be killed at any moment, and two of them may run at once; neither loses or doubles a record.
 */
import { type Client, createClient } from '@meridian/client';
import type { Io, Logger } from '@meridian/io';
import { createManagementServer } from '@meridian/service';
import type { LinkConfig, MirrorConfig } from './config.ts';
import { MirrorError } from './errors.ts';
import { DEFAULT_LIMITS, type MirrorLimits } from './limits.ts';
import { Link } from './link/link.ts';
import { TopicCatalog } from './link/topic-catalog.ts';
import type { LinkStatus } from './status.ts';
import { InFlightBudget } from './task/in-flight-budget.ts';

export type { MirrorConfig } from './config.ts';
export { MIRROR_ERRORS, MirrorError, type MirrorErrorCode } from './errors.ts';
export type { MirrorLimits } from './limits.ts';
export type { LinkStatus, PartitionState, PartitionStatus } from './status.ts';

export interface MirrorOptions {
  readonly io: Pick<Io, 'clock' | 'timers' | 'random' | 'net'>;
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
  checkLinks(config);
  const limits = { ...DEFAULT_LIMITS, ...changed };
  const { region, secret } = config;
  const clientId = `mirror-${region}`;
  const target = createClient({ io, bootstrap: config.target, clientId, secret, log });
  const sources: Client[] = [];
  const links: Link[] = [];
  const status = (): LinkStatus[] => links.map((link) => link.status(io.clock.monotonic()));
  const { host = '127.0.0.1', port } = config.management;
  const routes = { '/v1/links': () => ({ links: status() }) };
  const serve = () => createManagementServer({ host, port, log, routes });
  const management = listen === false ? undefined : await serve();
  const budget = new InFlightBudget(limits.totalInFlightBytes);
  const targetCatalog = new TopicCatalog(target, limits);
  for (const { from, to, bootstrap } of config.links) {
    const source = createClient({ io, bootstrap, clientId, secret, log });
    sources.push(source);
    links.push(new Link({ io, log, limits, from, to, source, target, targetCatalog, budget }));
  }
  return {
    managementPort: management?.port ?? 0,
    status,
    async stop() {
      await Promise.all(links.map((link) => link.stop()));
      await Promise.all([target, ...sources].map((client) => client.close()));
      await management?.close();
    },
  };
}

function checkLinks({ region, links }: MirrorConfig): void {
  const seen = new Set<string>();
  for (const { from, to } of links as readonly LinkConfig[]) {
    if (to !== region) throw new MirrorError('foreign-link', `${from} → ${to}`);
    if (from === to) throw new MirrorError('self-link', `${from} → ${to}`);
    if (seen.has(from)) throw new MirrorError('double-link', `${from} → ${to}`);
    seen.add(from);
  }
}
