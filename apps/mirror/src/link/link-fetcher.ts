/**
 * The fetcher of one link by the link's terms: how much it asks for at once, at what rate, and whether records come
 * compressed; and what its status tells of that. Called by `link.ts`.
 */
import type { Fetcher, FetchTraffic } from '@meridian/client';
import type { Io } from '@meridian/io';
import type { LinkSpec } from '@meridian/service';
import type { MirrorLimits } from '../limits.ts';
import type { WireStatus } from '../status.ts';
import type { InFlightBudget } from '../task/in-flight-budget.ts';
import { LimitedFetcher } from './limited-fetcher.ts';
import type { RegionSide } from './region-side.ts';

export interface LinkFetcherTerms {
  readonly io: Pick<Io, 'clock' | 'timers' | 'memory' | 'zstd'>;
  readonly limits: MirrorLimits;
  readonly spec: LinkSpec;
  readonly source: Pick<RegionSide, 'client' | 'engine'>;
  readonly target: Pick<RegionSide, 'engine'>;
  readonly budget: InFlightBudget;
}

/** Of a copy that is re-based, what was never committed is not wanted. */
export function fetcherOf({ io, limits, source, target, spec, budget }: LinkFetcherTerms): Fetcher {
  const { bandwidthBytesPerSecond: limit, compression } = spec;
  const largest = limit === undefined ? limits.fetchMaxBytes : Math.max(limits.limitedFetchMinBytes, limit / 4);
  const maxBytes = Math.min(limits.fetchMaxBytes, Math.ceil(largest));
  const fetcher = source.client.fetcher({
    maxBytes,
    partitionMaxBytes: Math.min(maxBytes, limits.fetchPartitionMaxBytes),
    maxWaitMs: limits.fetchMaxWaitMs,
    ...(limit === undefined && {
      adaptive: {
        maxBytes: limits.farFetchMaxBytes,
        maxAheadBytes: limits.farAheadMaxBytes,
        waitingBytes: () => budget.bytes,
      },
    }),
    isolation: target.engine === 'kafka' ? 'read_committed' : 'read_uncommitted',
    memory: io.memory,
    ...(compression !== 'none' &&
      source.engine === 'embedded' && { compression: { codec: compression, zstd: io.zstd } }),
  });
  return limit === undefined ? fetcher : new LimitedFetcher(io, fetcher, limit);
}

/** Undefined: nothing is to be compressed. */
export function wireStatusOf({ compression, from }: LinkSpec, traffic: FetchTraffic): WireStatus | undefined {
  if (compression === 'none') return undefined;
  const { wireBytes, recordBytes, plainLeaders } = traffic;
  const off =
    plainLeaders.length === 0
      ? null
      : `broker ${plainLeaders.join(', ')} of ${from} is of an older release, which does not compress on the wire`;
  return { codec: compression, wireBytes, recordBytes, off };
}
