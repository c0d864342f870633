/**
 * What a fail-back would do: which topics that were born here are written to in another region by now, up to where both
 * have the same, and what only this region has. Asks, and changes nothing.
 * Invariant: a region that took over and does not answer is not guessed about: its topics are not in the plan.
 */
import type { CopyFacts } from '@meridian/coordinates';
import type { RegionSide } from '../link/region-side.ts';
import type { TopicFacts } from '../link/topic-catalog.ts';
import { asideName } from './aside.ts';
import type { FailoverContext } from './failover-context.ts';
import type { Copy } from './failover-plan.ts';
import type { FailbackPartitionPlan, FailbackPlan, FailbackTopicPlan, TopicRun } from './messages.ts';
import { logEnds, placeKey, writersOf, writerText } from './origin-facts.ts';
import { commonEnd } from './parting-point.ts';
import { topicsOfScope } from './scope.ts';

/** A topic of ours that is written to elsewhere. */
export interface TakenOver {
  /** The region that has it now, and how it is called there. */
  readonly side: RegionSide;
  readonly promoted: Copy;
  /** What is called so here; undefined: nothing. */
  readonly local: TopicFacts | undefined;
}

export interface PlannedFailback {
  readonly plan: FailbackPlan;
  readonly topics: readonly TakenOver[];
}

const STEPS = [
  'compare both logs by their epochs',
  'close the topic here, and keep aside what only this region has',
  'delete it here, and copy it back from where it is written to now',
  'wait until its writers there are quiet and all is here',
  'seal the copy, carry the groups, make it writable, one incarnation further',
  'delete the topic there: the link from here makes its copy anew',
];

export async function planFailback(
  context: FailoverContext,
  name: string,
  from: string | undefined,
): Promise<PlannedFailback | undefined> {
  const { here, regions, io, signal } = context;
  const local = await here.catalog.read(signal);
  const sides = regions.all().filter((side) => from === undefined || side.name === from);
  const found = (await Promise.all(sides.map((side) => takenBy(context, side, local)))).flat();
  const isRegion = name === here.name || regions.has(name);
  const named = found.map((taken) => ({ ...taken, origin: taken.promoted.origin }));
  const scoped = isRegion
    ? {
        scope: { kind: 'region', name } as const,
        topics: named.filter(({ side }) => name === here.name || side.name === name),
      }
    : topicsOfScope(name, undefined, new Set<string>(), named);
  if (scoped.topics.length === 0) return undefined;
  const topics = await Promise.all(scoped.topics.map((taken) => topicPlan(context, taken)));
  const partitions = topics.flatMap((topic) => topic.partitions);
  const plan: FailbackPlan = {
    ...{ v: 1, kind: 'failback', scope: scoped.scope, to: here.name, atMs: io.clock.now(), topics, steps: STEPS },
    aside: partitions.reduce((sum, { aside }) => sum + (aside ?? 0), 0),
    refusal: refusalOf(topics, here.name),
  };
  return { plan, topics: scoped.topics };
}

/** Topics that were born here and promoted there. */
export async function takenBy(
  { here, signal }: FailoverContext,
  side: RegionSide,
  local: readonly TopicFacts[],
): Promise<TakenOver[]> {
  const topics = await side.catalog.read(signal).catch(() => []);
  return topics.flatMap((topic): TakenOver[] => {
    const { origin } = topic;
    if (origin?.originRegion !== here.name || origin.promotedAt === undefined) return [];
    const found = local.find(({ name }) => name === origin.originTopic);
    return [{ side, promoted: { ...topic, origin }, local: found }];
  });
}

async function topicPlan(context: FailoverContext, taken: TakenOver): Promise<FailbackTopicPlan> {
  const { here } = context;
  const { side, promoted, local } = taken;
  const { originTopic: topic, incarnation } = promoted.origin;
  const isHere = local !== undefined && !isCopyHere(local, promoted);
  const isOurs = isHere && isOrigin(local, promoted.origin);
  const size = { name: topic, partitions: local?.partitions ?? 0 };
  const [own, theirs, writers, writersThere, common] = await Promise.all([
    isHere ? logEnds(here, [size], context) : undefined,
    logEnds(side, [promoted], context),
    isHere ? writersOf(here, [size], context) : undefined,
    writersOf(side, [promoted], context),
    isOurs ? commonEnds(context, taken) : [],
  ]);
  const partitions = Array.from({ length: promoted.partitions }, (_, partition): FailbackPartitionPlan => {
    const localEnd = own?.ends.get(placeKey(topic, partition)) ?? null;
    const cut = common[partition] ?? 0;
    return {
      ...{ partition, cut, localEnd },
      promotedEnd: theirs.ends.get(placeKey(promoted.name, partition)) ?? null,
      aside: isHere ? (localEnd === null ? null : Math.max(0, localEnd - cut)) : 0,
      writers: writers?.get(placeKey(topic, partition)) ?? null,
      writersThere: writersThere.get(placeKey(promoted.name, partition)) ?? null,
    };
  });
  return { topic, from: side.name, incarnation, asideTopic: asideName(topic, here.name, incarnation), partitions };
}

/** What a fail-back before this one promoted here is a topic of our own since. */
export const isCopyHere = ({ origin }: TopicFacts, promoted: Copy): boolean =>
  origin !== undefined && (origin.promotedAt === undefined || origin.originTopicId === promoted.id);

/** The very topic that was copied, by its id; of another one of its name, nothing is common. */
export const isOrigin = (local: TopicFacts, origin: CopyFacts): boolean => local.id === origin.originTopicId;

export function commonEnds(context: FailoverContext, { side, promoted }: TakenOver): Promise<number[]> {
  const { here, limits, signal } = context;
  const compared = {
    ...{ local: here.client, topic: promoted.origin.originTopic, promoted: side.client, facts: promoted.origin },
    runs: context.runs(side.name),
    call: { timeoutMs: limits.requestTimeoutMs, signal },
  };
  const partitions = Array.from({ length: promoted.origin.promotedAt?.length ?? 0 }, (_, partition) => partition);
  return Promise.all(partitions.map((partition) => commonEnd(compared, partition)));
}

function refusalOf(topics: readonly FailbackTopicPlan[], here: string): string | null {
  for (const { topic, partitions } of topics) {
    for (const { partition, writers } of partitions) {
      const writer = writers?.[0];
      if (writer === undefined) continue;
      const text = writerText(writer, `${topic}-${partition}`);
      return `in ${here}, ${text}: it belongs to the other region now; stop it first`;
    }
  }
  return null;
}

export function firstFailbackStep({ side, promoted, local }: TakenOver): TopicRun {
  const { originTopic: topic, incarnation } = promoted.origin;
  return {
    ...{ topic, copy: topic, copyId: local?.id ?? promoted.origin.originTopicId, from: side.name, incarnation },
    ...{ policy: 'identity', step: 'comparing', detail: null, notCopied: null, cut: [], common: [], aside: null },
  };
}
