/**
 * One link: everything of one origin region that is mirrored into the target region. Looks for topics all the time, has
 * its keeper make and keep their copies, and runs a task per partition that is this process's.
 * Invariant: a topic that was found keeps its status, also when it is halted or deleted, until origin and copy are gone.
 */
import type { Fetcher } from '@meridian/client';
import type { CopyFacts } from '@meridian/coordinates';
import type { Io, Logger } from '@meridian/io';
import { compileTopics, type LinkSpec, type NameMatcher } from '@meridian/service';
import { keeperUnit, partitionUnit } from '../assignment/rendezvous.ts';
import { GAPS_TOPIC } from '../gaps/gap-record.ts';
import type { GapStore } from '../gaps/gap-store.ts';
import type { MirrorLimits } from '../limits.ts';
import { type LinkStatus, type PartitionStatus, worstState } from '../status.ts';
import type { InFlightBudget } from '../task/in-flight-budget.ts';
import type { MirrorTask, TaskContext, TaskPlace } from '../task/mirror-task.ts';
import { startOffsetOf } from '../task/start-position.ts';
import { type StatusNow, statusOf } from '../task/task-status.ts';
import { type Companions, RunningCompanions } from './companion.ts';
import { CopyKeeper } from './copy-keeper.ts';
import { Doubt } from './doubt.ts';
import { EndObserver } from './end-observer.ts';
import { LimitedFetcher } from './limited-fetcher.ts';
import { MirroredTopic, type TopicMode, type TopicPlace } from './mirrored-topic.ts';
import { type Decision, reconcile } from './reconcile.ts';
import type { RegionSide } from './region-side.ts';
import type { TopicFacts } from './topic-catalog.ts';

export interface LinkContext {
  readonly io: Pick<Io, 'clock' | 'timers' | 'random' | 'memory'>;
  readonly log: Logger;
  readonly limits: MirrorLimits;
  readonly spec: LinkSpec;
  readonly source: RegionSide;
  readonly target: RegionSide;
  readonly budget: InFlightBudget;
  readonly gaps: GapStore;
  /** Copies that were seen, by name; outlives the link when it is changed. */
  readonly seen: Map<string, CopyFacts>;
  /** Whether a unit of the region's work is this process's. */
  owns(unit: string): boolean;
  /** Topics that are found from now on came after the link. */
  hasBegun(): boolean;
  begin(): Promise<void>;
  createTask(context: TaskContext, place: TaskPlace): MirrorTask;
  readonly companions: Companions;
}

export class Link {
  readonly spec: LinkSpec;
  private readonly context: LinkContext;
  private readonly selects: NameMatcher;
  private readonly fetcher: Fetcher;
  private readonly ungovern: () => void;
  private readonly keeper: CopyKeeper;
  private readonly observer: EndObserver;
  private readonly topics = new Map<string, MirroredTopic>();
  private readonly doubt: Doubt;
  private readonly beside: RunningCompanions;
  /** Copies that may be made anew, as somebody has said so. */
  private readonly released = new Set<string>();
  private readonly stopping = new AbortController();
  private readonly loop: Promise<void>;
  private pausedBy: string | null = null;
  /** Why topics cannot be looked for at present. */
  private trouble: string | null = 'not connected yet';
  private wake: (() => void) | undefined;

  constructor(context: LinkContext) {
    const { limits, source, target, log, spec } = context;
    this.context = context;
    this.spec = spec;
    const selects = compileTopics(spec.topics);
    this.selects = typeof selects === 'string' ? () => false : selects;
    this.fetcher = fetcherOf(context);
    this.ungovern = context.budget.govern(this.fetcher);
    this.keeper = new CopyKeeper({ log, limits, source, target });
    this.observer = new EndObserver(source.client, target.client, limits.observeTimeoutMs);
    this.doubt = new Doubt(limits.absentLooks);
    const tasks = () => [...this.topics.values()].flatMap((topic) => [...topic.tasks.values()]);
    this.beside = new RunningCompanions(context.companions, { spec, source, target, tasks });
    this.loop = this.run();
  }

