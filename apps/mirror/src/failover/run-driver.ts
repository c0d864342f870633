/**
 * Carries fail-overs and fail-backs through: performs each topic's step, writes the next one down, and goes on; what
 * waits is looked at again. Of the region's mirrors one drives a topic, and another one when that is gone: steps are
 * repeatable, and what has been done is found done. Invariant: a step is on record before it is begun, and none is left out.
 */
import type { Io, Logger } from '@meridian/io';
import type { MirrorLimits } from '../limits.ts';
import type { FailoverRun, RunHead, RunStep, TopicRun } from './messages.ts';
import { topicKey } from './run-record.ts';
import type { RunStore, StoredFailover } from './run-store.ts';

/** Goes on with `step`, and what it found; or waits for what `waitFor` says. */
export type StepOutcome =
  | ({ readonly step: RunStep } & Partial<
      Pick<TopicRun, 'detail' | 'notCopied' | 'cut' | 'common' | 'aside' | 'copyId' | 'incarnation'>
    >)
  | { readonly waitFor: string };

export type StepTable = Partial<Record<RunStep, (head: RunHead, topic: TopicRun) => Promise<StepOutcome>>>;

export interface RunDriverOptions {
  readonly io: Pick<Io, 'clock' | 'timers'>;
  readonly log: Logger;
  readonly limits: Pick<MirrorLimits, 'failoverTopicsAtOnce' | 'failoverRetryMs' | 'failoverIdleMs'>;
  readonly store: RunStore;
  readonly steps: Record<RunHead['kind'], StepTable>;
  /** Whether this process does the work of the topic at present. */
  mayDrive(kind: RunHead['kind'], topic: TopicRun): boolean;
}

export class RunDriver {
  private readonly options: RunDriverOptions;
  private readonly stopping = new AbortController();
  private readonly reasons = new Map<string, string>();
  private loop: Promise<void> | undefined;
  private wake = new AbortController();

  constructor(options: RunDriverOptions) {
    this.options = options;
  }

  start(): void {
    this.loop ??= this.run();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    this.wake.abort();
    await this.loop;
  }

  async begin(head: RunHead, topics: readonly TopicRun[]): Promise<void> {
    await this.options.store.begin(head, topics);
    this.wake.abort();
  }

  /** As they stand on record now. Rejects while they cannot be read. */
  async runs(): Promise<FailoverRun[]> {
    await this.options.store.follow();
    return this.options.store.all().map((stored) => this.viewOf(stored));
  }

  private viewOf({ head, topics }: StoredFailover): FailoverRun {
    const shown = [...topics.values()].map((topic) => ({
      ...topic,
      reason: topic.step === 'done' ? null : (this.reasons.get(`${head.id}/${topicKey(topic)}`) ?? null),
    }));
    const isDone = shown.every(({ step }) => step === 'done');
    const isWaiting = shown.some(({ reason }) => reason !== null);
    return { ...head, state: isDone ? 'done' : isWaiting ? 'waiting' : 'running', topics: shown };
  }

  private async run(): Promise<void> {
    const { io, limits } = this.options;
    const { signal } = this.stopping;
    while (!signal.aborted) {
      this.wake = new AbortController();
      const isBusy = await this.round();
      const restMs = isBusy ? limits.failoverRetryMs : limits.failoverIdleMs;
      if (!signal.aborted) await io.timers.sleep(restMs, this.wake.signal);
    }
  }

  /** Returns whether there is an open run. */
  private async round(): Promise<boolean> {
    const { store, mayDrive, limits } = this.options;
    try {
      await store.follow();
    } catch {
      return false;
    }
    const open = store.all().flatMap(({ head, topics }) => {
      const due = [...topics.values()].filter((topic) => topic.step !== 'done' && mayDrive(head.kind, topic));
      return due.map((topic) => ({ head, topic }));
    });
    const isBusy = open.length > 0;
    const work = async (): Promise<void> => {
      for (let next = open.shift(); next !== undefined; next = open.shift()) await this.advance(next.head, next.topic);
    };
    await Promise.all(Array.from({ length: Math.min(limits.failoverTopicsAtOnce, open.length) }, work));
    return isBusy;
  }

  /** As far as the topic goes without waiting. */
  private async advance(head: RunHead, topic: TopicRun): Promise<void> {
    const { steps, store, log } = this.options;
    const key = `${head.id}/${topicKey(topic)}`;
    let now = topic;
    try {
      while (now.step !== 'done' && this.options.mayDrive(head.kind, now) && !this.stopping.signal.aborted) {
        const perform = steps[head.kind][now.step];
        if (perform === undefined) throw new Error(`a ${head.kind} has no step ${now.step}`);
        const outcome = await perform(head, now);
        if ('waitFor' in outcome) return this.wait(key, outcome.waitFor);
        now = { ...now, ...outcome };
        await store.put(head.id, now);
        this.reasons.delete(key);
        log.info(`${head.kind}: ${now.step}`, { run: head.id, topic: now.topic, detail: now.detail });
      }
    } catch (error) {
      if (!this.stopping.signal.aborted) this.wait(key, messageOf(error));
    }
  }

  private wait(key: string, reason: string): void {
    if (this.reasons.get(key) !== reason) this.options.log.warn('a fail-over waits', { topic: key, reason });
    this.reasons.set(key, reason);
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
