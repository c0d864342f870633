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
export interface LinkStatus {
  from: string;
  to: string;
  state: string;
  reason: string | null;
  partitions: PartitionStatus[];
}

/** A number is null as long as it is not known. */
interface PartitionStatus {
  topic: string;
  partition: number;
  state: string;
  reason: string | null;
  position: number | null;
  sourceEnd: number | null;
  lagRecords: number | null;
  lagBytes: number | null;
  lagMs: number | null;
  lastVerifiedOffset: number | null;
}

export async function printLinks(io: Io, terminal: Terminal, options: LinksOptions): Promise<void> {
  const topology = findPlatform(io, options);
  const named = options.region?.map((name) => findRegion(topology, name)) ?? topology.regions;
  const regions = named.filter(({ name }) => topology.links.some(({ to }) => to === name));
  const answers = await Promise.allSettled(regions.map(fetchLinks));
  const links = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  if (options.json) printJson(terminal, links);
  else if (links.length > 0 || answers.length === 0) for (const line of tableOf(links)) terminal.data(line);
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

/** Reasons stand below the table, each once for all partitions of a topic. */
export function tableOf(links: readonly LinkStatus[]): string[] {
  const head = ['LINK', 'PARTITION', 'STATE', 'POSITION', 'END', 'LAG', 'BYTES', 'SECONDS'];
  const rows = links.flatMap((link) =>
    link.partitions.length === 0
      ? [[nameOf(link), '-', link.state]]
      : link.partitions.map((each) => row(nameOf(link), each)),
  );
  const reasons = links.flatMap(reasonsOf);
  return [...alignColumns([head, ...rows]), ...(reasons.length === 0 ? [] : ['', ...reasons])];
}

const nameOf = ({ from, to }: LinkStatus): string => `${from} → ${to}`;

function row(link: string, each: PartitionStatus): string[] {
  const { topic, partition, state, position, sourceEnd, lagRecords, lagBytes, lagMs } = each;
  const numbers = [position, sourceEnd, lagRecords, lagBytes].map((value) => String(value ?? '-'));
  return [link, `${topic}-${partition}`, state, ...numbers, lagMs === null ? '-' : (lagMs / 1000).toFixed(1)];
}

function reasonsOf(link: LinkStatus): string[] {
  const partitions = new Map<string, number[]>();
  for (const { topic, partition, reason } of link.partitions) {
    if (reason === null) continue;
    const told = `${topic}: ${reason}`;
    partitions.set(told, [...(partitions.get(told) ?? []), partition]);
  }
  const isTold = link.reason === null || link.partitions.some(({ reason }) => reason === link.reason);
  return [
    ...(isTold ? [] : [`${nameOf(link)}: ${link.reason}`]),
    ...[...partitions].map(([told, numbers]) => `${nameOf(link)} ${told} (partition ${numbers.join(', ')})`),
  ];
}
