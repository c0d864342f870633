/**
 * `meridian link …`: links that are managed while the mirrors run. The mirror of the region that a link leads to keeps
 * it; links of `links.yaml` can be described, paused and resumed here, and are changed there.
 * Invariant: what succeeded is durable at the region that the link leads to when the command comes back.
 */
import type { Io } from '@meridian/io';
import type { Region } from '@meridian/service/regions';
import { CliError } from '../errors.ts';
import { findPlatform, findRegion, type PlatformOptions } from '../platform.ts';
import type { Terminal } from '../terminal.ts';
import { nameOf, wireOf } from './link-names.ts';
import { askLinks, type LinkStatus, tableOf } from './links.ts';
import { askEachMirror, askMirror } from './mirror-api.ts';

export interface LinkOptions extends PlatformOptions {
  /** Where the link leads to, if two regions have one of that name. */
  region?: string;
  json?: boolean;
}

export interface LinkCreateOptions extends LinkOptions {
  from: string;
  to: string;
  topics?: string[];
  prefix?: string;
  pattern?: string;
  exclude?: string[];
  excludePrefix?: string;
  excludePattern?: string;
  policy?: string;
  start?: string;
  bandwidth?: number;
  compression?: string;
  configs?: string[];
  acls?: boolean;
  groups?: string[];
  groupPattern?: string;
  withoutGroups?: boolean;
  onGap?: string;
  topicOnGap?: Record<string, string>;
  mm2?: boolean;
}

/** What a mirror answers of one link. */
interface DescribedLink {
  link: { name: string; from: string; to: string } & Record<string, unknown>;
  managed: string;
  epoch: number;
  paused: { by: string; atMs: number } | null;
  problem: string | null;
  status: LinkStatus | null;
}

export async function createLink(io: Io, terminal: Terminal, name: string | undefined, options: LinkCreateOptions) {
  const topology = findPlatform(io, options);
  findRegion(topology, options.from);
  const to = findRegion(topology, options.to);
  const body = linkEntry(name, options);
  const made = await askMirror<DescribedLink>(io, options, to.name, { method: 'POST', path: '/v1/links', body });
  if (options.json) terminal.data(JSON.stringify(made));
  else terminal.say(`created link ${made.link.name}: ${nameOf(made.link)}`);
}

export async function describeLink(io: Io, terminal: Terminal, name: string, options: LinkOptions): Promise<void> {
  const region = await regionOf(io, options, name);
  const found = await askMirror<DescribedLink>(io, options, region.name, { path: pathOf(name) });
  if (options.json) return terminal.data(JSON.stringify(found));
  const { link, managed, paused, problem } = found;
  for (const [field, value] of Object.entries({ ...link, managed })) {
    terminal.data(`${field}: ${typeof value === 'string' ? value : JSON.stringify(value)}`);
  }
  if (paused !== null) terminal.data(`paused: by ${paused.by} at ${new Date(paused.atMs).toISOString()}`);
  if (problem !== null) terminal.data(`does not run: it ${problem}`);
  const { links } = await askLinks(io, options, region);
  const running = links.filter((each) => each.name === name);
  for (const { wire } of running) if (wire !== undefined) terminal.data(`on the wire: ${wireOf(wire)}`);
  terminal.data('');
  for (const line of tableOf(running)) terminal.data(line);
}

export async function pauseLink(io: Io, terminal: Terminal, name: string, options: LinkOptions & { by?: string }) {
  const by = options.by ?? 'the command line';
  await act(io, terminal, name, options, { action: 'pause', body: { by }, said: `paused link ${name}` });
}

/** With `topic`: one that is halted begins anew, as if its mirrors had just been started; each has its own partitions. */
export async function resumeLink(io: Io, terminal: Terminal, name: string, options: LinkOptions & { topic?: string }) {
  const { topic } = options;
  if (topic === undefined) {
    return act(io, terminal, name, options, { action: 'resume', body: {}, said: `resumed link ${name}` });
  }
  const request = { method: 'POST', path: `${pathOf(name)}/resume`, body: { topic } } as const;
  const region = await regionOf(io, options, name);
  const { answers, silent } = await askEachMirror<{ lost?: LostPartition[] }>(io, options, region, request);
  if (answers.length === 0) throw new CliError('refused', silent.join('\n'));
  const lost = answers.flatMap((answer) => answer.lost ?? []).toSorted((a, b) => a.partition - b.partition);
  if (options.json) return terminal.data(JSON.stringify({ ...answers[0], lost }));
  terminal.say(`${topic} of link ${name} begins anew`);
  if (lost.length > 0) for (const line of waysOn(name, topic, lost)) terminal.say(line);
}

interface LostPartition {
  partition: number;
  kind: string;
  reason: string;
}

/** What was lost stays lost: beginning anew helps only where the policy, or the origin, is another one since. */
function waysOn(name: string, topic: string, lost: readonly LostPartition[]): string[] {
  const decide = `meridian link decide ${name} --topic ${topic} --policy`;
  const isMarkable = lost.some(({ kind }) => kind === 'retention');
  return [
    ...lost.map(({ partition, reason }) => `partition ${partition} was halted by a lost range: ${reason}`),
    'It halts again unless onGap of the link or its origin has changed since. To go on all the same:',
    ...(isMarkable ? [`  ${decide} mark-gap         goes on behind what was lost`] : []),
    `  ${decide} new-incarnation  deletes the copy and copies all of the topic anew`,
  ];
}

