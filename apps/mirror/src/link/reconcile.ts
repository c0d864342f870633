/**
 * What has to be done so that every topic of the origin has its copy: a pure comparison of both sides. Called by the
 * link at every discovery. Invariant: what a topic is stands in its configs; names decide nothing but what the copy
 * is called, and a topic that is itself a copy is never mirrored.
 */
import type { MirrorLimits } from '../limits.ts';

export const ORIGIN_REGION = 'meridian.origin.region';
export const ORIGIN_TOPIC_ID = 'meridian.origin.topic.id';
export const ORIGIN_INCARNATION = 'meridian.origin.incarnation';

/** Topic configs that a copy takes over when it is created, where they are set. */
const FOLLOWED = ['cleanup.policy', 'retention.ms', 'retention.bytes', 'max.message.bytes', 'meridian.durability'];

export interface TopicFacts {
  readonly name: string;
  readonly id: string;
  readonly partitions: number;
  /** Values set on the topic; undefined: not known (yet). */
  readonly configs: ReadonlyMap<string, string> | undefined;
}

export type Decision =
  | {
      readonly kind: 'create';
      readonly copy: string;
      readonly partitions: number;
      readonly configs: Record<string, string>;
    }
  | { readonly kind: 'grow'; readonly copy: string; readonly partitions: number }
  | { readonly kind: 'run'; readonly topic: TopicFacts; readonly copy: string; readonly partitions: number }
  | {
      readonly kind: 'halt';
      readonly topic: TopicFacts;
      readonly copy: string;
      readonly reason: string;
      /** False: what is called like the copy is not one of ours, or is not there. */
      readonly hasCopy: boolean;
    }
  /** A copy whose origin is not there (any more); `topic` is what the copy tells of it. */
  | { readonly kind: 'deleted'; readonly topic: TopicFacts; readonly copy: string };

export function reconcile(
  from: string,
  source: readonly TopicFacts[],
  target: ReadonlyMap<string, TopicFacts>,
  limits: Pick<MirrorLimits, 'maxTopicNameLength'>,
): Decision[] {
  const decisions = source.filter(isMirrored).flatMap((topic): Decision[] => {
    const copy = `${from}.${topic.name}`;
    if (copy.length > limits.maxTopicNameLength) {
      const reason = `the copy's name would be longer than ${limits.maxTopicNameLength}`;
      return [{ kind: 'halt', topic, copy, reason, hasCopy: false }];
    }
    const existing = target.get(copy);
    if (existing === undefined) return [creation(from, topic, copy)];
    return decideExisting(from, topic, existing);
  });
  return [...decisions, ...orphansOf(from, source, target)];
}

function orphansOf(from: string, source: readonly TopicFacts[], target: ReadonlyMap<string, TopicFacts>): Decision[] {
  const copies = new Set(source.map(({ name }) => `${from}.${name}`));
  return [...target.values()].flatMap(({ name: copy, partitions, configs }): Decision[] => {
    if (configs?.get(ORIGIN_REGION) !== from || !copy.startsWith(`${from}.`) || copies.has(copy)) return [];
    const id = configs.get(ORIGIN_TOPIC_ID) ?? '';
    return [
      { kind: 'deleted', topic: { name: copy.slice(from.length + 1), id, partitions, configs: undefined }, copy },
    ];
  });
}

/** Not Kafka's own topics, not copies, and nothing of which it is not known yet what it is. */
function isMirrored(topic: TopicFacts): boolean {
  return !topic.name.startsWith('__') && topic.configs !== undefined && !topic.configs.has(ORIGIN_REGION);
}

function creation(from: string, topic: TopicFacts, copy: string): Decision {
  const followed = FOLLOWED.flatMap((name) => {
    const value = topic.configs?.get(name);
    return value === undefined ? [] : [[name, value] as const];
  });
  const configs = {
    ...Object.fromEntries(followed),
    [ORIGIN_REGION]: from,
    [ORIGIN_TOPIC_ID]: topic.id,
    [ORIGIN_INCARNATION]: '1',
  };
  return { kind: 'create', copy, partitions: topic.partitions, configs };
}

function decideExisting(from: string, topic: TopicFacts, existing: TopicFacts): Decision[] {
  const copy = existing.name;
  if (existing.configs === undefined) return [];
  const region = existing.configs.get(ORIGIN_REGION);
  const id = existing.configs.get(ORIGIN_TOPIC_ID);
  if (region !== from) {
    const what = region === undefined ? 'a topic that is no copy' : `a copy from ${region}`;
    return [{ kind: 'halt', topic, copy, reason: `${copy} exists here already and is ${what}`, hasCopy: false }];
  }
  if (id !== topic.id) {
    const reason = `the topic was deleted and created anew at the origin: its id is ${topic.id}, our copy is of ${id}`;
    return [{ kind: 'halt', topic, copy, reason, hasCopy: true }];
  }
  const run: Decision = { kind: 'run', topic, copy, partitions: Math.min(existing.partitions, topic.partitions) };
  if (existing.partitions >= topic.partitions) return [run];
  return [{ kind: 'grow', copy, partitions: topic.partitions }, run];
}
