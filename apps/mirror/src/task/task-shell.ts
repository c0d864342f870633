/**
 * Performs what the machine of one partition wants: asks both sides, fetches from the origin, appends to the copy.
 * Owned by its link. Invariant: the machine hears of everything that it asked for, once; after `stop` of nothing.
 */
import { type Client, ClientError, EARLIEST, type Fetcher, type FetchHandle, LATEST } from '@meridian/client';
import type { Io, Timer } from '@meridian/io';
import { ERROR, errorName, Fetch, MIRROR_FEATURE } from '@meridian/protocol';
import type { MirrorLimits } from '../limits.ts';
import type { InFlightBudget } from './in-flight-budget.ts';
import type { TaskEffect, TaskInput } from './messages.ts';
import { PartitionTask } from './partition-task.ts';

export interface TaskContext {
  readonly io: Pick<Io, 'clock' | 'timers' | 'random'>;
  readonly limits: MirrorLimits;
  readonly source: Client;
  readonly target: Client;
  /** The origin's, shared by all partitions of the link. */
  readonly fetcher: Fetcher;
  readonly budget: InFlightBudget;
}

export interface TaskPlace {
  readonly topic: string;
  readonly topicId: string;
  readonly copy: string;
  readonly partition: number;
}

export class TaskShell {
  readonly place: TaskPlace;
  readonly task: PartitionTask;
  private readonly context: TaskContext;
  private readonly stopping = new AbortController();
  private handle: FetchHandle | undefined;
  private timer: Timer | undefined;
  /** Answers to an older question are void. */
  private question = 0;

  constructor(context: TaskContext, place: TaskPlace) {
    this.context = context;
    this.place = place;
    this.task = new PartitionTask(context.limits);
  }

  feed(input: TaskInput): void {
    if (this.stopping.signal.aborted) return;
    for (const effect of this.task.step(input, this.context.io.clock.monotonic())) this.perform(effect);
  }

  stop(): void {
    this.stopping.abort();
    this.timer?.cancel();
    this.handle?.remove();
    this.handle = undefined;
  }

  private perform(effect: TaskEffect): void {
    switch (effect.type) {
      case 'locate':
        return void this.ask(() => this.locate());
      case 'prove':
        return void this.ask(() => this.prove(effect.epoch));
      case 'fetch':
        return this.fetch(effect.offset, effect.lastEpoch);
      case 'pause':
        return this.handle?.pause();
      case 'resume':
        return this.handle?.resume();
      case 'stopFetching':
        this.handle?.remove();
        this.handle = undefined;
        return;
      case 'append':
        return void this.append(effect);
      case 'retryLater':
        return this.retryLater(effect.failures);
    }
  }

  private async ask(question: () => Promise<TaskInput>): Promise<void> {
    const number = ++this.question;
    let answer: TaskInput;
    try {
      answer = await question();
    } catch (error) {
      answer = { type: 'failed', reason: (error as Error).message };
    }
    if (number === this.question) this.feed(answer);
  }

  /** Where both logs stand. The copy's broker tells the origin epochs of what it has. */
  private async locate(): Promise<TaskInput> {
    const { source, target } = this.context;
    const { topic, copy, partition } = this.place;
    const [range, targetEnd] = await Promise.all([
      source.listOffsets([{ topic, partition, timestamp: EARLIEST }], this.call).then(async (earliest) => {
        const latest = await source.listOffsets([{ topic, partition, timestamp: LATEST }], this.call);
        return { sourceStart: offsetOf(earliest, 'the origin'), sourceEnd: offsetOf(latest, 'the origin') };
      }),
      target.listOffsets([{ topic: copy, partition, timestamp: LATEST }], this.call),
    ]);
    const end = offsetOf(targetEnd, 'the copy');
    return { type: 'located', targetEnd: end, lastEpoch: await this.lastOriginEpoch(end), ...range };
  }

  private async lastOriginEpoch(end: number): Promise<number> {
    const { target } = this.context;
    const { copy, partition } = this.place;
    const leader = await target.leaderOf(copy, partition, this.call);
    if (!(await target.supports(leader, MIRROR_FEATURE, this.call))) {
      throw new Error(`the broker of ${copy}-${partition} does not take mirror appends (no ${MIRROR_FEATURE})`);
    }
    const topicId = (await target.metadata([copy], this.call)).topics.get(copy)?.id;
    const asked = { partition, fetchOffset: end, partitionMaxBytes: 0, originEpochsFrom: 0 };
    const topics = [{ topic: copy, topicId: topicId!, partitions: [asked] }];
    const answer = await target.send(Fetch, { maxWaitMs: 0, minBytes: 0, maxBytes: 1, topics }, leader, this.call);
    const found = answer.responses[0]?.partitions[0];
    const errorCode = found?.errorCode ?? answer.errorCode;
    if (found === undefined || errorCode !== ERROR.NONE) {
      await target.metadata([copy], { ...this.call, maxAgeMs: 0 });
      throw new Error(`the epochs of ${copy}-${partition}: ${errorName(errorCode)}`);
    }
    return found.originEpochs.findLast((entry) => entry.startOffset < end)?.epoch ?? -1;
  }

