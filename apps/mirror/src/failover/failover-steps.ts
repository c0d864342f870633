/**
 * The steps of a fail-over, per topic: until the copy has all that its origin can still give, sealed, groups carried,
 * promoted. Performed by the driver; each may be repeated at any time after a crash.
 * Invariant: a copy is sealed only when its origin has nothing more, has been silent, or somebody forces it.
 *
 *   catching-up   the origin answers: waits for its writers to be quiet and for what is not copied yet
 *                 the origin is silent: for `silentMs`, so that a broken line is not taken for a lost region
 *   sealing       nothing is appended any more; the ends are the cut
 *   groups        the last round of groups: where the copy ended short, at its end
 *   promoting     writable, one incarnation further
 */
import type { GroupPartitionState } from '../groups/messages.ts';
import type { RegionSide } from '../link/region-side.ts';
import type { TopicFacts } from '../link/topic-catalog.ts';
import type { FailoverContext } from './failover-context.ts';
import type { Copy } from './failover-plan.ts';
import type { RunHead, TopicRun } from './messages.ts';
import { logEnds, placeKey, writersOf, writerText } from './origin-facts.ts';
import type { StepTable } from './run-driver.ts';

export function failoverSteps(context: FailoverContext) {
  return {
    'catching-up': async (head, topic) => {
      const copy = await copyOf(context, topic);
      if (copy === undefined) return { waitFor: `${topic.copy} is not here any more` };
      if (copy.origin.promotedAt !== undefined) return { step: 'done', detail: 'it was promoted already' };
      const missing = await missingOf(context, copy);
      if (head.force) return { step: 'sealing', notCopied: missing.records, detail: missing.text };
      const waitFor = missing.isReachable ? await reasonToWait(context, copy, missing) : tooEarly(context, missing);
      return waitFor === null ? { step: 'sealing', notCopied: missing.records, detail: missing.text } : { waitFor };
    },
    sealing: async (_head, topic) => {
      const copy = await copyOf(context, topic);
      if (copy === undefined) return { waitFor: `${topic.copy} is not here any more` };
      const cut = await context.promotion.seal(copy.origin, copy.partitions);
      return { step: 'groups', cut, incarnation: copy.origin.promotedAt ? topic.incarnation : copy.origin.incarnation };
    },
    groups: async (head, topic) => {
      const waitFor = await carryGroups(context, topic, head.kind);
      if (waitFor !== null) return { waitFor };
      return { step: topic.policy === 'identity' ? 'promoting' : 'done' };
    },
    promoting: async (_head, topic) => {
      const copy = await copyOf(context, topic);
      if (copy === undefined) return { waitFor: `${topic.copy} is not here any more` };
      // Of the incarnation that was sealed: one that has been promoted already stays as it is.
      if (copy.origin.promotedAt === undefined) await context.promotion.promote(copy.origin, topic.cut);
      return { step: 'done' };
    },
  } satisfies StepTable;
}

/** Null: all groups are as far as the copy lets them, or go their own way. */
async function carryGroups(
  context: FailoverContext,
  { from, copy, topic }: TopicRun,
  kind: RunHead['kind'],
): Promise<string | null> {
  const links = () => context.links().filter((link) => link.from === from);
  const troubles = await context.carryGroups(from);
  // With a region that is lost, nobody hears any more of its groups than what was carried; a fail-back waits for it.
  const isAwaited = kind === 'failback' || (await isReachable(context, from, topic));
  const isExpected = kind === 'failback' || links().some(({ carriesGroups }) => carriesGroups);
  if (isAwaited && troubles === undefined && isExpected) return 'the groups are not looked at yet';
  if (isAwaited && troubles?.[0] !== undefined) return troubles[0];
  // The copy is here: what was committed to its origin has a place, as soon as the partition answers.
  const isMissing = kind === 'failback' && links().some(({ untranslated }) => untranslated.includes(topic));
  if (isMissing) return `groups of ${topic} are not translated yet`;
  const open = links()
    .flatMap(({ groups }) => groups)
    .find(({ counterpart, state, wantedOffset, targetOffset }) => {
      return counterpart === copy && !SETTLED.has(state) && wantedOffset !== targetOffset;
    });
  return open === undefined
    ? null
    : `${open.group} is at ${open.targetOffset ?? 'no offset'} of ${copy}-${open.partition}`;
}

