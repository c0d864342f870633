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
import { GAPS_TOPIC, type LostRange } from '../gaps/gap-record.ts';
import type { GapStore } from '../gaps/gap-store.ts';
import type { MirrorLimits } from '../limits.ts';
import { type LinkStatus, type PartitionStatus, worstState } from '../status.ts';
import type { InFlightBudget } from '../task/in-flight-budget.ts';
import type { MirrorTask, TaskContext, TaskPlace } from '../task/mirror-task.ts';
import { RegionQuestions } from '../task/region-questions.ts';
import { startOffsetOf } from '../task/start-position.ts';
import { type StatusNow, statusOf } from '../task/task-status.ts';
import { type Companions, RunningCompanions } from './companion.ts';
import { CopyKeeper, type KeeperTerms } from './copy-keeper.ts';
import { type Adoption, Discovery } from './discovery.ts';
import { EndObserver } from './end-observer.ts';
import { LimitedFetcher } from './limited-fetcher.ts';
import { fetcherOf, wireStatusOf } from './link-fetcher.ts';
import { MirroredTopic, type TopicMode, type TopicPlace } from './mirrored-topic.ts';
import type { Decision } from './reconcile.ts';
import type { RegionSide } from './region-side.ts';
import type { TopicFacts } from './topic-catalog.ts';

export interface LinkContext {
  readonly io: Pick<Io, 'clock' | 'timers' | 'random' | 'memory' | 'zstd'>;
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
  /** What tasks will want of the target may be got ready now. */
  prepareTasks(): void;
  createTask(context: TaskContext, place: TaskPlace): MirrorTask;
  readonly companions: Companions;
}

export type LostPartition = LostRange & { readonly partition: number };

export class Link {
  readonly spec: LinkSpec;
  private readonly context: LinkContext;
  private readonly selects: NameMatcher;
  private readonly fetcher: Fetcher;
  private readonly ungovern: () => void;
  private readonly questions: TaskContext['questions'];
  private readonly keeper: CopyKeeper;
  private readonly observer: EndObserver;
  private readonly topics = new Map<string, MirroredTopic>();
  private readonly discovery: Discovery;
  private readonly beside: RunningCompanions;
  private readonly stopping = new AbortController();
  private readonly loop: Promise<void>;
  private pausedBy: string | null = null;
  /** One more whenever other units may be ours. */
  private assignment = 0;
  /** Why topics cannot be looked for at present. */
  private trouble: string | null = 'not connected yet';
  private wake: (() => void) | undefined;

  constructor(context: LinkContext) {
    const { limits, source, target, log, spec, gaps, seen } = context;
    this.context = context;
    this.spec = spec;
    const selects = compileTopics(spec.topics);
    this.selects = typeof selects === 'string' ? () => false : selects;
    this.fetcher = fetcherOf(context);
    this.ungovern = context.budget.govern(this.fetcher);
    this.questions = {
      source: new RegionQuestions(source.client, limits),
      target: new RegionQuestions(target.client, limits),
    };
    this.keeper = new CopyKeeper({ log, limits, source, target });
    this.observer = new EndObserver(source.client, target.client, limits.observeTimeoutMs);
    this.discovery = new Discovery({ limits, spec, selects: this.selects, engine: target.engine, gaps, seen });
    const tasks = () => [...this.topics.values()].flatMap((topic) => [...topic.tasks.values()]);
    const haltedBy = (task: MirrorTask) => this.haltedBy(task);
    const view = { spec, source, target, selects: this.selects, tasks, haltedBy };
    this.beside = new RunningCompanions(context.companions, view);
    context.prepareTasks();
    this.loop = this.run();
  }

