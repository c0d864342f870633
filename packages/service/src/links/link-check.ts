/**
 * Links beyond the single fields: names, regions, and whether two of them would write the same copy. Called by the loader
 * of regions with line numbers, and by the mirror for links that are created while it runs.
 * Invariant: of the links that pass, no two can ever write the same topic.
 */
import { type Problem, withDefaults } from '../schema.ts';
import { LINK_SCHEMA, type LinkEntry, type LinkSpec, type TopicSelector } from './link-schema.ts';
import { areDisjoint, compileSelector } from './name-selector.ts';

/** Fills in what a link does not say, which was checked. */
export function linkSpec(entry: LinkEntry): LinkSpec {
  const { managed: _, ...filled } = withDefaults(LINK_SCHEMA, entry) as LinkSpec & { managed?: string };
  return { ...filled, name: linkName(entry) };
}

export const linkName = ({ name, from, to }: LinkEntry): string => name ?? `${from}-${to}`;

/** By name: whose brokers they are. */
export type RegionEngines = ReadonlyMap<string, 'embedded' | 'kafka'>;

/** Of one link: what its schema does not say. */
export function checkLink(link: LinkEntry, regions: RegionEngines): Problem[] {
  const problems: Problem[] = [];
  for (const end of ['from', 'to'] as const) {
    if (!regions.has(link[end])) problems.push({ path: [end], message: `is no region: ${link[end]}` });
  }
  if (link.from === link.to) problems.push({ path: ['to'], message: 'must not be the region that it comes from' });
  const { topics = {}, follow, compression = 'none' } = link;
  if (compression !== 'none' && regions.get(link.from) === 'kafka') {
    const message = `must be none: ${link.from} is an Apache Kafka, which compresses nothing on its way out. Let its producers compress`;
    problems.push({ path: ['compression'], message });
  }
  const groups = follow?.groups ?? 'none';
  const selectors = [
    [['topics'], topics],
    [['topics', 'exclude'], topics.exclude ?? {}],
    [['follow', 'groups'], groups === 'none' ? {} : groups],
  ] as const;
  for (const [path, selector] of selectors) {
    const compiled = compileSelector(selector);
    if (typeof compiled === 'string') problems.push({ path: [...path, 'pattern'], message: compiled });
  }
  return problems;
}

/** What keeps the link from standing beside the others; null: nothing. */
export function conflictOf(link: LinkEntry, others: readonly LinkEntry[]): string | null {
  for (const other of others) {
    if (linkName(other) === linkName(link))
      return `is there twice: ${linkName(link)}; give one of the two another name`;
    if (link.mm2 && other.mm2 && link.from === other.from && link.to === other.to) {
      return `has mm2: true as ${linkName(other)} has, which would both copy the heartbeats of ${link.from}: leave it to one`;
    }
    if (mayWriteTheSame(link, other) && !areDisjoint(topicsOf(link), topicsOf(other))) {
      return `may copy the same topics as ${linkName(other)}: give both lists or prefixes that have nothing in common`;
    }
  }
  return null;
}

/** Links that the mirror makes for a while begin so. */
export const FAILBACK = 'failback-';

const topicsOf = ({ topics }: LinkEntry): TopicSelector => topics ?? {};

/** Identity copies of two origins have the same name; and there and back they would be the same topic twice. */
function mayWriteTheSame(one: LinkEntry, other: LinkEntry): boolean {
  const areBothIdentity = one.policy === 'identity' && other.policy === 'identity';
  if (one.to === other.to) {
    // For as long as a fail-back takes, a topic comes back under its own name beside its prefixed copy.
    const isBack = one.policy !== other.policy && [one, other].some((link) => linkName(link).startsWith(FAILBACK));
    return (one.from === other.from && !isBack) || areBothIdentity;
  }
  return areBothIdentity && one.from === other.to && one.to === other.from;
}