async function isReachable(context: FailoverContext, region: string, topic: string): Promise<boolean> {
  const side = context.regions.get(region);
  return side !== undefined && (await logEnds(side, [{ name: topic, partitions: 1 }], context)).isReachable;
}

/** Of groups that are not put anywhere. */
const SETTLED: ReadonlySet<GroupPartitionState> = new Set(['live', 'ahead', 'refused']);

/** The topic of the run: another one of its name is not meant. */
export async function copyOf(context: FailoverContext, { copy, copyId }: TopicRun): Promise<Copy | undefined> {
  const { here, signal } = context;
  here.catalog.forget(copyId);
  const found = (await here.catalog.read(signal)).find(({ name, id }: TopicFacts) => name === copy && id === copyId);
  return found?.origin === undefined ? undefined : (found as Copy);
}

export interface Missing {
  readonly isReachable: boolean;
  /** Since anything was heard of the origin; null: nothing is known. */
  readonly silentMs: number | null;
  /** Null: nobody knows. */
  readonly records: number | null;
  readonly text: string;
}

/** What the origin has, or had as last heard, that is not in the copy. */
export async function missingOf(context: FailoverContext, copy: Copy): Promise<Missing> {
  const { originRegion, originTopic } = copy.origin;
  const side = context.regions.get(originRegion);
  const size = { name: originTopic, partitions: copy.partitions };
  const unreachable = { isReachable: false, ends: new Map<string, number>() };
  const [found, own] = await Promise.all([
    side === undefined ? unreachable : logEnds(side, [size], context),
    logEnds(context.here, [copy], context),
  ]);
  const statuses = context.links().flatMap(({ from, partitions }) => {
    return from === originRegion ? partitions.filter((each) => each.copy === copy.name) : [];
  });
  const heard = statuses.map(({ heardMs }) => heardMs);
  let records: number | null = 0;
  for (let partition = 0; partition < copy.partitions; partition++) {
    const status = statuses.find((each) => each.partition === partition);
    const end = found.ends.get(placeKey(originTopic, partition)) ?? status?.sourceEnd ?? null;
    const isSame = context.here.engine === 'embedded';
    const position = (isSame ? own.ends.get(placeKey(copy.name, partition)) : undefined) ?? status?.position ?? null;
    if (records !== null) records = end === null || position === null ? null : records + Math.max(0, end - position);
  }
  const silentMs = heard.length === 0 ? null : Math.min(...heard);
  const count = records === null ? 'nobody knows how many' : String(records);
  const text = records === 0 ? 'all of its records are here' : `${count} records of ${originRegion} are not here`;
  return { isReachable: found.isReachable, silentMs, records, text };
}

async function reasonToWait(context: FailoverContext, copy: Copy, missing: Missing): Promise<string | null> {
  const side = context.regions.get(copy.origin.originRegion);
  const writers = side && (await quietedBy(context, side, copy.origin.originTopic, copy.partitions));
  if (writers) return writers;
  return missing.records === 0 ? null : `${missing.text} yet`;
}

/** Null: no producer has written of late. */
export async function quietedBy(
  context: FailoverContext,
  side: RegionSide,
  topic: string,
  partitions: number,
): Promise<string | null> {
  for (const [place, [writer]] of await writersOf(side, [{ name: topic, partitions }], context)) {
    if (writer === undefined) continue;
    return `in ${side.name}, ${writerText(writer, place.replace(' ', '-'))}: stop it`;
  }
  return null;
}

function tooEarly({ limits }: FailoverContext, { silentMs, text }: Missing): string | null {
  if (silentMs === null || silentMs >= limits.silentMs) return null;
  return `the origin does not answer, but did ${Math.round(silentMs / 1000)} s ago; ${text}`;
}

/** For runs that begin: what each topic needs. */
export function firstStep(copy: Copy): TopicRun {
  const { originTopic: topic, originRegion: from, policy, incarnation } = copy.origin;
  const isPromoted = copy.origin.promotedAt !== undefined;
  return {
    ...{ topic, copy: copy.name, copyId: copy.id, from, policy, incarnation },
    step: isPromoted ? 'done' : policy === 'identity' ? 'catching-up' : 'groups',
    detail: isPromoted ? 'it was promoted already' : null,
    ...{ notCopied: null, cut: [], common: [], aside: null },
  };
}
