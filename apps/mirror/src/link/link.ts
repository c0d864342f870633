/**
 * One link: everything of one origin region that is mirrored into the target region. Looks for topics all the time,
 * makes and grows their copies, and runs a task per partition.
 * Invariant: a topic that was found keeps its status, also when it is halted or deleted, until origin and copy are gone.
 */
import type { Client, Fetcher } from '@meridian/client';
import type { Io, Logger } from '@meridian/io';
import { ERROR, errorName } from '@meridian/protocol';
import { GAPS_TOPIC, type GapPolicy } from '../gaps/gap-record.ts';
import type { GapStore } from '../gaps/gap-store.ts';
import type { MirrorLimits } from '../limits.ts';
import { type LinkStatus, type PartitionStatus, worstState } from '../status.ts';
import type { InFlightBudget } from '../task/in-flight-budget.ts';
import type { MirrorTask } from '../task/mirror-task.ts';
import { ORIGIN_START, startOffsetOf } from '../task/start-position.ts';
import { TaskShell } from '../task/task-shell.ts';
import { type StatusNow, statusOf } from '../task/task-status.ts';
import { EndObserver } from './end-observer.ts';
import { type Decision, ORIGIN_INCARNATION, reconcile, type TopicFacts } from './reconcile.ts';
import { TopicCatalog } from './topic-catalog.ts';

export interface LinkContext {
  readonly io: Pick<Io, 'clock' | 'timers' | 'random'>;
  readonly log: Logger;
  readonly limits: MirrorLimits;
  readonly name: string;
  readonly from: string;
  readonly to: string;
  readonly source: Client;
  readonly target: Client;
  /** Of the target, shared by all links into it. */
  readonly targetCatalog: TopicCatalog;
  readonly budget: InFlightBudget;
  readonly gaps: GapStore;
  policyOf(topic: string): GapPolicy;
}

interface MirroredTopic {
  readonly id: string;
  readonly tasks: MirrorTask[];
  /** Why it is halted as a whole. */
  reason: string | null;
  isDeleted: boolean;
  hasCopy: boolean;
}

type HaltedTopic = Pick<Extract<Decision, { kind: 'halt' }>, 'topic' | 'copy' | 'hasCopy'>;

const DELETED = 'the topic was deleted at the origin';

export class Link {
  private readonly context: LinkContext;
  private readonly fetcher: Fetcher;
  private readonly ungovern: () => void;
  private readonly sourceCatalog: TopicCatalog;
  private readonly observer: EndObserver;
  private readonly topics = new Map<string, MirroredTopic>();
  /** The target's topics, as last seen. */
  private copies: ReadonlyMap<string, TopicFacts> = new Map();
  private readonly stopping = new AbortController();
  private readonly loop: Promise<void>;
  /** Why topics cannot be looked for at present. */
  private trouble: string | null = 'not connected yet';

  constructor(context: LinkContext) {
    this.context = context;
    const { fetchMaxBytes: maxBytes, fetchPartitionMaxBytes: partitionMaxBytes } = context.limits;
    this.fetcher = context.source.fetcher({ maxBytes, partitionMaxBytes });
    this.ungovern = context.budget.govern(this.fetcher);
    this.sourceCatalog = new TopicCatalog(context.source, context.limits);
    this.observer = new EndObserver(context.source, context.target, context.limits.observeTimeoutMs);
    this.loop = this.run();
  }

  status(now: StatusNow): LinkStatus {
    const { from, to, name, limits, gaps } = this.context;
    const partitions: PartitionStatus[] = [...this.topics.values()].flatMap(({ tasks }) =>
      tasks.map((task) => {
        const { topicId, partition } = task.place;
        return statusOf(task, now, limits, gaps.totalsOf(name, topicId, partition));
      }),
    );
    const states = partitions.map((partition) => partition.state);
    if (this.trouble !== null) states.push('retrying');
    const reason = this.trouble ?? partitions.find((partition) => partition.reason !== null)?.reason ?? null;
    return { from, to, state: worstState(states), reason, partitions };
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    this.ungovern();
    for (const { tasks } of this.topics.values()) for (const task of tasks) task.stop();
    this.fetcher.close();
    await this.loop;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    const { io, limits, log, from } = this.context;
    while (!signal.aborted) {
      try {
        await this.discover(signal);
        this.trouble = null;
        void this.observe(signal);
      } catch (error) {
        if (signal.aborted) return;
        const reason = (error as Error).message;
        if (this.trouble !== reason) log.warn('topics cannot be looked for', { from, reason });
        this.trouble = reason;
      }
      await io.timers.sleep(limits.discoveryMs, signal);
    }
  }

  private async discover(signal: AbortSignal): Promise<void> {
    const { from, limits, targetCatalog, gaps } = this.context;
    const [source, target] = await Promise.all([this.sourceCatalog.read(signal), targetCatalog.read(signal)]);
    const copies = new Map(target.map((topic) => [topic.name, topic]));
    this.copies = copies;
    await gaps.follow(copies.has(GAPS_TOPIC));
    const decisions = reconcile(from, source, copies, limits);
    for (const decision of decisions) this.follow(decision);
    this.forgetGone(source, decisions);
    const changed = await this.change(decisions, signal);
    if (changed && !signal.aborted) await this.discover(signal);
  }

