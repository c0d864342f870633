/**
 * What a fail-over would do and what it would cost, from what could be learned: a pure function. Shown by `meridian
 * failover plan`, and by `run` before it begins.
 * Invariant: what nobody knows is null and counted as unknown, never taken for nothing.
 */

import type { CopyFacts } from '@meridian/coordinates';
import { readMark } from '../groups/commit-mark.ts';
import type { GroupPartitionStatus } from '../groups/messages.ts';
import type { TopicFacts } from '../link/topic-catalog.ts';
import type { PartitionStatus } from '../status.ts';
import type {
  FailoverPlan,
  FailoverScope,
  GroupPlan,
  OriginReach,
  PartitionPlan,
  TopicPlan,
  WriterSeen,
} from './messages.ts';
import { placeKey, writerText } from './origin-facts.ts';

export type Copy = TopicFacts & { readonly origin: CopyFacts };

export interface OriginFound {
  readonly isReachable: boolean;
  /** By topic and partition, as the origin calls it. */
  readonly ends: ReadonlyMap<string, number>;
  readonly writers: ReadonlyMap<string, readonly WriterSeen[]>;
}

export interface CommitFound {
  readonly group: string;
  readonly state: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly metadata: string;
}

export interface PlanInput {
  readonly scope: FailoverScope;
  readonly to: string;
  readonly atMs: number;
  readonly copies: readonly Copy[];
  /** Offsets of copies are their origin's: then their end tells what is not copied, whoever mirrors them. */
  readonly isEmbedded: boolean;
  readonly copyEnds: ReadonlyMap<string, number>;
  readonly origins: ReadonlyMap<string, OriginFound>;
  /** By region of origin: what the links have heard. */
  readonly statuses: ReadonlyMap<string, readonly PartitionStatus[]>;
  readonly followed: readonly GroupPartitionStatus[];
  /** At the copies. */
  readonly commits: readonly CommitFound[];
}

export function failoverPlan(input: PlanInput): FailoverPlan {
  const topics = input.copies.map((copy) => topicPlan(input, copy));
  const open = topics.filter(({ action }) => action !== 'none: promoted').flatMap(({ partitions }) => partitions);
  const steps = new Set(topics.flatMap(({ action }) => STEPS[action]));
  return {
    ...{ v: 1, kind: 'failover', scope: input.scope, to: input.to, atMs: input.atMs, topics },
    origins: originsOf(input),
    groups: groupPlans(input),
    loses: open.reduce((sum, { notCopied }) => sum + (notCopied ?? 0), 0),
    unknown: open.filter(({ notCopied }) => notCopied === null).length,
    refusal: refusalOf(topics),
    steps: [...steps],
  };
}

const STEPS: Record<TopicPlan['action'], readonly string[]> = {
  promote: [
    'wait until the copies have what the origin has, while it answers',
    'seal the copies: no mirror writes to them any more',
    'carry the groups',
    'make the copies writable, one incarnation further',
  ],
  'readers-only': ['carry the groups'],
  'none: promoted': [],
};

function topicPlan(input: PlanInput, { name: copy, partitions, origin }: Copy): TopicPlan {
  const { originTopic: topic, originRegion: from, policy, incarnation, promotedAt } = origin;
  const own = policy === 'identity' ? 'promote' : 'readers-only';
  return {
    ...{ topic, copy, from, policy, incarnation },
    action: promotedAt === undefined ? own : 'none: promoted',
    partitions: Array.from({ length: partitions }, (_, at) => partitionPlan(input, origin, at)),
  };
}

function partitionPlan(input: PlanInput, origin: CopyFacts, partition: number): PartitionPlan {
  const { originRegion, originTopic: topic, copy } = origin;
  const status = input.statuses
    .get(originRegion)
    ?.find((each) => each.copy === copy && each.topic === topic && each.partition === partition);
  const found = input.origins.get(originRegion);
  const key = placeKey(topic, partition);
  const copyEnd = input.copyEnds.get(placeKey(copy, partition)) ?? null;
  const now = found?.ends.get(key);
  const sourceEnd = now ?? status?.sourceEnd ?? null;
  const position = input.isEmbedded ? (copyEnd ?? status?.position ?? null) : (status?.position ?? null);
  const notCopied = sourceEnd === null || position === null ? null : Math.max(0, sourceEnd - position);
  return {
    ...{ partition, copyEnd, sourceEnd, notCopied },
    heardMs: now === undefined ? (status?.heardMs ?? null) : 0,
    oldestMs: notCopied === 0 ? 0 : (status?.oldestUnmirroredMs ?? null),
    state: status?.state ?? 'nobody mirrors it here',
    reason: status?.reason ?? null,
    writers: found?.writers.get(key) ?? null,
  };
}

function originsOf({ copies, origins, statuses }: PlanInput): OriginReach[] {
  const names = [...new Set(copies.map(({ origin }) => origin.originRegion))].sort();
  return names.map((region) => {
    const isReachable = origins.get(region)?.isReachable ?? false;
    const heard = (statuses.get(region) ?? []).map(({ heardMs }) => heardMs);
    return { region, isReachable, heardMs: isReachable ? 0 : heard.length === 0 ? null : Math.min(...heard) };
  });
}

function refusalOf(topics: readonly TopicPlan[]): string | null {
  for (const { action, topic, from, partitions } of topics) {
    if (action !== 'promote') continue;
    for (const { partition, writers } of partitions) {
      const writer = writers?.[0];
      if (writer === undefined) continue;
      return `${from} is alive: ${writerText(writer, `${topic}-${partition}`)}; stop it first`;
    }
  }
  return null;
}

/** Groups that are followed, and what was committed to the copies in any other way. */
function groupPlans({ copies, followed, commits, to }: PlanInput): GroupPlan[] {
  const origins = new Map(copies.map((copy) => [copy.name, copy.origin]));
  const heard = new Map(followed.map((each) => [keyOf(each.group, each.counterpart, each.partition), each]));
  const plans = commits.flatMap((commit): GroupPlan[] => {
    const origin = origins.get(commit.topic);
    if (origin === undefined) return [];
    const key = keyOf(commit.group, commit.topic, commit.partition);
    const status = heard.get(key);
    heard.delete(key);
    const mark = readMark(commit.metadata);
    const wanted = status?.wantedOffset;
    return [
      {
        ...{ group: commit.group, state: commit.state, topic: origin.originTopic, copy: commit.topic },
        partition: commit.partition,
        sourceOffset: status?.sourceOffset ?? (mark?.author === to ? undefined : mark?.offset) ?? null,
        translation: status?.translation ?? null,
        targetOffset: commit.offset,
        rereads: wanted === undefined ? null : Math.max(0, wanted - commit.offset),
      },
    ];
  });
  const missing = [...heard.values()].flatMap((status): GroupPlan[] => {
    const origin = origins.get(status.counterpart);
    if (origin === undefined) return [];
    const { group, partition, sourceOffset, translation, counterpart: copy } = status;
    const what = { group, state: 'Dead', topic: origin.originTopic, copy, partition, sourceOffset, translation };
    return [{ ...what, targetOffset: null, rereads: null }];
  });
  return [...plans, ...missing];
}

const keyOf = (group: string, topic: string, partition: number): string => `${group} ${topic} ${partition}`;
