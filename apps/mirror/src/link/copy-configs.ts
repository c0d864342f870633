/**
 * Which configs a copy has: those of its origin that follow, and those that make it a copy. Pure; used by `reconcile.ts`
 * and the keeper. Invariant: what makes a copy a copy never follows and is never touched once it is made.
 */
import { type CopyFacts, ORIGIN_CONFIGS } from '@meridian/coordinates';
import type { LinkSpec } from '@meridian/service';
import type { Engine } from './region-side.ts';

/** Followed unless a link says otherwise, where they are set. */
const DEFAULT_FOLLOWED = [
  'cleanup.policy',
  'retention.ms',
  'retention.bytes',
  'max.message.bytes',
  'meridian.durability',
];

/**
 * Of a copy in an Apache Kafka, whatever its origin has: only the mirror deletes there, records of any time are taken as
 * they are, and batches stay as they were compressed.
 */
export const KAFKA_COPY_CONFIGS: Readonly<Record<string, string>> = {
  'retention.ms': '-1',
  'retention.bytes': '-1',
  'message.timestamp.type': 'CreateTime',
  'message.timestamp.before.max.ms': '9223372036854775807',
  'message.timestamp.after.max.ms': '9223372036854775807',
  'compression.type': 'producer',
};

type Configs = ReadonlyMap<string, string>;

/** What a copy takes over of its origin's. */
export function followedConfigs(
  origin: Configs,
  follow: LinkSpec['follow']['configs'],
  engine: Engine,
): Record<string, string> {
  const names = follow === 'default' ? DEFAULT_FOLLOWED : follow;
  const found: Record<string, string> = {};
  for (const name of names) {
    const value = origin.get(name);
    if (value !== undefined && isSettable(name, engine)) found[name] = value;
  }
  return found;
}

/** What would follow into the copy if it could have it: a topic of its own gets it at its promotion. */
export function withheldConfigs(
  origin: Configs,
  follow: LinkSpec['follow']['configs'],
): Readonly<Record<string, string>> {
  const followed = followedConfigs(origin, follow, 'embedded');
  return Object.fromEntries(Object.entries(followed).filter(([name]) => Object.hasOwn(KAFKA_COPY_CONFIGS, name)));
}

/** Null: nothing is to be changed. What the origin does not set (any more) goes back to its default. */
export function configChanges(
  origin: Configs,
  copy: Configs,
  follow: LinkSpec['follow']['configs'],
  engine: Engine,
): { set: Record<string, string>; unset: string[] } | null {
  const wanted = followedConfigs(origin, follow, engine);
  const names = (follow === 'default' ? DEFAULT_FOLLOWED : follow).filter((name) => isSettable(name, engine));
  const set = Object.fromEntries(Object.entries(wanted).filter(([name, value]) => copy.get(name) !== value));
  const unset = names.filter((name) => !Object.hasOwn(wanted, name) && copy.has(name));
  return Object.keys(set).length === 0 && unset.length === 0 ? null : { set, unset };
}

/** What our own brokers keep of a copy. */
export function originConfigs(facts: Omit<CopyFacts, 'copy' | 'copyId'>): Record<string, string> {
  const { originRegion, originTopic, originTopicId, incarnation, policy, link, start } = facts;
  return {
    [ORIGIN_CONFIGS.region]: originRegion,
    [ORIGIN_CONFIGS.topic]: originTopic,
    [ORIGIN_CONFIGS.topicId]: originTopicId,
    [ORIGIN_CONFIGS.incarnation]: String(incarnation),
    [ORIGIN_CONFIGS.policy]: policy,
    [ORIGIN_CONFIGS.link]: link,
    ...(start !== undefined && { [ORIGIN_CONFIGS.start]: start }),
  };
}

/** Ours mean nothing to an Apache Kafka, and some of a copy's there are fixed. */
function isSettable(name: string, engine: Engine): boolean {
  if (name.startsWith('meridian.origin.')) return false;
  return engine === 'embedded' || (!name.startsWith('meridian.') && !Object.hasOwn(KAFKA_COPY_CONFIGS, name));
}
