/**
 * Performs what the machine of one partition wants: asks both sides, fetches from the origin, appends to the copy.
 * Owned by its link. Invariant: the machine hears of everything that it asked for, once; after `stop` of nothing.
 */
import type { FetchedSlice } from '@meridian/client';
import type { Timer } from '@meridian/io';
import { BATCH_FIELD } from '@meridian/protocol/record-batch';
import { endedUnseen } from './broken-transactions.ts';
import type { CopyWriter } from './copy-writer.ts';
import { EmbeddedWriter } from './embedded-writer.ts';
import type { TaskEffect, TaskInput } from './messages.ts';
import type { MirrorTask, TaskContext, TaskPlace } from './mirror-task.ts';
import { OriginReader } from './origin-reader.ts';
import { PartitionTask } from './partition-task.ts';
import { piecesOf } from './slice-pieces.ts';
import { checkOrigin, recordGap, retryDelayMs } from './task-duties.ts';
import { WantedStart } from './wanted-start.ts';

type EffectOf<T extends TaskEffect['type']> = Extract<TaskEffect, { type: T }>;

export class TaskShell implements MirrorTask {
  readonly place: TaskPlace;
  readonly task: PartitionTask;
  private readonly context: TaskContext;
  private readonly writer: CopyWriter;
  private readonly stopping = new AbortController();
  private readonly reader: OriginReader;
  private timer: Timer | undefined;
  /** Answers to an older question are void. */
  private question = 0;
  private readonly start: WantedStart;

  constructor(context: TaskContext, place: TaskPlace) {
    this.context = context;
    this.place = place;
    this.task = new PartitionTask(context.limits, place.startOffset);
    this.writer = new EmbeddedWriter({
      target: context.target,
      questions: context.questions.target,
      place,
      call: this.call,
    });
    const { io, log, limits } = context;
    const { signal } = this.stopping;
    const move = (offset: number) => this.writer.advanceStart(offset);
    this.start = new WantedStart({ io, log, limits, place, signal, move });
    this.reader = new OriginReader(context.fetcher, place, {
      onSlice: (slice) => this.take(slice),
      onEnd: (highWatermark, hole, logStartOffset) => this.feed({ type: 'end', highWatermark, hole, logStartOffset }),
      onNews: (news) => this.feed(news),
    });
  }

  feed(input: TaskInput): void {
    if (this.stopping.signal.aborted) return;
    for (const effect of this.task.step(input, this.context.io.clock.monotonic())) this.perform(effect);
  }

  stop(): void {
    this.stopping.abort();
    this.timer?.cancel();
    this.reader.stop();
  }

  private perform(effect: TaskEffect): void {
    switch (effect.type) {
      case 'locate':
        return void this.ask(() => this.locate());
      case 'prove':
        return void this.ask(() => this.prove(effect.epoch));
      case 'findBroken':
        return void this.ask(() => this.findBroken());
      case 'fetch':
        return this.reader.fetch(effect.offset, effect.lastEpoch);
      case 'pause':
        return this.reader.pause();
      case 'resume':
        return this.reader.resume();
      case 'stopFetching':
        return this.reader.stop();
      case 'append':
        return void this.append(effect);
      case 'advanceStart':
        return this.start.want(effect.offset);
      case 'recordGap':
        return void this.recordGap(effect);
      case 'retryLater':
        return this.retryLater(effect);
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

  /** Where both logs stand. */
  private async locate(): Promise<TaskInput> {
    await checkOrigin(this.context.source, this.place, this.call);
    const [origin, { copyEnd: targetEnd, ...copy }] = await Promise.all([
      this.context.questions.source.range(this.place, 'the origin'),
      this.writer.locate(),
    ]);
    const { start: sourceStart, end: sourceEnd } = origin;
    return { type: 'located', ...copy, targetEnd, sourceStart, sourceEnd };
  }

  private async prove(leaderEpoch: number): Promise<TaskInput> {
    return { type: 'proved', ...(await this.context.questions.source.epochEnd(this.place, leaderEpoch)) };
  }

  /** The copy first: what has ended at the origin meanwhile will come from there by itself, and ends nothing twice. */
  private async findBroken(): Promise<TaskInput> {
    const { source, target } = this.context.questions;
    const { copy: topic, partition } = this.place;
    const open = (await target.openTransactions({ topic, partition })) ?? [];
    const still = open.length === 0 ? [] : await source.openTransactions(this.place);
    return { type: 'broken', transactions: still === undefined ? [] : endedUnseen(open, still) };
  }

  private take(slice: FetchedSlice): void {
    const { highWatermark, logStartOffset, sizeInBytes, underWayBytes } = slice;
    const answerBytes = Math.max(sizeInBytes, underWayBytes / 2);
    for (const piece of piecesOf(slice, this.context.limits)) {
      // As its producer says; no number is refused here.
      const timestampMs = Number(piece.buffers[0]!.readBigInt64BE(BATCH_FIELD.baseTimestamp));
      this.feed({ type: 'fetched', timestampMs, highWatermark, logStartOffset, answerBytes, ...piece });
    }
  }

  private async append(effect: EffectOf<'append'>): Promise<void> {
    const { budget, io } = this.context;
    const { id, sizeInBytes, buffers } = effect;
    budget.add(sizeInBytes);
    for (const bytes of buffers) io.memory.hold(bytes);
    const outcome = await this.writer.append(effect);
    for (const bytes of buffers) io.memory.release(bytes);
    budget.remove(sizeInBytes);
    this.feed(outcome.kind === 'appended' ? { type: 'appended', id } : { type: 'refused', id, ...outcome });
  }

  private async recordGap({ lost, policy }: EffectOf<'recordGap'>): Promise<void> {
    this.feed(await recordGap(this.context, this.place, lost, policy));
  }

  private retryLater({ failures, isSlow }: EffectOf<'retryLater'>): void {
    const { io, limits } = this.context;
    const delayMs = retryDelayMs(io.random, limits, failures, isSlow);
    this.timer = io.timers.after(delayMs, () => this.feed({ type: 'retry' }));
  }

  private get call() {
    return { timeoutMs: this.context.limits.requestTimeoutMs, signal: this.stopping.signal };
  }
}
