/**
 * `meridian links`: how far each link is, per topic and partition, as the mirrors' management ports tell it. Of several
 * mirrors of a region each tells of the partitions that are its own.
 * Invariant: a mirror that does not answer is told on stderr and makes the command fail; the others are shown.
 */
import type { Io } from '@meridian/io';
import type { Region } from '@meridian/service/regions';
import { CliError } from '../errors.ts';
import { findPlatform, findRegion, type PlatformOptions } from '../platform.ts';
import { alignColumns, type Terminal } from '../terminal.ts';
import { nameOf, reasonsOf } from './link-names.ts';
import { askEachMirror } from './mirror-api.ts';

export interface LinksOptions extends PlatformOptions {
  region?: string[];
  link?: string;
  summary?: boolean;
  json?: boolean;
}

/** What a mirror answers to GET /v1/links. */
export interface MirrorStatus {
  region: string;
  member: string;
  members: readonly string[];
  configError: string | null;
  links: LinkStatus[];
}

export interface LinkStatus {
  name: string;
  managed: string;
  from: string;
  to: string;
  policy: string;
  state: string;
  reason: string | null;
  isKeeper: boolean;
  partitions: PartitionStatus[];
  wire?: WireStatus;
}

/** What a link's compression does. */
export interface WireStatus {
  codec: string;
  wireBytes: number;
  recordBytes: number;
  off: string | null;
}

/** A number is null as long as it is not known. */
export interface PartitionStatus {
  topic: string;
  copy: string;
  partition: number;
  state: string;
  reason: string | null;
  position: number | null;
  sourceEnd: number | null;
  lagRecords: number | null;
  lagBytes: number | null;
  lagMs: number | null;
  lastVerifiedOffset: number | null;
  oldestUnmirroredMs: number | null;
  gaps: number;
  lostRecords: number;
  /** The process that mirrors it. */
  member?: string;
}

export async function printLinks(io: Io, terminal: Terminal, options: LinksOptions): Promise<void> {
  const topology = findPlatform(io, options);
  const regions = options.region?.map((name) => findRegion(topology, name)) ?? topology.regions;
  const asked = regions.length > 0 && topology.regions.length > 1 ? regions : [];
  const answers = await Promise.all(asked.map((region) => askLinks(io, options, region)));
  const links = answers
    .flatMap((answer) => answer.links)
    .filter(({ name }) => options.link === undefined || name === options.link);
  if (options.json) printJson(terminal, links);
  else if (links.length > 0) {
    for (const line of options.summary ? summaryOf(links) : tableOf(links)) terminal.data(line);
  }
  for (const { configErrors } of answers) for (const error of configErrors) terminal.say(error);
  const silent = answers.flatMap((answer) => answer.silent);
  if (silent.length > 0) throw new CliError('not-reachable', silent.join('\n'));
  if (options.link !== undefined && links.length === 0) {
    throw new CliError('refused', `There is no link ${options.link}.`);
  }
}

/** What all mirrors of a region tell, as one. */
export async function askLinks(io: Pick<Io, 'disk'>, options: PlatformOptions, region: Region) {
  const { answers, silent } = await askEachMirror<MirrorStatus>(io, options, region, { path: '/v1/links' });
  return {
    links: mergeLinks(answers),
    silent: silent.map((each) => `A mirror of ${region.name}: ${each}`),
    configErrors: [...new Set(answers.flatMap(({ configError }) => configError ?? []))],
  };
}

/** Each partition once; the state of a link is the worst that one of its mirrors tells. */
export function mergeLinks(answers: readonly MirrorStatus[]): LinkStatus[] {
  const links = new Map<string, LinkStatus>();
  for (const { member, links: told } of answers) {
    for (const link of told) {
      const partitions = link.partitions.map((each) => ({ ...each, member }));
      const known = links.get(link.name);
      if (known === undefined) links.set(link.name, { ...link, partitions });
      else {
        known.partitions.push(...partitions);
        const wire = addWires(known.wire, link.wire);
        if (wire !== undefined) known.wire = wire;
        if (badness(link.state) > badness(known.state))
          Object.assign(known, { state: link.state, reason: link.reason });
      }
    }
  }
  for (const { partitions } of links.values()) {
    partitions.sort((a, b) => a.topic.localeCompare(b.topic) || a.partition - b.partition);
  }
  return [...links.values()];
}