  status(now: StatusNow): Pick<LinkStatus, 'state' | 'reason' | 'partitions' | 'wire'> {
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
    const told = partitions.find((partition) => partition.reason !== null)?.reason ?? this.beside.notice;
    const state = worstState(states);
    const wire = wireStatusOf(this.spec, this.fetcher.traffic);
    return { state, reason: this.pausedBy ?? trouble ?? told, partitions, ...(wire && { wire }) };
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
    this.assignment++;
    for (const topic of this.topics.values()) this.assign(topic);
    this.shareLimit();
    this.wake?.();
  }

  /**
   * A topic's copy may be made anew, or a halted one begins anew. Returns what was lost to partitions that stood before
   * it: they will again, unless that is not so any more. Undefined: there is no such topic.
   */
  release(name: string): LostPartition[] | undefined {
    const topic = this.topics.get(name);
    if (topic === undefined) return undefined;
    const tasks = [...topic.tasks.values()];
    const lost = tasks.flatMap(({ place: { partition }, task }) => (task.lost ? [{ partition, ...task.lost }] : []));
    this.discovery.release(topic.place.copy);
    if (topic.mode === 'run') for (const task of tasks) task.feed({ type: 'start' });
    this.wake?.();
    return lost;
  }

  /** The topic as it is known to this link. */
  topic(name: string): MirroredTopic | undefined {
    return this.topics.get(name);
  }

  private haltedBy({ place, task }: MirrorTask): string | null {
    const topic = this.topics.get(place.topic);
    const isCopy = topic?.shownAs === undefined && topic?.tasks.get(place.partition)?.task === task;
    return isCopy && task.condition === 'halted' ? (task.reason ?? 'nobody knows why') : null;
  }