  status(now: StatusNow): Pick<LinkStatus, 'state' | 'reason' | 'partitions'> {
    const { limits, gaps } = this.context;
    const partitions: PartitionStatus[] = [...this.topics.values()].flatMap(({ tasks, shownAs }) =>
      [...tasks.values()].map((task) => {
        const { topicId, partition } = task.place;
        const told = statusOf(task, now, limits, gaps.totalsOf(this.spec.name, topicId, partition));
        const verified = Math.max(told.lastVerifiedOffset ?? -1, this.beside.comparedEnd(task.place));
        const lastVerifiedOffset = verified < 0 ? null : verified;
        return { ...told, state: shownAs ?? told.state, lastVerifiedOffset };
      }),
    );
    const states = partitions.map((partition) => partition.state);
    const trouble = this.trouble ?? this.keeper.trouble ?? this.beside.trouble;
    if (this.pausedBy !== null) states.push('paused');
    else if (trouble !== null) states.push('retrying');
    const told = partitions.find((partition) => partition.reason !== null)?.reason ?? null;
    return { state: worstState(states), reason: this.pausedBy ?? trouble ?? told, partitions };
  }

  get isKeeper(): boolean {
    return this.context.owns(keeperUnit(this.spec.name));
  }

  /** Null: go on. */
  pause(reason: string | null): void {
    if (this.pausedBy === reason) return;
    this.pausedBy = reason;
    for (const topic of this.topics.values()) topic.pause(reason);
    this.wake?.();
  }

  /** What this process owns has changed. */
  reassign(): void {
    for (const topic of this.topics.values()) this.assign(topic);
    this.wake?.();
  }

  /** A topic's copy may be made anew, or a halted one begins anew. Returns whether there is such a topic. */
  release(name: string): boolean {
    const topic = this.topics.get(name);
    if (topic === undefined) return false;
    this.released.add(topic.place.copy);
    if (topic.mode === 'run') for (const task of topic.tasks.values()) task.feed({ type: 'start' });
    this.wake?.();
    return true;
  }

  /** The topic as it is known to this link. */
  topic(name: string): MirroredTopic | undefined {
    return this.topics.get(name);
  }

  /** Deletes the copy of a topic that is not at the origin any more. */
  async confirmDeletion(topic: MirroredTopic): Promise<void> {
    const { target } = this.context;
    const existing = (await target.catalog.read(this.stopping.signal)).find(({ id }) => id === topic.place.copyId);
    if (existing !== undefined) await this.keeper.remove(existing, this.stopping.signal);
    await target.facts?.remove(topic.place.copyId);
    this.wake?.();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    this.ungovern();
    for (const topic of this.topics.values()) topic.stopAll();
    this.fetcher.close();
    await Promise.all([this.loop, this.beside.stop()]);
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    const { io, limits, log } = this.context;
    while (!signal.aborted) {
      try {
        await this.discover(signal);
        this.trouble = null;
        void this.observe(signal);
      } catch (error) {
        if (signal.aborted) return;
        const reason = (error as Error).message;
        if (this.trouble !== reason) log.warn('topics cannot be looked for', { link: this.spec.name, reason });
        this.trouble = reason;
      }
      await this.rest(io, limits.discoveryMs, signal);
    }
  }

  /** Until the time has passed or somebody has changed something. */
  private async rest(io: Pick<Io, 'timers'>, delayMs: number, signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    this.wake = () => woken.abort();
    await io.timers.sleep(delayMs, AbortSignal.any([signal, woken.signal]));
    this.wake = undefined;
  }

  private async discover(signal: AbortSignal): Promise<void> {
    const { source, target, gaps } = this.context;
    const [origins, found] = await Promise.all([source.catalog.read(signal), target.catalog.read(signal)]);
    if (signal.aborted) return;
    const copies = new Map(found.map((topic) => [topic.name, topic]));
    await gaps.follow(copies.has(GAPS_TOPIC));
    const decisions = await this.settle(this.decide(origins, copies, target.catalog.gone(found)), signal);
    this.doubt.endLook();
    if (signal.aborted) return;
    for (const decision of decisions) this.follow(decision);
    this.forgetGone(origins, decisions);
    const isActing = this.pausedBy === null && this.isKeeper;
    this.beside.keep(isActing);
    if (!isActing) return;
    const terms = { link: this.spec, hasBegun: this.spec.start === 'earliest' || this.context.hasBegun() };
    const changed = await this.keeper.act(decisions, terms, signal);
    await this.renew(decisions, signal);
    if (!terms.hasBegun && this.keeper.trouble === null) await this.context.begin();
    if (changed && !signal.aborted && this.keeper.trouble === null) await this.discover(signal);
  }

