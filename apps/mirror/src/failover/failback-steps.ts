/**
 * The steps of a fail-back, per topic, at the region that gets it back. What only this region has is kept aside before
 * the topic goes; what the other region wrote meanwhile is copied; then the copy is promoted as in a fail-over.
 * Invariant: nothing is deleted that does not lie somewhere else as well; the two histories are never merged.
 *
 *   comparing      up to where both have the same, by epochs
 *   keeping-aside  the topic is closed to clients; what lies behind is written aside, and the gap goes on record
 *   deleting       a link from the other region is opened, and the topic deleted: the link makes the copy
 *   copying        until all is here; then the topic there is closed, and its last records come
 *   sealing, groups, promoting   as in a fail-over
 *   renewing       the topic there is deleted, if nothing has been added: the link from here makes its copy anew
 */
import { createHash } from 'node:crypto';
import { EARLIEST } from '@meridian/client';
import { ERROR, errorName } from '@meridian/protocol';
import { FAILBACK } from '@meridian/service';
import type { RegionSide } from '../link/region-side.ts';
import type { TopicFacts } from '../link/topic-catalog.ts';
import { asideName, keepAside } from './aside.ts';
import { commonEnds, isCopyHere, isOrigin, type TakenOver, takenBy } from './failback-plan.ts';
import type { FailoverContext } from './failover-context.ts';
import { copyOf, failoverSteps, missingOf, quietedBy } from './failover-steps.ts';
import type { TopicRun } from './messages.ts';
import { logEnds, placeKey } from './origin-facts.ts';
import type { StepOutcome, StepTable } from './run-driver.ts';

/** No record is so small: every produce of a client is refused. */
const CLOSED = { 'max.message.bytes': '1' };

export function failbackSteps(context: FailoverContext): StepTable {
  const { sealing, groups, promoting } = failoverSteps(context);
  return {
    comparing: (_head, topic) => comparing(context, topic),
    'keeping-aside': (head, topic) => keepingAside(context, topic, head.force),
    deleting: (_head, topic) => deleting(context, topic),
    copying: (head, topic) => copying(context, topic, head.force),
    sealing,
    groups,
    promoting: async (head, topic) => {
      const outcome = await promoting(head, topic);
      return 'waitFor' in outcome ? outcome : { step: 'renewing' };
    },
    renewing: (_head, topic) => renewing(context, topic),
  };
}

/** Readable, and another one for every topic: names of links have fewer characters than those of topics. */
export function linkNameOf(topic: string): string {
  const plain = topic
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '-')
    .slice(0, 40);
  const digest = createHash('sha256').update(topic).digest('hex').slice(0, 8);
  return `${FAILBACK}${plain}-${digest}`;
}

/** As it is now; undefined: the other region does not answer, or has not promoted it. */
async function takenOver(context: FailoverContext, { from, topic }: TopicRun): Promise<TakenOver | undefined> {
  const side = context.regions.get(from);
  if (side === undefined) return undefined;
  const taken = await takenBy(context, side, await context.here.catalog.read(context.signal));
  return taken.find(({ promoted }) => promoted.origin.originTopic === topic);
}

const notThere = ({ from, topic }: TopicRun): StepOutcome => ({
  waitFor: `${from} does not answer, or has no promoted ${topic}`,
});

async function comparing(context: FailoverContext, topic: TopicRun): Promise<StepOutcome> {
  const taken = await takenOver(context, topic);
  if (taken === undefined) return notThere(topic);
  const { local, promoted } = taken;
  if (local === undefined) return { step: 'deleting', detail: `there is no ${topic.topic} here any more` };
  if (isCopyHere(local, promoted)) return { step: 'copying', copyId: local.id, detail: 'it is a copy already' };
  const common = isOrigin(local, promoted.origin) ? await commonEnds(context, taken) : [];
  const all = Array.from({ length: local.partitions }, (_, partition) => common[partition] ?? 0);
  return { step: 'keeping-aside', common: all, copyId: local.id, detail: `the same up to ${all.join(', ')}` };
}

