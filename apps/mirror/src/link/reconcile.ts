/**
 * What has to be done so that every topic of the origin that the link means has its copy: a pure comparison of both
 * sides. Called by the link at every discovery.
 * Invariant: what a topic is stands in its facts; names decide nothing but what the copy is called, and a topic that is
 * itself a copy is never mirrored, so that no cycle of links can turn.
 */
import type { CopyFacts } from '@meridian/coordinates';
import { ZERO_UUID } from '@meridian/protocol';
import type { LinkSpec } from '@meridian/service';
import type { MirrorLimits } from '../limits.ts';
import { HEARTBEATS_TOPIC } from '../mm2/mm2-topics.ts';
import { configChanges } from './copy-configs.ts';
import type { Engine } from './region-side.ts';
import type { TopicFacts } from './topic-catalog.ts';

export type Decision =
  | { readonly kind: 'create'; readonly topic: TopicFacts; readonly copy: string; readonly incarnation: number }
  /** There is such a topic, of which nobody knows what it is; where nothing is in it, it may become the copy. */
  | { readonly kind: 'adopt'; readonly topic: TopicFacts; readonly existing: TopicFacts }
  | { readonly kind: 'grow'; readonly copy: string; readonly partitions: number }
  | {
      readonly kind: 'configure';
      readonly existing: TopicFacts;
      readonly set: Readonly<Record<string, string>>;
      readonly unset: readonly string[];
    }
  | { readonly kind: 'run'; readonly topic: TopicFacts; readonly existing: TopicFacts; readonly partitions: number }
  /** The name means another topic at the origin than the one that was copied. */
  | { readonly kind: 'recreated'; readonly topic: TopicFacts; readonly existing: TopicFacts; readonly reason: string }
  | {
      readonly kind: 'halt';
      readonly topic: TopicFacts;
      readonly copy: string;
      /** Of the topic that has the copy's name; `ZERO_UUID`: there is none. */
      readonly copyId: string;
      readonly reason: string;
      /** False: what is called like the copy is not one of ours, or is not there. */
      readonly hasCopy: boolean;
    }
  /** Somebody has deleted the copy. */
  | { readonly kind: 'copyGone'; readonly topic: TopicFacts; readonly facts: CopyFacts }
  /** A topic of its own by now. */
  | { readonly kind: 'promoted'; readonly topic: TopicFacts; readonly existing: TopicFacts }
  /** A copy whose origin is not there (any more); `topic` is what the copy tells of it. */
  | { readonly kind: 'deleted'; readonly topic: TopicFacts; readonly existing: TopicFacts };

export interface Sides {
  readonly link: Pick<LinkSpec, 'name' | 'from' | 'policy' | 'follow' | 'mm2'>;
  /** Which names the link means. */
  selects(topic: string): boolean;
  /** Of the target. */
  readonly engine: Engine;
  readonly source: readonly TopicFacts[];
  readonly target: ReadonlyMap<string, TopicFacts>;
  /** Copies that were there and are not any more, by name. */
  readonly gone: ReadonlyMap<string, CopyFacts>;
  /** Copies of which somebody has said that they may be made anew. */
  readonly released: ReadonlySet<string>;
  readonly limits: Pick<MirrorLimits, 'maxTopicNameLength'>;
}

export function reconcile(sides: Sides): Decision[] {
  const decisions = sides.source
    .filter((topic) => isMirrored(sides, topic))
    .flatMap((topic): Decision[] => {
      const copy = copyName(sides.link, topic.name);
      if (copy.length > sides.limits.maxTopicNameLength) {
        return [
          halted(
            topic,
            copy,
            undefined,
            `the copy's name would be longer than ${sides.limits.maxTopicNameLength}`,
            false,
          ),
        ];
      }
      const existing = sides.target.get(copy);
      const problem = topic.problem ?? existing?.problem;
      if (problem !== undefined) return [halted(topic, copy, existing, problem, existing !== undefined)];
      return existing === undefined ? [missing(sides, topic, copy)] : decideExisting(sides, topic, existing);
    });
  return [...decisions, ...orphansOf(sides)];
}

/** MirrorMaker 2's heartbeats are told apart by their prefix. */
export function copyName({ from, policy }: Pick<LinkSpec, 'from' | 'policy'>, topic: string): string {
  return policy === 'identity' && topic !== HEARTBEATS_TOPIC ? topic : `${from}.${topic}`;
}