  private decide(source: readonly TopicFacts[], target: ReadonlyMap<string, TopicFacts>, gone: readonly CopyFacts[]) {
    const { limits, gaps, seen, target: side } = this.context;
    const missing = new Map(gone.map((facts) => [facts.copy, facts]));
    for (const [copy, facts] of seen) if (!target.has(copy)) missing.set(copy, facts);
    const released = new Set(this.released);
    for (const { copy, incarnation } of missing.values()) {
      if (gaps.newIncarnationFor(copy, incarnation) !== undefined) released.add(copy);
    }
    const { selects, spec: link } = this;
    return reconcile({ link, selects, engine: side.engine, source, target, gone: missing, released, limits });
  }

  /** What stops a copy is believed after some looks; until then, what ran goes on. */
  private async settle(decisions: readonly Decision[], signal: AbortSignal): Promise<Decision[]> {
    const settled: Decision[] = [];
    for (const decision of decisions) {
      if (decision.kind === 'adopt') settled.push(...(await this.adopt(decision, signal)));
      else if (
        !isDoubtful(decision) ||
        this.doubt.isCertain(doubtKey(decision), `${decision.kind} ${decision.topic.id}`)
      ) {
        settled.push(decision);
      }
    }
    return settled;
  }

  private async adopt(decision: Extract<Decision, { kind: 'adopt' }>, signal: AbortSignal): Promise<Decision[]> {
    const { topic, existing } = decision;
    const copy = existing.name;
    if (await this.keeper.isEmpty(existing, signal)) {
      const terms = { link: this.spec, hasBegun: this.spec.start === 'earliest' || this.context.hasBegun() };
      if (this.isKeeper && this.pausedBy === null) await this.keeper.adopt(decision, terms, signal);
      return [];
    }
    const reason = `${copy} exists here already, has records and is no copy: delete or rename one of the two, or leave the topic out of the link`;
    return [{ kind: 'halt', topic, copy, reason, hasCopy: false }];
  }

  private follow(decision: Decision): void {
    switch (decision.kind) {
      case 'run': {
        const { topic, existing, partitions } = decision;
        if (existing.origin !== undefined) this.context.seen.set(existing.name, existing.origin);
        this.released.delete(existing.name);
        return this.turn(placeOf(topic, existing), partitions, 'run', null);
      }
      case 'recreated':
      case 'deleted':
      case 'promoted': {
        const { topic, existing, kind } = decision;
        if (existing.origin !== undefined) this.context.seen.set(existing.name, existing.origin);
        const told = kind === 'recreated' ? decision.reason : REASONS[kind];
        return this.turn(placeOf(topic, existing), existing.partitions, kind, told);
      }
      case 'halt': {
        const { topic, copy, reason, hasCopy } = decision;
        const place = { topic: topic.name, topicId: topic.id, copy, copyId: '', incarnation: 1, start: undefined };
        return this.turn(place, topic.partitions, 'halted', reason, hasCopy);
      }
      case 'copyGone': {
        const { topic, facts } = decision;
        const { copy, copyId, incarnation, start } = facts;
        const place = { topic: topic.name, topicId: topic.id, copy, copyId, incarnation, start };
        const reason = `${copy} was deleted here: \`meridian link resume ${this.spec.name} --topic ${topic.name}\` copies the topic anew`;
        return this.turn(place, topic.partitions, 'halted', reason, false);
      }
    }
  }

  private turn(place: TopicPlace, partitions: number, mode: TopicMode, reason: string | null, hasCopy = true): void {
    let topic = this.topics.get(place.topic);
    const isAnew = topic === undefined || !topic.isOf(place) || (mode === 'run' && topic.mode !== 'run');
    if (topic === undefined || isAnew) {
      topic?.stopAll();
      topic = new MirroredTopic(place, mode, reason, hasCopy);
      topic.pause(this.pausedBy);
      this.topics.set(place.topic, topic);
      if (reason !== null) {
        this.context.log.error('a topic is not mirrored any more', {
          link: this.spec.name,
          topic: place.topic,
          reason,
        });
      }
    }
    topic.turn(mode, reason, hasCopy);
    topic.partitions = partitions;
    this.assign(topic);
  }

  /** Tasks for what is ours, and for nothing else. */
  private assign(topic: MirroredTopic): void {
    const { owns } = this.context;
    const { place, tasks } = topic;
    for (let partition = 0; partition < topic.partitions; partition++) {
      const isOurs = owns(partitionUnit(this.spec.name, place.topicId, partition));
      if (isOurs && !tasks.has(partition)) topic.add(partition, this.createTask(place, partition));
      else if (!isOurs && tasks.has(partition)) topic.stop(partition);
    }
  }