export async function confirmDeletion(
  io: Io,
  terminal: Terminal,
  name: string,
  options: LinkOptions & { topic: string },
) {
  const { topic } = options;
  await act(io, terminal, name, options, { action: 'confirm', body: { topic }, said: `deleted the copy of ${topic}` });
}

export interface DecideOptions extends LinkOptions {
  topic: string;
  partition?: number;
  policy: string;
}

/** What becomes of a partition that is halted because records were lost at its origin. Each mirror has its own. */
export async function decideLostRange(io: Io, terminal: Terminal, name: string, options: DecideOptions): Promise<void> {
  const region = await regionOf(io, options, name);
  const { topic, partition, policy } = options;
  const body = { link: name, topic, policy, ...(partition !== undefined && { partition }) };
  const request = { method: 'POST', path: '/v1/gaps/decide', body } as const;
  const { answers, silent } = await askEachMirror<{ decided: number[] }>(io, options, region, request);
  const decided = answers.flatMap((answer) => answer.decided).toSorted((a, b) => a - b);
  if (decided.length === 0) throw new CliError('refused', silent.join('\n'));
  if (options.json) terminal.data(JSON.stringify({ link: name, topic, decided, policy }));
  else terminal.say(`${topic} of link ${name} goes on by ${policy}: partition ${decided.join(', ')}`);
}

export async function deleteLink(io: Io, terminal: Terminal, name: string, options: LinkOptions): Promise<void> {
  const region = await regionOf(io, options, name);
  const gone = await askMirror(io, options, region.name, { method: 'DELETE', path: pathOf(name) });
  if (options.json) terminal.data(JSON.stringify(gone));
  else terminal.say(`deleted link ${name}; its copies in ${region.name} stay`);
}

async function act(
  io: Io,
  terminal: Terminal,
  name: string,
  options: LinkOptions,
  { action, body, said }: { action: string; body: object; said: string },
): Promise<void> {
  const region = await regionOf(io, options, name);
  const path = `${pathOf(name)}/${action}`;
  const answer = await askMirror(io, options, region.name, { method: 'POST', path, body });
  if (options.json) terminal.data(JSON.stringify(answer));
  else terminal.say(said);
}

const pathOf = (name: string): string => `/v1/links/${encodeURIComponent(name)}`;

/** The region whose mirrors have a link of that name. */
async function regionOf(io: Io, options: LinkOptions, name: string): Promise<Region> {
  const topology = findPlatform(io, options);
  if (options.region !== undefined) return findRegion(topology, options.region);
  const answers = await Promise.all(topology.regions.map((region) => askLinks(io, options, region)));
  const having = topology.regions.filter((_, index) => answers[index]?.links.some((link) => link.name === name));
  if (having.length === 1) return having[0] as Region;
  if (having.length > 1) {
    const names = having.map((region) => region.name).join(' and ');
    throw new CliError('bad-option', `${names} have a link ${name} each: say which with --region.`);
  }
  const silent = answers.flatMap((answer) => answer.silent);
  const known = answers.flatMap((answer) => answer.links.map((link) => link.name)).join(', ') || 'none';
  const told = silent.length === 0 ? '' : `\n${silent.join('\n')}`;
  throw new CliError(silent.length === 0 ? 'refused' : 'not-reachable', `No link ${name}; there are: ${known}.${told}`);
}

/** As `links.yaml` has it; what is not said is left to the mirror's defaults. */
export function linkEntry(name: string | undefined, options: LinkCreateOptions): Record<string, unknown> {
  const exclude = selector(options.exclude, options.excludePrefix, options.excludePattern);
  const topics = { ...selector(options.topics, options.prefix, options.pattern), ...(exclude && { exclude }) };
  const groups = options.withoutGroups ? 'none' : selector(options.groups, undefined, options.groupPattern);
  const follow = {
    ...(options.configs && { configs: options.configs }),
    ...(options.acls && { acls: true }),
    ...(groups && { groups }),
  };
  const onGap = {
    ...(options.onGap && { default: options.onGap }),
    ...(options.topicOnGap && { topics: options.topicOnGap }),
  };
  const given = (value: object): boolean => Object.keys(value).length > 0;
  return {
    ...(name !== undefined && { name }),
    ...{ from: options.from, to: options.to },
    ...(given(topics) && { topics }),
    ...(options.policy && { policy: options.policy }),
    ...(options.start && { start: startOf(options.start) }),
    ...(options.bandwidth && { bandwidthBytesPerSecond: options.bandwidth }),
    ...(options.compression && { compression: options.compression }),
    ...(given(follow) && { follow }),
    ...(given(onGap) && { onGap }),
    ...(options.mm2 && { mm2: true }),
  };
}

function selector(list?: string[], prefix?: string, pattern?: string): object | undefined {
  if (list === undefined && prefix === undefined && pattern === undefined) return undefined;
  return { ...(list && { list }), ...(prefix && { prefix }), ...(pattern && { pattern }) };
}

/** `earliest`, `latest`, or a time: ISO 8601 or milliseconds since 1970. */
function startOf(text: string): string | { timestampMs: number } {
  if (text === 'earliest' || text === 'latest') return text;
  const timestampMs = /^\d+$/.test(text) ? Number(text) : Date.parse(text);
  if (Number.isNaN(timestampMs)) {
    throw new CliError('bad-option', `--start ${text}: earliest, latest, or a time such as 2026-11-21T08:00:00Z.`);
  }
  return { timestampMs };
}