/** Bookkeeping of MirrorMaker 2, which is about the cluster that it lies in. */
const MM2_INTERNAL = /^mm2-[a-z-]+\..*\.internal$|\.checkpoints\.internal$/;

/** Not Kafka's own topics, not copies, and nothing of which it is not known yet what it is. */
function isMirrored({ link, selects }: Sides, { name, configs, problem, origin, isBeingMade }: TopicFacts): boolean {
  if (isBeingMade) return false;
  if (name.startsWith('__') || MM2_INTERNAL.test(name) || (configs ?? problem) === undefined) return false;
  if (origin !== undefined && origin.promotedAt === undefined) return false;
  return selects(name) || (link.mm2 && name === HEARTBEATS_TOPIC);
}

function missing({ gone, released }: Sides, topic: TopicFacts, copy: string): Decision {
  const facts = gone.get(copy);
  if (facts === undefined) return { kind: 'create', topic, copy, incarnation: 1 };
  if (facts.originTopicId === topic.id && !released.has(copy)) return { kind: 'copyGone', topic, facts };
  return { kind: 'create', topic, copy, incarnation: facts.incarnation + 1 };
}

/** A copy that was made by this link, or by one that named the same topic the same way. */
function orphansOf(sides: Sides): Decision[] {
  const { link, source, target } = sides;
  const names = new Set(source.map(({ name }) => name));
  return [...target.values()].flatMap((existing): Decision[] => {
    const { origin, partitions } = existing;
    if (origin?.originRegion !== link.from || names.has(origin.originTopic)) return [];
    const { originTopic: name, originTopicId: id } = origin;
    if (existing.name !== copyName(link, name) || !(origin.link === link.name || sides.selects(name))) return [];
    const topic: TopicFacts = { name, id, partitions, configs: undefined, origin: undefined };
    return [{ kind: origin.promotedAt === undefined ? 'deleted' : 'promoted', topic, existing }];
  });
}

function decideExisting(sides: Sides, topic: TopicFacts, existing: TopicFacts): Decision[] {
  const { link, engine } = sides;
  const { origin, name: copy } = existing;
  if (existing.configs === undefined) return [];
  if (origin === undefined && engine === 'kafka') return [{ kind: 'adopt', topic, existing }];
  if (origin?.originRegion !== link.from) {
    const what = origin === undefined ? 'a topic that is no copy' : `a copy from ${origin.originRegion}`;
    return [halted(topic, copy, existing, `${copy} exists here already and is ${what}${WAY_OUT}`, false)];
  }
  if (origin.promotedAt !== undefined || origin.isSealed) return [{ kind: 'promoted', topic, existing }];
  if (origin.originTopic !== topic.name) {
    return [halted(topic, copy, existing, `${copy} is the copy of ${origin.originTopic}${WAY_OUT}`, true)];
  }
  if (origin.originTopicId !== topic.id) {
    const reason = `the topic was deleted and created anew at the origin: its id is ${topic.id}, our copy is of ${origin.originTopicId}`;
    return [{ kind: 'recreated', topic, existing, reason }];
  }
  return decideCopy(sides, topic, existing);
}

const WAY_OUT = ': delete or rename one of the two, or leave the topic out of the link';

/** It is the copy that is meant: run it, and make it like its origin where it is not. */
function decideCopy({ link, engine }: Sides, topic: TopicFacts, existing: TopicFacts): Decision[] {
  const { name: copy, configs = new Map<string, string>() } = existing;
  if (engine === 'kafka' && configs.get('message.timestamp.type') === 'LogAppendTime') {
    const reason = `${copy} has message.timestamp.type=LogAppendTime, which would replace the records' own times: set CreateTime`;
    return [halted(topic, copy, existing, reason, true)];
  }
  const decisions: Decision[] = [];
  const changes = configChanges(topic.configs ?? new Map(), configs, link.follow.configs, engine);
  if (changes !== null) decisions.push({ kind: 'configure', existing, ...changes });
  if (existing.partitions < topic.partitions) decisions.push({ kind: 'grow', copy, partitions: topic.partitions });
  const partitions = Math.min(existing.partitions, topic.partitions);
  return [...decisions, { kind: 'run', topic, existing, partitions }];
}

function halted(
  topic: TopicFacts,
  copy: string,
  existing: TopicFacts | undefined,
  reason: string,
  hasCopy: boolean,
): Decision {
  return { kind: 'halt', topic, copy, copyId: existing?.id ?? ZERO_UUID, reason, hasCopy };
}