async function keepingAside(context: FailoverContext, topic: TopicRun, force: boolean): Promise<StepOutcome> {
  const { here, io, limits, signal } = context;
  const local = await localOf(context, topic);
  if (local === undefined) return { step: 'deleting' };
  const writers = force ? null : await quietedBy(context, here, local.name, local.partitions);
  if (writers !== null) return { waitFor: writers };
  await close(context, here, topic.topic);
  await io.timers.sleep(limits.closeMs, signal);
  const before = await endsOf(context, here, local);
  const starts = await startsOf(context, local);
  const ranges = before.map((end, partition) => ({
    ...{ partition, end, from: Math.max(topic.common[partition] ?? 0, starts[partition] ?? 0) },
  }));
  const missing = ranges.filter(({ from, end }) => from < end);
  if (missing.length === 0) return { step: 'deleting', detail: 'nothing is only here' };
  const aside = await write(context, topic, local, missing);
  const after = await endsOf(context, here, local);
  if (after.some((end, partition) => end !== before[partition])) {
    return { waitFor: `${topic.topic} is still written to in ${here.name}: stop its writers` };
  }
  return {
    step: 'deleting',
    aside,
    detail: `${aside.records} records that only ${here.name} has lie in ${aside.topic}`,
  };
}

async function write(
  context: FailoverContext,
  topic: TopicRun,
  local: TopicFacts,
  ranges: readonly { partition: number; from: number; end: number }[],
) {
  const { here, io, limits, signal } = context;
  const asideTopic = asideName(topic.topic, here.name, topic.incarnation);
  const configs = { 'retention.ms': '-1', 'retention.bytes': '-1', 'max.message.bytes': String(limits.asideMaxBytes) };
  const wanted = { name: asideTopic, numPartitions: local.partitions, configs };
  const [made] = await here.client.createTopics([wanted], callOf(context));
  if (made?.errorCode !== ERROR.NONE && made?.errorCode !== ERROR.TOPIC_ALREADY_EXISTS)
    throw new Error(`${asideTopic}: ${made?.errorMessage ?? errorName(made?.errorCode ?? -1)}`);
  let records = 0;
  for (const { partition, from, end } of ranges) {
    const isOurs = (): boolean => context.mayDrive('failback', topic);
    const options = { ...{ io, client: here.client, limits, signal, asideTopic, isOurs }, region: here.name };
    const kept = await keepAside({ ...options, topic: topic.topic, topicId: local.id }, partition, from, end);
    records += kept;
    await recordGap(context, topic, local, { partition, from, end, asideTopic });
  }
  return { topic: asideTopic, records };
}

function recordGap(
  context: FailoverContext,
  topic: TopicRun,
  local: TopicFacts,
  { partition, from, end, asideTopic }: { partition: number; from: number; end: number; asideTopic: string },
): Promise<void> {
  const place = {
    ...{ link: linkNameOf(topic.topic), topic: topic.topic, topicId: local.id, copy: topic.topic, copyId: local.id },
    ...{ partition, incarnation: topic.incarnation, startOffset: 0 },
  };
  const reason = `only ${context.here.name} has had them: they lie in ${asideTopic}`;
  return context.recordGap(place, { kind: 'failback', from, to: end, epochBefore: -1, epochAfter: -1, reason });
}

async function deleting(context: FailoverContext, topic: TopicRun): Promise<StepOutcome> {
  const { here, temporaryLinks } = context;
  const taken = await takenOver(context, topic);
  if (taken === undefined) return notThere(topic);
  await temporaryLinks.open(linkNameOf(topic.topic), topic.from, taken.promoted.name);
  const { local } = taken;
  if (local === undefined) return { waitFor: `the link from ${topic.from} has not made the copy yet` };
  if (isCopyHere(local, taken.promoted)) return { step: 'copying', copyId: local.id };
  if (local.id !== topic.copyId) return { waitFor: `${topic.topic} is another topic than the one that was kept aside` };
  const [outcome] = await here.client.deleteTopics([topic.topic], callOf(context));
  const code = outcome?.errorCode ?? ERROR.UNKNOWN_SERVER_ERROR;
  if (code !== ERROR.NONE && code !== ERROR.UNKNOWN_TOPIC_OR_PARTITION)
    throw new Error(`${topic.topic} cannot be deleted: ${outcome?.errorMessage ?? errorName(code)}`);
  here.catalog.forget(local.id);
  return { waitFor: `the link from ${topic.from} has not made the copy yet` };
}