  /** Deletes the copy of a topic that is not at the origin any more. */
  async confirmDeletion(topic: MirroredTopic): Promise<void> {
    const { target } = this.context;
    const existing = (await target.catalog.read(this.stopping.signal)).find(({ id }) => id === topic.place.copyId);
    if (existing !== undefined) await this.keeper.remove(existing, this.stopping.signal);
    await target.facts?.remove(topic.place.copyId);
    await target.memory?.forget(topic.place.copyId);
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
      await this.rest(io, this.isLarge() ? 2 * limits.discoveryMs : limits.discoveryMs, signal);
    }
  }

  /** Looking at so many partitions costs more than it is worth every time. */
  private isLarge(): boolean {
    let partitions = 0;
    for (const topic of this.topics.values()) partitions += topic.partitions;
    return partitions >= this.context.limits.largeLinkPartitions;
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
    await gaps.follow(found.some(({ name }) => name === GAPS_TOPIC));
    const gone = (await target.memory?.gone(found)) ?? target.catalog.gone(found);
    if (signal.aborted) return;
    const decisions = await this.discovery.decide(origins, found, gone, (decision) => this.adopt(decision, signal));
    if (signal.aborted) return;
    for (const decision of decisions) this.follow(decision);
    this.forgetGone(origins, decisions);
    this.shareLimit();
    const isActing = this.pausedBy === null && this.isKeeper;
    this.beside.keep(isActing);
    if (!isActing) return;
    const terms = this.terms();
    const changed = await this.keeper.act(decisions, terms, signal);
    await target.memory?.remember(decisions);
    for (const existing of this.discovery.renewed(decisions)) await this.keeper.remove(existing, signal);
    if (!terms.hasBegun && this.keeper.trouble === null) await this.context.begin();
    if (changed && !signal.aborted && this.keeper.trouble === null) await this.discover(signal);
  }

  /** A topic of the copy's name, of which nobody has written down what it is, becomes the copy if nothing is in it. */
  private async adopt(decision: Adoption, signal: AbortSignal): Promise<boolean> {
    if (!(await this.keeper.isEmpty(decision.existing, signal))) return false;
    if (this.isKeeper && this.pausedBy === null) await this.keeper.adopt(decision, this.terms(), signal);
    return true;
  }

  private terms(): KeeperTerms {
    return { link: this.spec, hasBegun: this.spec.start === 'earliest' || this.context.hasBegun() };
  }

  private follow(decision: Decision): void {
    switch (decision.kind) {
      case 'run': {
        const { topic, existing, partitions } = decision;
        return this.turn(placeOf(topic, existing), partitions, 'run', null);
      }
      case 'recreated':
      case 'deleted':
      case 'promoted': {
        const { topic, existing, kind } = decision;
        const told = kind === 'recreated' ? decision.reason : REASONS[kind];
        return this.turn(placeOf(topic, existing), existing.partitions, kind, told);
      }
      case 'halt': {
        const { topic, copy, copyId, reason, hasCopy } = decision;
        const place = { topic: topic.name, topicId: topic.id, copy, copyId, incarnation: 1, start: undefined };
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
    if (topic.isAssigned(this.assignment)) return;
    for (let partition = 0; partition < topic.partitions; partition++) {
      const isOurs = owns(partitionUnit(this.spec.name, place.topicId, partition));
      if (isOurs && !tasks.has(partition)) topic.add(partition, this.createTask(place, partition));
      else if (!isOurs && tasks.has(partition)) topic.stop(partition);
    }
  }

  /** The limit is the link's: each process has as much of it as of the partitions. */
  private shareLimit(): void {
    if (!(this.fetcher instanceof LimitedFetcher)) return;
    const topics = [...this.topics.values()];
    const all = topics.reduce((sum, { partitions }) => sum + partitions, 0);
    const ours = topics.reduce((sum, { tasks }) => sum + tasks.size, 0);
    if (all > 0) this.fetcher.share(ours / all);
  }

  private createTask(place: TopicPlace, partition: number): MirrorTask {
    const { io, log, limits, source, target, budget, gaps, createTask } = this.context;
    const { name: link, onGap } = this.spec;
    const policyOf = (topic: string) => onGap.topics[topic] ?? onGap.default;
    const context: TaskContext = {
      ...{ io, log, limits, budget, fetcher: this.fetcher },
      source: source.client,
      target: target.client,
      questions: this.questions,
      gaps: gaps.keeper(link, policyOf),
    };
    const { start, ...rest } = place;
    return createTask(context, { ...rest, link, partition, startOffset: startOffsetOf(start, partition) });
  }

  /** Once neither the origin nor a copy is left, or the link does not mean it any more, there is nothing to decide. */
  private forgetGone(source: readonly TopicFacts[], decisions: readonly Decision[]): void {
    const decided = new Set(decisions.flatMap((decision) => ('topic' in decision ? [decision.topic.name] : [])));
    const present = new Set(source.flatMap(({ name }) => (this.selects(name) ? [name] : [])));
    for (const [name, topic] of this.topics) {
      if (decided.has(name) || present.has(name) || this.discovery.isDoubted(topic.place.copy)) continue;
      topic.stopAll();
      this.topics.delete(name);
      this.discovery.forget(topic.place.copy);
    }
  }

  private observe(signal: AbortSignal): Promise<void> {
    const quiet = [...this.topics.values()].flatMap(({ tasks, mode, hasCopy }) =>
      [...tasks.values()]
        .filter(({ task }) => task.condition !== 'mirroring')
        .map((task) => ({ task, hasOrigin: mode !== 'deleted', hasCopy })),
    );
    const busy = [...this.topics.values()].flatMap(({ tasks }) =>
      [...tasks.values()].filter(({ task }) => task.condition === 'mirroring'),
    );
    this.observer.tellLeaders(busy, signal).catch(() => undefined); // the target is away: the next look tells it
    return this.observer.observe(quiet, signal);
  }
}

const REASONS = {
  deleted: 'the topic was deleted at the origin',
  promoted: 'the copy was promoted to a topic of its own',
} as const;

function placeOf(topic: TopicFacts, { name: copy, id: copyId, origin }: TopicFacts): TopicPlace {
  const { incarnation = 1, originTopicId = topic.id, start } = origin ?? {};
  return { topic: topic.name, topicId: originTopicId, copy, copyId, incarnation, start };
}
