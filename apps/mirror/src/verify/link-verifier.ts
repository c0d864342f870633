/**
 * Verification of one link: compares what was copied last all the time, one window each `verifyEveryMs`, and all of a topic
 * when somebody asks (`verify-routes.ts`). Owned by the link; its fetchers are its own.
 * Invariant: a difference that is found halts its partition and is logged; verification that cannot go on harms nothing.
 */
import type { Client, Fetcher } from '@meridian/client';
import { EARLIEST, LATEST } from '@meridian/client';
import type { Origin, RunsStore } from '@meridian/coordinates';
import type { Io, Logger } from '@meridian/io';
import { ERROR } from '@meridian/protocol';
import type { MirrorLimits } from '../limits.ts';
import type { MirrorTask, TaskPlace } from '../task/mirror-task.ts';
import { HeaderReader } from './header-window.ts';
import { type Coordinates, PartitionVerifier, SAME_OFFSETS, type Sides, type Verified } from './partition-verifier.ts';
import { RollingPlan } from './rolling-plan.ts';

export interface LinkVerifierContext {
  readonly io: Pick<Io, 'clock' | 'timers'>;
  readonly log: Logger;
  readonly limits: MirrorLimits;
  readonly source: Client;
  readonly target: Client;
  /** Of copies in Apache Kafka, which are re-based; undefined: copies have their origin's offsets. */
  readonly runs: RunsStore | undefined;
  /** Of the link, as they are now. */
  tasks(): readonly MirrorTask[];
  /** Null: the partition is mirrored, or is no copy any more. */
  haltedBy(task: MirrorTask): string | null;
}

export interface PartitionVerification extends Verified {
  readonly topic: string;
  readonly copy: string;
  readonly partition: number;
  /** Why it could not be compared to its end, or why its end is not what the origin has by now. */
  readonly error: string | null;
}

export class LinkVerifier {
  private readonly context: LinkVerifierContext;
  private readonly plan: RollingPlan;
  private readonly origin: Fetcher;
  private readonly copy: Fetcher;
  private readonly headers: NonNullable<Sides['headers']>;
  private readonly stopping = new AbortController();
  /** End of the newest range that was compared and equal, by copy and partition. */
  private readonly ends = new Map<string, number>();
  private readonly loop: Promise<void>;

  constructor(context: LinkVerifierContext) {
    this.context = context;
    const { limits, source, target, runs } = context;
    this.plan = new RollingPlan({
      windowOffsets: limits.verifyWindowOffsets,
      backlogOffsets: limits.verifyBacklogOffsets,
    });
    const size = { maxBytes: limits.verifyWindowBytes, partitionMaxBytes: limits.verifyWindowBytes };
    const isolation = runs === undefined ? 'read_uncommitted' : 'read_committed';
    this.origin = source.fetcher({ ...size, isolation });
    this.copy = target.fetcher({ ...size, isolation });
    const { timers } = context.io;
    this.headers = { origin: new HeaderReader(source, timers), copy: new HeaderReader(target, timers) };
    this.loop = this.run();
  }

  /** −1: nothing was compared since this process began. */
  comparedEnd(place: TaskPlace): number {
    return this.ends.get(keyOf(place)) ?? -1;
  }

  /** Everything that is in the copies of the topic now. */
  async verify(topic: string, signal: AbortSignal): Promise<PartitionVerification[]> {
    const results: PartitionVerification[] = [];
    const both = AbortSignal.any([signal, this.stopping.signal]);
    for (const task of this.context.tasks().filter(({ place }) => place.topic === topic || place.copy === topic))
      results.push(await this.verifyAll(task, both));
    return results;
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    this.origin.close();
    this.copy.close();
    await this.loop;
  }

  private async run(): Promise<void> {
    const { io, limits, log } = this.context;
    const { signal } = this.stopping;
    let trouble = '';
    for (;;) {
      await io.timers.sleep(limits.verifyEveryMs, signal);
      if (signal.aborted) return;
      try {
        await this.verifyNewest();
        trouble = '';
      } catch (error) {
        const reason = (error as Error).message;
        if (reason !== trouble && !signal.aborted) log.warn('what was copied cannot be compared', { reason });
        trouble = reason;
      }
    }
  }

  private async verifyNewest(): Promise<void> {
    const tasks = this.context.tasks().filter(({ task }) => task.condition === 'mirroring');
    const due = this.plan.next(tasks.map(({ place, task }) => ({ key: keyOf(place), position: task.position })));
    if (due === undefined) return;
    const task = tasks[due.index]!;
    const to = task.task.position;
    const key = keyOf(task.place);
    const sides = await this.sidesOf(task.place, to);
    const { end, difference } = await new PartitionVerifier(sides, this.bounds, due.from).verifyOnce(to);
    if (this.stopping.signal.aborted) return;
    if (difference !== null) return this.halt(task, difference);
    this.plan.compared(key, end);
    this.ends.set(key, end);
  }

