/**
 * `meridian gaps`: what the origins lost before it was copied, as it stands on record at the regions of the copies.
 * Invariant: exit code 1 if there are any, so that a script notices.
 */
import type { Io } from '@meridian/io';
import { CliError } from '../errors.ts';
import { findPlatform, findRegion, type PlatformOptions } from '../platform.ts';
import { alignColumns, type Terminal } from '../terminal.ts';
import { askMirror } from './mirror-api.ts';

export interface GapsOptions extends PlatformOptions {
  region?: string[];
  json?: boolean;
}

/** Of GET /v1/gaps. `to` is exclusive. */
export interface Gap {
  link: string;
  topic: string;
  copy: string;
  partition: number;
  kind: string;
  from: number;
  to: number;
  foundAtMs: number;
  policy: string;
  incarnation: number;
  reason: string;
}

export async function printGaps(io: Io, terminal: Terminal, options: GapsOptions): Promise<void> {
  const topology = findPlatform(io, options);
  const regions = options.region?.map((name) => findRegion(topology, name)) ?? topology.regions;
  const asked = topology.regions.length > 1 ? regions : [];
  const settled = await Promise.allSettled(
    asked.map(({ name }) => askMirror<{ gaps: Gap[] }>(io, options, name, { path: '/v1/gaps' })),
  );
  const found = settled.flatMap((one, index) =>
    one.status === 'fulfilled' ? one.value.gaps.map((gap) => ({ region: asked[index]?.name ?? '', ...gap })) : [],
  );
  if (options.json) for (const gap of found) terminal.data(JSON.stringify(gap));
  else if (found.length > 0) for (const line of gapTable(found)) terminal.data(line);
  const failed = settled.flatMap((one) => (one.status === 'rejected' ? [(one.reason as Error).message] : []));
  if (failed.length > 0) throw new CliError('not-reachable', failed.join('\n'));
  if (found.length > 0) throw new CliError('gaps-found', `${found.length} on record.`);
  if (!options.json) terminal.say('no gaps on record');
}

export function gapTable(gaps: readonly (Gap & { region: string })[]): string[] {
  const head = ['REGION', 'LINK', 'PARTITION', 'KIND', 'FROM', 'TO', 'RECORDS', 'POLICY', 'FOUND'];
  const rows = gaps.map((gap) => [
    ...[gap.region, gap.link, `${gap.topic}-${gap.partition}`, gap.kind],
    ...[String(gap.from), String(Math.max(gap.from, gap.to - 1)), String(gap.to - gap.from)],
    ...[gap.policy, new Date(gap.foundAtMs).toISOString()],
  ]);
  const reasons = gaps.map((gap) => `${gap.topic}-${gap.partition} in ${gap.region}: ${gap.reason}`);
  return [...alignColumns([head, ...rows]), '', ...new Set(reasons)];
}