  private createTask(place: TopicPlace, partition: number): MirrorTask {
    const { io, log, limits, source, target, budget, gaps, createTask } = this.context;
    const { name: link, onGap } = this.spec;
    const policyOf = (topic: string) => onGap.topics[topic] ?? onGap.default;
    const context: TaskContext = {
      ...{ io, log, limits, budget, fetcher: this.fetcher },
      source: source.client,
      target: target.client,
      gaps: gaps.keeper(link, policyOf),
    };
    const { start, ...rest } = place;
    return createTask(context, { ...rest, link, partition, startOffset: startOffsetOf(start, partition) });
  }

  /** Copies that a lost range orders to begin anew. */
  private async renew(decisions: readonly Decision[], signal: AbortSignal): Promise<void> {
    const { gaps } = this.context;
    for (const decision of decisions) {
      if (decision.kind !== 'run' && decision.kind !== 'recreated') continue;
      const { existing } = decision;
      const { incarnation = 1 } = existing.origin ?? {};
      if (gaps.newIncarnationFor(existing.name, incarnation) === undefined) continue;
      const isTold = this.doubt.isCertain(`renew ${existing.name}`, String(incarnation));
      if (decision.kind === 'recreated' && !isTold && !this.isTold(existing, incarnation)) continue;
      this.released.add(existing.name);
      await this.keeper.remove(existing, signal);
    }
  }

  /** Whether every partition has its gap on record: what was lost is told before the copy goes. */
  private isTold({ name, partitions }: TopicFacts, incarnation: number): boolean {
    const gaps = this.context.gaps.list().filter((gap) => gap.copy === name && gap.incarnation === incarnation);
    return new Set(gaps.map(({ partition }) => partition)).size >= partitions;
  }

  /** Once neither the origin nor a copy is left, or the link does not mean it any more, there is nothing to decide. */
  private forgetGone(source: readonly TopicFacts[], decisions: readonly Decision[]): void {
    const decided = new Set(decisions.flatMap((decision) => ('topic' in decision ? [decision.topic.name] : [])));
    const present = new Set(source.flatMap(({ name }) => (this.selects(name) ? [name] : [])));
    for (const [name, topic] of this.topics) {
      if (decided.has(name) || present.has(name) || this.doubt.isDoubted(doubtOf(topic.place.copy))) continue;
      topic.stopAll();
      this.topics.delete(name);
      this.context.seen.delete(topic.place.copy);
    }
  }

  private observe(signal: AbortSignal): Promise<void> {
    const quiet = [...this.topics.values()].flatMap(({ tasks, mode, hasCopy }) =>
      [...tasks.values()]
        .filter(({ task }) => task.condition !== 'mirroring')
        .map((task) => ({ task, hasOrigin: mode !== 'deleted', hasCopy })),
    );
    return this.observer.observe(quiet, signal);
  }
}

const REASONS = {
  deleted: 'the topic was deleted at the origin',
  promoted: 'the copy was promoted to a topic of its own',
} as const;

type Doubtful = Extract<Decision, { kind: 'recreated' | 'deleted' | 'copyGone' }>;

const isDoubtful = (decision: Decision): decision is Doubtful =>
  decision.kind === 'recreated' || decision.kind === 'deleted' || decision.kind === 'copyGone';

const doubtOf = (copy: string): string => `copy ${copy}`;
const doubtKey = (decision: Doubtful): string =>
  doubtOf(decision.kind === 'copyGone' ? decision.facts.copy : decision.existing.name);

function placeOf(topic: TopicFacts, { name: copy, id: copyId, origin }: TopicFacts): TopicPlace {
  const { incarnation = 1, originTopicId = topic.id, start } = origin ?? {};
  return { topic: topic.name, topicId: originTopicId, copy, copyId, incarnation, start };
}

/** Of a copy that is re-based, what was never committed is not wanted. */
function fetcherOf({ io, limits, source, target, spec }: LinkContext): Fetcher {
  const limit = spec.bandwidthBytesPerSecond;
  const largest = limit === undefined ? limits.fetchMaxBytes : Math.max(limits.limitedFetchMinBytes, limit / 4);
  const maxBytes = Math.min(limits.fetchMaxBytes, Math.ceil(largest));
  const fetcher = source.client.fetcher({
    maxBytes,
    partitionMaxBytes: Math.min(maxBytes, limits.fetchPartitionMaxBytes),
    isolation: target.engine === 'kafka' ? 'read_committed' : 'read_uncommitted',
    memory: io.memory,
  });
  return limit === undefined ? fetcher : new LimitedFetcher(io, fetcher, limit);
}
