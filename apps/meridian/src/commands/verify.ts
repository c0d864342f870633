/**
 * `meridian verify <topic>`: compares all of a topic with its copies, batch by batch, and names the first offset that
 * differs. The mirrors of the regions that have the copies do it; of several mirrors each compares what is its own.
 * Invariant: exit code 0 only if every partition was compared to its end and nothing differs.
 */
import type { Io } from '@meridian/io';
import type { Region } from '@meridian/service/regions';
import { CliError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { findPlatform, findRegion, type PlatformOptions } from '../platform.ts';
import { alignColumns, type Terminal } from '../terminal.ts';
import { askEachMirror } from './mirror-api.ts';
import { withRegionClient } from './region-client.ts';

export interface VerifyOptions extends PlatformOptions {
  /** Of the copies; all regions that have one if none is named. */
  region?: string[];
  link?: string;
  json?: boolean;
}

/** Of GET /v1/verify. */
interface VerifiedTopic {
  link: string;
  partitions: VerifiedPartition[];
}

interface VerifiedPartition {
  topic: string;
  copy: string;
  partition: number;
  from: number;
  end: number;
  records: number;
  difference: { offset: number; kind: 'missing' | 'surplus' | 'different' } | null;
  error: string | null;
}

export interface VerifiedRow extends VerifiedPartition {
  region: string;
  link: string;
}

export async function verifyTopic(io: Io, terminal: Terminal, topic: string, options: VerifyOptions): Promise<void> {
  if (topic === '') throw new CliError('bad-option', 'Say which topic.');
  const topology = findPlatform(io, options);
  const regions = options.region?.map((name) => findRegion(topology, name)) ?? topology.regions;
  const rows: VerifiedRow[] = [];
  const troubles: string[] = [];
  for (const region of regions) {
    const found = await verifyIn(io, options, region, topic);
    rows.push(...found.rows);
    troubles.push(...found.troubles);
  }
  if (options.json) for (const each of rows) terminal.data(JSON.stringify(each));
  else if (rows.length > 0) for (const line of verifiedTable(rows)) terminal.data(line);
  const bad = rows.filter(({ difference, error }) => difference !== null || error !== null);
  if (bad.length > 0) troubles.push(`${bad.length} of ${rows.length} partitions are not known to be equal.`);
  if (rows.length === 0) troubles.push(`No link mirrors a topic ${topic}.`);
  if (troubles.length > 0) throw new CliError('not-verified', troubles.join('\n'));
}

async function verifyIn(io: Io, options: VerifyOptions, region: Region, topic: string) {
  const query = new URLSearchParams({ topic, ...(options.link !== undefined && { link: options.link }) });
  const request = { path: `/v1/verify?${query}`, timeoutMs: LIMITS.verifyTimeoutMs };
  const { answers, silent } = await askEachMirror<{ topics: VerifiedTopic[] }>(io, options, region, request);
  const rows = answers.flatMap(({ topics }) =>
    topics.flatMap(({ link, partitions }) => partitions.map((each) => ({ region: region.name, link, ...each }))),
  );
  rows.sort((a, b) => a.link.localeCompare(b.link) || a.partition - b.partition);
  const troubles = silent.filter((reason) => !NOT_THERE.test(reason));
  for (const copy of new Set(rows.map((each) => each.copy))) {
    const compared = new Set(rows.filter((each) => each.copy === copy).map(({ partition }) => partition));
    const count = await partitionsOf(io, options, region, copy);
    if (compared.size < count) troubles.push(`${region.name}: ${copy}: only ${compared.size} of ${count} partitions.`);
  }
  return { rows, troubles };
}

/** One mirror of several, or of another region, may have none of it. */
const NOT_THERE = /no link mirrors a topic|there are no links|there is no link/;

function partitionsOf(io: Io, options: VerifyOptions, { name }: Region, copy: string): Promise<number> {
  return withRegionClient(io, options, name, async (client) => {
    const view = await client.metadata([copy], { timeoutMs: LIMITS.requestTimeoutMs, maxAgeMs: 0 });
    return view.topics.get(copy)?.partitions.length ?? 0;
  });
}

const TOLD = { missing: 'is missing', surplus: 'is not at the origin', different: 'is another record' } as const;

export function verifiedTable(rows: readonly VerifiedRow[]): string[] {
  const cells = rows.map(({ region, link, copy, partition, from, end, records, difference, error }) => [
    ...[region, link, `${copy}-${partition}`, String(from), String(end), String(records)],
    difference === null ? (error ?? 'equal') : `${difference.offset} ${TOLD[difference.kind]}`,
  ]);
  return alignColumns([['REGION', 'LINK', 'PARTITION', 'FROM', 'TO', 'RECORDS', 'RESULT'], ...cells]);
}