  private async verifyAll(task: MirrorTask, signal: AbortSignal): Promise<PartitionVerification> {
    const { topic, copy, partition } = task.place;
    const to = task.task.position;
    let verified: Verified = { from: 0, end: 0, records: 0, sizeInBytes: 0, difference: null, undecided: 0 };
    let error: string | null = to < 0 ? 'it is not known yet where the copy ends' : null;
    if (!this.context.tasks().includes(task)) error = 'it is not copied any more, or begun anew, since this was asked';
    try {
      if (error === null) {
        const from = await this.startOf(task.place, to);
        if (from > to)
          throw new Error(`the copy ends at ${to}, and nothing before ${from} is there to compare it with`);
        const sides = await this.sidesOf(task.place, to);
        verified = await new PartitionVerifier(sides, this.bounds, from).verify(to, signal);
        if (signal.aborted) error = 'it was ended before it was done';
        else if (verified.undecided > 0) error = `${verified.undecided} records have too many keys to be decided on`;
      }
    } catch (failure) {
      error = (failure as Error).message;
    }
    // What is compared is what was copied: a copy that does not go on is not its origin, however equal it is so far.
    const haltedBy = this.context.haltedBy(task);
    if (haltedBy !== null) error = `it is halted: ${haltedBy}`;
    if (verified.difference !== null) this.halt(task, verified.difference);
    return { topic, copy, partition, ...verified, error };
  }

  /** A copy that is not its origin's is not added to; somebody has to look at it. */
  private halt(task: MirrorTask, { offset, kind }: NonNullable<Verified['difference']>): void {
    const { copy, partition } = task.place;
    this.context.log.error('a copy differs from its origin', { copy, partition, offset, kind });
    task.feed({ type: 'halt', reason: `the copy differs from its origin at ${offset}: ${WHAT[kind]}` });
  }

  /** The first offset that both sides have. */
  private async startOf(place: TaskPlace, to: number): Promise<number> {
    const { source, target } = this.context;
    const [there, here] = await Promise.all([
      source.listOffsets([{ topic: place.topic, partition: place.partition, timestamp: EARLIEST }], this.call),
      target.listOffsets([{ topic: place.copy, partition: place.partition, timestamp: EARLIEST }], this.call),
    ]);
    if (there[0]?.errorCode !== ERROR.NONE || here[0]?.errorCode !== ERROR.NONE)
      throw new Error('the starts of the logs are not known');
    const { toOrigin } = (await this.coordinatesOf(place, to)).coordinates;
    return Math.max(there[0].offset, toOrigin(here[0].offset) ?? 0);
  }

  private async sidesOf(place: TaskPlace, to: number): Promise<Sides> {
    const { io } = this.context;
    const { topic, topicId, copy, copyId, partition } = place;
    const [{ coordinates, isRebased }, isCompacted] = await Promise.all([
      this.coordinatesOf(place, to),
      this.isCompacted(topic, copy),
    ]);
    return {
      timers: io.timers,
      origin: { fetcher: this.origin, topic, topicId, partition },
      copy: { fetcher: this.copy, topic: copy, topicId: copyId, partition },
      coordinates,
      isRebased,
      isCompacted,
      headers: isRebased ? undefined : this.headers,
    };
  }

  private async coordinatesOf({ copy, copyId, partition }: TaskPlace, to: number) {
    const { runs, target } = this.context;
    if (runs === undefined) return { coordinates: SAME_OFFSETS, isRebased: false };
    const [latest] = await target.listOffsets([{ topic: copy, partition, timestamp: LATEST }], this.call);
    if (latest?.errorCode !== ERROR.NONE) throw new Error('the end of the copy is not known');
    const followed = await runs.caughtUp({ copyId, partition });
    const map = followed.between(0, latest.offset);
    let [run, runAt]: [Origin | undefined, number] = [undefined, 0];
    const coordinates: Coordinates = {
      // Records are asked for one behind the other: most lie in the run of the one before.
      toOrigin: (offset) => {
        if (run === undefined || offset < run.fromLocal || offset >= run.untilLocal)
          [run, runAt] = [followed.originAt(offset), offset];
        return run && run.originOffset + offset - runAt;
      },
      toCopy: (offset) => {
        const found = map.toLocal(Math.min(offset, to));
        return found.status === 'behind' ? latest.offset : found.offset;
      },
    };
    return { coordinates, isRebased: true };
  }

  private async isCompacted(topic: string, copy: string): Promise<boolean> {
    const { source, target } = this.context;
    const [there, here] = await Promise.all([
      source.describeTopicConfigs([topic], this.call),
      target.describeTopicConfigs([copy], this.call),
    ]);
    const policies = [there.get(topic), here.get(copy)].map((configs) => configs?.values.get('cleanup.policy')?.value);
    return policies.some((policy) => policy?.includes('compact') === true);
  }

  private get bounds() {
    const { limits } = this.context;
    return {
      windowOffsets: limits.verifyWindowOffsets,
      windowBytes: limits.verifyWindowBytes,
      headerWindowOffsets: limits.verifyHeaderOffsets,
      headerWindowBytes: limits.verifyHeaderBytes,
      maxKeys: limits.verifyMaxKeys,
      timeoutMs: limits.requestTimeoutMs,
    };
  }

  private get call() {
    return { timeoutMs: this.context.limits.requestTimeoutMs, signal: this.stopping.signal };
  }
}

const WHAT = {
  missing: 'the record is missing in the copy',
  surplus: 'the origin does not have the record',
  different: 'the records differ',
} as const;

const keyOf = ({ copyId, topicId, partition, incarnation }: TaskPlace): string =>
  `${topicId}/${copyId}/${incarnation}/${partition}`;