function addWires(one: WireStatus | undefined, other: WireStatus | undefined): WireStatus | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  const wireBytes = one.wireBytes + other.wireBytes;
  return { ...one, wireBytes, recordBytes: one.recordBytes + other.recordBytes, off: one.off ?? other.off };
}

const STATES = ['running', 'promoted', 'catching-up', 'starting', 'paused', 'deleted', 'retrying', 'halted'];
const badness = (state: string): number => STATES.indexOf(state);

function printJson(terminal: Terminal, links: readonly LinkStatus[]): void {
  for (const { name, from, to, partitions, state, reason } of links) {
    if (partitions.length === 0) terminal.data(JSON.stringify({ link: name, from, to, topic: null, state, reason }));
    for (const partition of partitions) terminal.data(JSON.stringify({ link: name, from, to, ...partition }));
  }
}

/** Reasons stand below the table, each once for all partitions of a topic. */
export function tableOf(links: readonly LinkStatus[]): string[] {
  const head = [
    'LINK',
    'PARTITION',
    'STATE',
    'POSITION',
    'END',
    'LAG',
    'BYTES',
    'SECONDS',
    'OLDEST',
    'VERIFIED',
    'GAPS',
  ];
  const rows = links.flatMap((link) =>
    link.partitions.length === 0
      ? [[nameOf(link), '-', link.state]]
      : link.partitions.map((each) => row(nameOf(link), each)),
  );
  const reasons = links.flatMap(reasonsOf);
  return [...alignColumns([head, ...rows]), ...(reasons.length === 0 ? [] : ['', ...reasons])];
}

function row(link: string, each: PartitionStatus): string[] {
  const { topic, partition, state, position, sourceEnd, lagRecords, lagBytes, lagMs, gaps } = each;
  const numbers = [position, sourceEnd, lagRecords, lagBytes].map((value) => String(value ?? '-'));
  const times = [lagMs, each.oldestUnmirroredMs].map(seconds);
  const last = [String(each.lastVerifiedOffset ?? '-'), String(gaps)];
  return [link, `${topic}-${partition}`, state, ...numbers, ...times, ...last];
}

/** One line per link, for those with thousands of partitions. */
export function summaryOf(links: readonly LinkStatus[]): string[] {
  const head = ['LINK', 'STATE', 'POLICY', 'MANAGED', 'PARTITIONS', 'LAG', 'BYTES', 'OLDEST', 'GAPS', 'LOST'];
  const rows = links.map((link) => {
    const { partitions, state, policy, managed } = link;
    const sum = (of: (each: PartitionStatus) => number | null) =>
      String(partitions.reduce((total, each) => total + (of(each) ?? 0), 0));
    const oldest = partitions.map((each) => each.oldestUnmirroredMs).filter((age) => age !== null);
    return [
      ...[nameOf(link), state, policy, managed, String(partitions.length)],
      ...[sum(({ lagRecords }) => lagRecords), sum(({ lagBytes }) => lagBytes)],
      seconds(oldest.length === 0 ? null : Math.max(...oldest)),
      ...[sum(({ gaps }) => gaps), sum(({ lostRecords }) => lostRecords)],
    ];
  });
  const reasons = links.flatMap(reasonsOf);
  return [...alignColumns([head, ...rows]), ...(reasons.length === 0 ? [] : ['', ...reasons])];
}

const seconds = (ms: number | null): string => (ms === null ? '-' : (ms / 1000).toFixed(1));