  private observe(signal: AbortSignal): Promise<void> {
    const quiet = [...this.topics.values()].flatMap(({ tasks, isDeleted, hasCopy }) =>
      tasks
        .filter(({ task }) => task.condition !== 'mirroring')
        .map((task) => ({ task, hasOrigin: !isDeleted, hasCopy })),
    );
    return this.observer.observe(quiet, signal);
  }

  private follow(decision: Decision): void {
    if (decision.kind === 'run') this.mirror(decision.topic, decision.copy, decision.partitions);
    else if (decision.kind === 'halt') this.halt(decision, decision.reason);
    else if (decision.kind === 'deleted') this.halt({ ...decision, hasCopy: true }, DELETED);
  }

  /** A topic that was halted as a whole and for which nothing speaks against it any more begins anew. */
  private mirror(topic: TopicFacts, copy: string, partitions: number): void {
    const before = this.topics.get(topic.name);
    if (before !== undefined && (before.reason !== null || before.id !== topic.id)) this.forget(topic.name, before);
    const known = this.topicOf(topic);
    for (let partition = known.tasks.length; partition < partitions; partition++) {
      this.addTask(known, topic, copy, partition).feed({ type: 'start' });
    }
  }

  /** Shown with its reason until somebody decides. */
  private halt({ topic, copy, hasCopy }: HaltedTopic, reason: string): void {
    const known = this.topicOf(topic);
    if (known.reason === reason) return;
    known.reason = reason;
    known.isDeleted = reason === DELETED;
    known.hasCopy = hasCopy;
    this.context.log.error('a topic is not mirrored any more', { from: this.context.from, topic: topic.name, reason });
    while (known.tasks.length < topic.partitions) this.addTask(known, topic, copy, known.tasks.length);
    for (const task of known.tasks) task.feed({ type: 'halt', reason });
  }

  /** Once neither the origin nor a copy is left, there is nothing to be decided. */
  private forgetGone(source: readonly TopicFacts[], decisions: readonly Decision[]): void {
    const orphans = decisions.flatMap((decision) => (decision.kind === 'deleted' ? [decision.topic] : []));
    const names = new Set([...source, ...orphans].map(({ name }) => name));
    for (const [name, topic] of this.topics) if (!names.has(name)) this.forget(name, topic);
  }

  private forget(name: string, topic: MirroredTopic): void {
    for (const task of topic.tasks) task.stop();
    this.topics.delete(name);
  }

  private topicOf({ name, id }: TopicFacts): MirroredTopic {
    const known = this.topics.get(name) ?? { id, tasks: [], reason: null, isDeleted: false, hasCopy: true };
    this.topics.set(name, known);
    return known;
  }

  private addTask(known: MirroredTopic, topic: TopicFacts, copy: string, partition: number): MirrorTask {
    const { io, log, limits, name: link, source, target, budget, gaps, policyOf } = this.context;
    const facts = this.copies.get(copy);
    const place = {
      link,
      topic: topic.name,
      topicId: topic.id,
      copy,
      copyId: facts?.id ?? '',
      partition,
      incarnation: Number(facts?.configs?.get(ORIGIN_INCARNATION) ?? 1),
      startOffset: startOffsetOf(facts?.configs?.get(ORIGIN_START), partition),
    };
    const keeper = gaps.keeper(link, policyOf);
    const task = new TaskShell({ io, log, limits, source, target, budget, gaps: keeper, fetcher: this.fetcher }, place);
    known.tasks.push(task);
    return task;
  }

  /** Makes and grows copies; returns whether there is something new to find. */
  private async change(decisions: readonly Decision[], signal: AbortSignal): Promise<boolean> {
    const { target, limits, log } = this.context;
    const call = { timeoutMs: limits.requestTimeoutMs, signal };
    const create = decisions.filter((decision) => decision.kind === 'create');
    const grow = decisions.filter((decision) => decision.kind === 'grow');
    const outcomes = [
      ...(create.length === 0
        ? []
        : await target.createTopics(
            create.map(({ copy, partitions, configs }) => ({ name: copy, numPartitions: partitions, configs })),
            call,
          )),
      ...(grow.length === 0
        ? []
        : await target.createPartitions(
            grow.map(({ copy, partitions }) => ({ name: copy, count: partitions })),
            call,
          )),
    ];
    const failed = outcomes.filter(
      ({ errorCode }) => errorCode !== ERROR.NONE && errorCode !== ERROR.TOPIC_ALREADY_EXISTS,
    );
    for (const { name, errorCode, errorMessage } of outcomes) {
      if (errorCode === ERROR.NONE) log.info('a copy was created or grown', { topic: name });
      else log.warn('a copy cannot be created or grown', { topic: name, error: errorMessage ?? errorName(errorCode) });
    }
    const first = failed[0];
    if (first !== undefined) throw new Error(`${first.name}: ${first.errorMessage ?? errorName(first.errorCode)}`);
    return outcomes.length > 0;
  }
}