async function copying(context: FailoverContext, topic: TopicRun, force: boolean): Promise<StepOutcome> {
  const copy = await copyOf(context, topic);
  const taken = await takenOver(context, topic);
  if (copy === undefined || taken === undefined) return notThere(topic);
  const { name, partitions } = taken.promoted;
  const isAll = copy.partitions >= partitions;
  const first = await missingOf(context, copy);
  if (!isAll || !first.isReachable || first.records !== 0) return { waitFor: `${first.text} yet` };
  const writers = force ? null : await quietedBy(context, taken.side, name, partitions);
  if (writers !== null) return { waitFor: writers };
  await keepMessageSize(context, taken, topic);
  await close(context, taken.side, name);
  await context.io.timers.sleep(context.limits.closeMs, context.signal);
  const ends = await endsOf(context, taken.side, taken.promoted);
  const last = await missingOf(context, copy);
  // What came in before it was closed is copied, too.
  if (last.records !== 0) return { waitFor: `${last.text} yet` };
  return { step: 'sealing', common: ends, detail: last.text };
}

/** What the topic there allowed goes along; that it is closed now does not. */
async function keepMessageSize({ here, limits, signal }: FailoverContext, taken: TakenOver, topic: TopicRun) {
  const value = taken.promoted.configs?.get('max.message.bytes');
  if (value === undefined || value === CLOSED['max.message.bytes']) return;
  const call = { timeoutMs: limits.requestTimeoutMs, signal };
  await here.client.alterTopicConfigs([{ topic: topic.copy, set: { 'max.message.bytes': value } }], call);
}

async function renewing(context: FailoverContext, topic: TopicRun): Promise<StepOutcome> {
  const taken = await takenOver(context, topic);
  const side = context.regions.get(topic.from);
  const copy = await copyOf(context, topic);
  if (taken !== undefined && side !== undefined && copy?.origin.originTopicId === taken.promoted.id) {
    const ends = await endsOf(context, side, taken.promoted);
    const added = ends.reduce((sum, end, partition) => sum + Math.max(0, end - (topic.common[partition] ?? 0)), 0);
    if (added > 0) return { waitFor: `${added} records came to ${topic.from} afterwards: they are only there` };
    const [outcome] = await side.client.deleteTopics([taken.promoted.name], callOf(context));
    if (outcome?.errorCode !== ERROR.NONE)
      throw new Error(
        `${topic.topic} in ${topic.from}: ${outcome?.errorMessage ?? errorName(outcome?.errorCode ?? -1)}`,
      );
    side.catalog.forget(taken.promoted.id);
  }
  await context.temporaryLinks.close(linkNameOf(topic.topic));
  return { step: 'done' };
}

async function localOf(context: FailoverContext, { topic, copyId }: TopicRun): Promise<TopicFacts | undefined> {
  const all = await context.here.catalog.read(context.signal);
  return all.find(({ name, id }) => name === topic && id === copyId);
}

/** Clients are refused from now on, as soon as the leaders have heard of it. */
async function close(context: FailoverContext, side: RegionSide, topic: string): Promise<void> {
  const [outcome] = await side.client.alterTopicConfigs([{ topic, set: CLOSED }], callOf(context));
  if (outcome?.errorCode === ERROR.NONE) return;
  throw new Error(`${topic} in ${side.name}: ${outcome?.errorMessage ?? errorName(outcome?.errorCode ?? -1)}`);
}

async function endsOf(context: FailoverContext, side: RegionSide, topic: TopicFacts): Promise<number[]> {
  const { ends } = await logEnds(side, [topic], context);
  return Array.from({ length: topic.partitions }, (_, partition) => {
    const end = ends.get(placeKey(topic.name, partition));
    if (end === undefined) throw new Error(`nobody leads ${topic.name}-${partition} in ${side.name}`);
    return end;
  });
}

async function startsOf(context: FailoverContext, { name: topic, partitions }: TopicFacts): Promise<number[]> {
  const queries = Array.from({ length: partitions }, (_, partition) => ({ topic, partition, timestamp: EARLIEST }));
  const answers = await context.here.client.listOffsets(queries, callOf(context));
  return answers.map(({ errorCode, offset, partition }) => {
    if (errorCode !== ERROR.NONE) throw new Error(`the start of ${topic}-${partition}: ${errorName(errorCode)}`);
    return offset;
  });
}

const callOf = ({ limits, signal }: FailoverContext) => ({ timeoutMs: limits.requestTimeoutMs, signal });
