/**
 * Where both logs end, of partitions that do not fetch: those halted, and those that cannot begin. Called by the link
 * after every discovery. Invariant: one round at a time; of a side that does not answer, what was known stays.
 */
import { type Client, LATEST } from '@meridian/client';
import { ERROR, errorName } from '@meridian/protocol';
import type { MirrorTask } from '../task/mirror-task.ts';

export interface Observed {
  readonly task: MirrorTask;
  /** The side has a topic of that name that is the one meant. */
  readonly hasOrigin: boolean;
  readonly hasCopy: boolean;
}

export class EndObserver {
  private readonly source: Client;
  private readonly target: Client;
  private readonly timeoutMs: number;
  private isBusy = false;

  constructor(source: Client, target: Client, timeoutMs: number) {
    this.source = source;
    this.target = target;
    this.timeoutMs = timeoutMs;
  }

  async observe(observed: readonly Observed[], signal: AbortSignal): Promise<void> {
    if (this.isBusy) return;
    this.isBusy = true;
    const origins = observed.flatMap(({ task, hasOrigin }) => (hasOrigin ? [task] : []));
    const copies = observed.flatMap(({ task, hasCopy }) => (hasCopy ? [task] : []));
    await Promise.all([this.askOrigin(origins, signal), this.askTarget(copies, signal)]);
    this.isBusy = false;
  }

  /** Tells tasks that mirror who leads their copies; by what is known of the target, nobody is asked. */
  async tellLeaders(tasks: readonly MirrorTask[], signal: AbortSignal): Promise<void> {
    const names = [...new Set(tasks.map(({ place }) => place.copy))];
    if (names.length === 0) return;
    const { topics } = await this.target.metadata(names, { timeoutMs: this.timeoutMs, signal });
    for (const task of tasks) {
      const { copy, copyId, partition } = task.place;
      const topic = topics.get(copy);
      const leaderEpoch = topic?.id === copyId ? topic.partitions[partition]?.leaderEpoch : undefined;
      if (leaderEpoch !== undefined) task.feed({ type: 'copyLed', leaderEpoch });
    }
  }

  private async askOrigin(tasks: readonly MirrorTask[], signal: AbortSignal): Promise<void> {
    const ends = await this.ask(this.source, tasks, ({ place }) => place.topic, signal);
    ends.forEach(({ errorCode, offset }, index) => {
      const reason = `the origin's partition: ${errorName(errorCode)}`;
      tasks[index]?.feed(
        errorCode === ERROR.NONE ? { type: 'observed', sourceEnd: offset } : { type: 'unobserved', reason },
      );
    });
  }

  private async askTarget(tasks: readonly MirrorTask[], signal: AbortSignal): Promise<void> {
    const ends = await this.ask(this.target, tasks, ({ place }) => place.copy, signal);
    ends.forEach(({ errorCode, offset }, index) => {
      if (errorCode === ERROR.NONE) tasks[index]?.feed({ type: 'observedCopy', targetEnd: offset });
    });
  }

  private async ask(
    client: Client,
    tasks: readonly MirrorTask[],
    nameOf: (task: MirrorTask) => string,
    signal: AbortSignal,
  ) {
    if (tasks.length === 0) return [];
    const queries = tasks.map((task) => ({
      topic: nameOf(task),
      partition: task.place.partition,
      timestamp: LATEST,
    }));
    try {
      return await client.listOffsets(queries, { timeoutMs: this.timeoutMs, signal });
    } catch {
      return []; // it is away: the link's own look-up tells so
    }
  }
}
