/**
 * `meridian links`: how far each link is, per topic and partition, as the mirrors' management ports tell it.
 * Invariant: a mirror that does not answer is told on stderr and makes the command fail; the others are shown.
 */
import type { Io } from '@meridian/io';
import type { Region } from '@meridian/service/regions';
import { CliError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { findPlatform, findRegion, type PlatformOptions } from '../platform.ts';
import { alignColumns, type Terminal } from '../terminal.ts';

export interface LinksOptions extends PlatformOptions {
  region?: string[];
  json?: boolean;
}

/** What a mirror answers to GET /v1/links. */
interface LinkStatus {
  from: string;
  to: string;
  state: string;
  partitions: PartitionStatus[];
}

interface PartitionStatus {
  topic: string;
  partition: number;
  state: string;
  reason: string | null;
  position: number;
  sourceEnd: number;
  lagRecords: number;
  lagBytes: number;
  lagMs: number;
  lastVerifiedOffset: number;
}

export async function printLinks(io: Io, terminal: Terminal, options: LinksOptions): Promise<void> {
  const topology = findPlatform(io, options);
  const named = options.region?.map((name) => findRegion(topology, name)) ?? topology.regions;
  const regions = named.filter(({ name }) => topology.links.some(({ to }) => to === name));
  const answers = await Promise.allSettled(regions.map(fetchLinks));
  const links = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  if (options.json) printJson(terminal, links);
  else printTable(terminal, links);
  const silent = answers.flatMap((answer, index) =>
    answer.status === 'rejected'
      ? [`The mirror of ${regions[index]?.name}: ${String(answer.reason?.cause ?? answer.reason)}`]
      : [],
  );
  if (silent.length > 0) throw new CliError('not-reachable', silent.join('\n'));
}

async function fetchLinks({ mirror }: Region): Promise<LinkStatus[]> {
  const url = `http://${mirror.host}:${mirror.managementPort}/v1/links`;
  const answer = await fetch(url, { signal: AbortSignal.timeout(LIMITS.requestTimeoutMs) });
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
  return ((await answer.json()) as { links: LinkStatus[] }).links;
}

function printJson(terminal: Terminal, links: readonly LinkStatus[]): void {
  for (const { from, to, partitions } of links) {
    for (const partition of partitions) terminal.data(JSON.stringify({ from, to, ...partition }));
  }
}

function printTable(terminal: Terminal, links: readonly LinkStatus[]): void {
  const head = ['LINK', 'PARTITION', 'STATE', 'POSITION', 'END', 'LAG', 'BYTES', 'SECONDS'];
  const rows = links.flatMap(({ from, to, state, partitions }) =>
    partitions.length === 0
      ? [[`${from} → ${to}`, '-', state]]
      : partitions.map((each) => row(`${from} → ${to}`, each)),
  );
  for (const line of alignColumns([head, ...rows])) terminal.data(line);
}

function row(link: string, each: PartitionStatus): string[] {
  const { topic, partition, state, reason, position, sourceEnd, lagRecords, lagBytes, lagMs } = each;
  const told = reason === null || reason === undefined ? state : `${state}: ${reason}`;
  const numbers = [position, sourceEnd, lagRecords, lagBytes].map(String);
  return [link, `${topic}-${partition}`, told, ...numbers, (lagMs / 1000).toFixed(1)];
}
