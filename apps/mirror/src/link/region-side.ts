/**
 * One region as the mirror sees it: its engine, the client that reaches it, and its topics. Made once per region by the
 * mirror, and shared by all links from or into it.
 */
import { type Client, createClient } from '@meridian/client';
import { FactsStore, RegionCopies, type RegionCopiesOptions, RunsStore } from '@meridian/coordinates';
import type { Io, Logger } from '@meridian/io';
import { kafkaEndpoint } from '@meridian/service';
import type { EndpointConfig } from '../config.ts';
import { MirrorError } from '../errors.ts';
import type { MirrorLimits } from '../limits.ts';
import { CopyMemory } from './copy-memory.ts';
import { TopicCatalog } from './topic-catalog.ts';

export type Engine = 'embedded' | 'kafka';

export interface RegionSide {
  readonly name: string;
  readonly engine: Engine;
  readonly client: Client;
  readonly catalog: TopicCatalog;
  /** Where copies have no configs of ours: what they are. */
  readonly facts: FactsStore | undefined;
  readonly runs: RunsStore | undefined;
  /** Where they have, what they were: of a target. */
  readonly memory: CopyMemory | undefined;
  /** Its topics and partitions as translation sees them. */
  readonly copies: RegionCopies;
  close(): Promise<void>;
}

export interface RegionSideOptions {
  readonly io: Pick<Io, 'clock' | 'timers' | 'random' | 'net' | 'disk' | 'memory'>;
  readonly log: Logger;
  readonly limits: MirrorLimits;
  readonly name: string;
  readonly endpoint: EndpointConfig | undefined;
  /** Of the internal listeners of our own brokers. */
  readonly secret: string | undefined;
  readonly clientId: string;
  /** The region that the copies are written to. */
  readonly isTarget: boolean;
  readonly lostOf?: RegionCopiesOptions['lostOf'];
}

/** Throws `MirrorError` or `ServiceError` if it is not told how the region is reached. */
export function createRegionSide(options: RegionSideOptions): RegionSide {
  const { io, log, limits, name, clientId, isTarget, lostOf } = options;
  const { engine, ...reach } = reachOf(options);
  const inFlight = { maxInFlight: limits.batchesInFlight, maxInFlightPerPartition: limits.batchesInFlight };
  const client = createClient({
    io,
    log,
    clientId,
    ...reach,
    ...(engine === 'kafka' && isTarget && { limits: inFlight }),
  });
  const facts = engine === 'kafka' ? new FactsStore({ io, client, mayCreate: isTarget }) : undefined;
  const runs = engine === 'kafka' ? new RunsStore({ io, client, mayCreate: isTarget }) : undefined;
  const memory = engine === 'embedded' && isTarget ? new CopyMemory({ io, client }) : undefined;
  const catalog = new TopicCatalog({ client, limits, facts, clock: io.clock });
  const closing = new AbortController();
  const topics = async () => {
    const found = await catalog.read(closing.signal);
    return found.map(({ origin, ...topic }) => ({ ...topic, facts: origin }));
  };
  const copies = new RegionCopies({ io, client, engine, facts, runs, catalog: topics, ...(lostOf && { lostOf }) });
  return {
    ...{ name, engine, client, facts, runs, memory, catalog, copies },
    async close() {
      closing.abort();
      catalog.close();
      facts?.close();
      runs?.close();
      memory?.close();
      await client.close();
    },
  };
}

function reachOf({ io, endpoint, name, secret }: RegionSideOptions) {
  if (endpoint?.kafka !== undefined && endpoint.bootstrap === undefined) {
    return { engine: 'kafka' as const, ...kafkaEndpoint(io, endpoint.kafka) };
  }
  if (endpoint?.bootstrap === undefined || endpoint.kafka !== undefined) throw new MirrorError('no-endpoint', name);
  return { engine: 'embedded' as const, bootstrap: endpoint.bootstrap, ...(secret !== undefined && { secret }) };
}