  private async prove(leaderEpoch: number): Promise<TaskInput> {
    const { topic, partition } = this.place;
    const [answer] = await this.context.source.offsetForLeaderEpoch([{ topic, partition, leaderEpoch }], this.call);
    if (answer === undefined || answer.errorCode !== ERROR.NONE) {
      throw new Error(`epochs of the origin: ${errorName(answer?.errorCode ?? ERROR.UNKNOWN_SERVER_ERROR)}`);
    }
    return { type: 'proved', epoch: answer.leaderEpoch, endOffset: answer.endOffset };
  }

  private fetch(offset: number, lastFetchedEpoch: number): void {
    if (this.handle !== undefined) {
      this.handle.seek(offset, lastFetchedEpoch);
      this.handle.resume();
      return;
    }
    const { topic, topicId, partition } = this.place;
    this.handle = this.context.fetcher.add({
      topic,
      topicId,
      partition,
      offset,
      lastFetchedEpoch,
      onBatches: (slice) => this.feed({ type: 'fetched', ...slice }),
      onEnd: (highWatermark, hole) => this.feed({ type: 'end', highWatermark, hole }),
      onLeaderEpoch: (epoch) => this.feed({ type: 'leaderEpoch', epoch }),
      onRetry: (reason) => this.feed({ type: 'trouble', reason }),
      onError: ({ code, detail }) => this.feed({ type: 'fetchFailed', kind: kindOf(code), detail }),
    });
  }

  private async append(effect: Extract<TaskEffect, { type: 'append' }>): Promise<void> {
    const { target, budget, limits } = this.context;
    const { copy, partition, topicId } = this.place;
    const { id, buffers, sizeInBytes, expectedEnd, endOffset } = effect;
    budget.add(sizeInBytes);
    let input: TaskInput;
    try {
      const result = await target.produce(copy, partition, buffers, {
        mirror: { originTopicId: topicId, expectedEnd, endOffset },
        timeoutMs: limits.requestTimeoutMs,
      });
      input = result.errorCode === ERROR.NONE ? { type: 'appended', id } : refusal(id, expectedEnd, result);
    } catch (error) {
      const reason = error instanceof ClientError ? error.message : String(error);
      input = { type: 'refused', id, kind: 'other', reason: `append to ${copy}: ${reason}` };
    }
    budget.remove(sizeInBytes);
    this.feed(input);
  }

  private retryLater(failures: number): void {
    const { io, limits } = this.context;
    const ceiling = Math.min(limits.backoffCapMs, limits.backoffBaseMs * 2 ** Math.min(failures, 20));
    const delayMs = failures === 0 ? 0 : io.random.next() * ceiling;
    this.timer = io.timers.after(delayMs, () => this.feed({ type: 'retry' }));
  }

  private get call() {
    return { timeoutMs: this.context.limits.requestTimeoutMs, signal: this.stopping.signal };
  }
}

function offsetOf(listed: readonly { errorCode: number; offset: number }[], side: string): number {
  const answer = listed[0];
  if (answer !== undefined && answer.errorCode === ERROR.NONE) return Math.max(0, answer.offset);
  throw new Error(`offsets of ${side}: ${errorName(answer?.errorCode ?? ERROR.UNKNOWN_SERVER_ERROR)}`);
}

function kindOf(code: number | 'diverged' | 'corrupt'): 'diverged' | 'recreated' | 'out-of-range' | 'other' {
  if (code === 'diverged') return 'diverged';
  if (code === ERROR.UNKNOWN_TOPIC_ID) return 'recreated';
  return code === ERROR.OFFSET_OUT_OF_RANGE ? 'out-of-range' : 'other';
}

/** What these codes mean here: the copy is somebody else's, or it is not a copy at all. */
const FOREIGN: ReadonlySet<number> = new Set<number>([ERROR.INCONSISTENT_TOPIC_ID, ERROR.POLICY_VIOLATION]);

function refusal(
  id: number,
  expectedEnd: number,
  result: { errorCode: number; errorMessage: string | null; logEnd: number },
): TaskInput {
  const { errorCode, errorMessage, logEnd } = result;
  if (errorCode === ERROR.OFFSET_OUT_OF_RANGE) {
    return { type: 'refused', id, kind: 'mismatch', reason: `the copy ends at ${logEnd}, not at ${expectedEnd}` };
  }
  const told = errorMessage === null ? errorName(errorCode) : `${errorName(errorCode)}, ${errorMessage}`;
  return { type: 'refused', id, kind: FOREIGN.has(errorCode) ? 'foreign' : 'other', reason: `append: ${told}` };
}
