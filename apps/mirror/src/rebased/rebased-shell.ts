/**
 * Performs what the machine of one re-based partition wants: fences, reads the copy's end and its runs, fetches what was
 * committed at the origin, writes runs ahead and batches behind them. Owned by its link, which knows it as a
 * `MirrorTask`. Invariant: the machine hears of everything that it asked for, once; after `stop` of nothing.
 */
import { ClientError, type FencedProducer, type FetchedSlice } from '@meridian/client';
import type { Timer } from '@meridian/io';
import type { MirrorTask, TaskContext, TaskPlace } from '../task/mirror-task.ts';
import { OriginReader } from '../task/origin-reader.ts';
import { checkOrigin, recordGap, retryDelayMs } from '../task/task-duties.ts';
import { WantedStart } from '../task/wanted-start.ts';
import { BatchMerger } from './batch-merger.ts';
import { CopyProducer } from './copy-producer.ts';
import { copyTail } from './copy-tail.ts';
import type { ProduceEffect, RebasedEffect, RebasedInput, SaveEffect } from './rebased-messages.ts';
import type { RebasedTarget } from './rebased-target.ts';
import { RebasedTask } from './rebased-task.ts';
import { sourceBatches } from './source-batches.ts';

export interface RebasedContext extends TaskContext {
  /** `fetcher` is one of `read_committed`. */
  readonly rebased: RebasedTarget;
}

type EffectOf<T extends RebasedEffect['type']> = Extract<RebasedEffect, { type: T }>;

const NO_FENCE: FencedProducer = { producerId: -1, producerEpoch: -1 };

export class RebasedShell implements MirrorTask {
  readonly place: TaskPlace;
  readonly task: RebasedTask;
  private readonly context: RebasedContext;
  private readonly producer: CopyProducer;
  private readonly start: WantedStart;
  private readonly stopping = new AbortController();
  private readonly reader: OriginReader;
  private timer: Timer | undefined;
  private fenced = NO_FENCE;
  /** Answers to an older question are void. */
  private question = 0;
  /** Of the shared budget. */
  private heldBytes = 0;

  constructor(context: RebasedContext, place: TaskPlace) {
    const { io, log, limits, target } = context;
    this.context = context;
    this.place = place;
    this.task = new RebasedTask(limits, new BatchMerger(io.memory, limits), place.startOffset);
    this.producer = new CopyProducer({ io, client: target, limits, place });
    const { signal } = this.stopping;
    this.start = new WantedStart({ io, log, limits, place, signal, move: (offset) => this.deleteRecords(offset) });
    this.reader = new OriginReader(context.fetcher, place, {
      onSlice: (slice) => this.take(slice),
      onEnd: (sourceEnd, hole, sourceStart) => {
        const nextOffset = hole ? sourceEnd : 0;
        this.feed({ type: 'fetched', batches: [], nextOffset, sizeInBytes: 0, sourceStart, sourceEnd });
      },
      onNews: (news) => this.feed(news),
    });
  }

  feed(input: RebasedInput): void {
    if (this.stopping.signal.aborted) return;
    const effects = this.task.step(input, this.context.io.clock.monotonic());
    this.hold(this.task.ledger.bytes);
    for (const effect of effects) this.perform(effect);
  }

  stop(): void {
    this.stopping.abort();
    this.timer?.cancel();
    this.reader.stop();
    this.task.ledger.close();
    this.hold(0);
  }

  private perform(effect: RebasedEffect): void {
    switch (effect.type) {
      case 'fence':
        return void this.ask(() => this.fence());
      case 'load':
        return void this.ask(() => this.load());
      case 'prove':
        return void this.ask(() => this.prove(effect.epoch));
      case 'fetch':
        return this.reader.fetch(effect.offset, effect.lastEpoch);
      case 'pause':
        return this.reader.pause();
      case 'resume':
        return this.reader.resume();
      case 'stopFetching':
        this.question++;
        return this.reader.stop();
      case 'save':
        return void this.save(effect);
      case 'produce':
        return void this.write(effect);
      case 'deleteRecords':
        return this.start.want(effect.localStart);
      case 'recordGap':
        return void this.recordGap(effect);
      case 'retryLater':
        return this.retryLater(effect);
      case 'restTakenOver':
        return this.retryIn((0.75 + this.context.io.random.next() / 2) * this.context.limits.takenOverRestMs);
    }
  }

  private async ask(question: () => Promise<RebasedInput>): Promise<void> {
    const number = ++this.question;
    let answer: RebasedInput;
    try {
      answer = await question();
    } catch (error) {
      const isFenced = error instanceof ClientError && error.code === 'fenced';
      answer = { type: isFenced ? 'superseded' : 'failed', reason: (error as Error).message };
    }
    if (number === this.question) this.feed(answer);
  }

  private async fence(): Promise<RebasedInput> {
    const { rebased, target } = this.context;
    const { copy, copyId, partition } = this.place;
    const found = (await target.metadata([copy], { ...this.call, maxAgeMs: 0 })).topics.get(copy);
    if (found?.id !== copyId) throw new Error(`${copy} at the target is not the topic that was copied to`);
    this.fenced = await rebased.takeOver(this.place, this.call);
    const copyEpoch = found.partitions[partition]?.leaderEpoch ?? -1;
    return { type: 'fenced', ...this.fenced, copyEpoch };
  }

  private async load(): Promise<RebasedInput> {
    const { questions, source, target, rebased } = this.context;
    const { copy, copyId, partition } = this.place;
    const facts = await rebased.factsOf(this.place);
    if (facts?.isSealed || facts?.promotedAt) return { type: 'halt', reason: `${copy} is promoted: nothing is copied` };
    await checkOrigin(source, this.place, this.call);
    const log = { client: target, topic: copy, topicId: copyId, partition, call: this.call };
    const [range, tail, stored] = await Promise.all([
      questions.source.range(this.place, 'the origin'),
      copyTail(log, this.fenced),
      rebased.runs.load({ copyId, partition }),
    ]);
    const { start: sourceStart, end: sourceEnd } = range;
    return { type: 'loaded', ...stored, skipped: stored.skipped ?? null, ...tail, sourceStart, sourceEnd };
  }

  private async prove(epoch: number): Promise<RebasedInput> {
    return { type: 'proved', ...(await this.context.questions.source.epochEnd(this.place, epoch)) };
  }

  /** Of bytes that are no record batches nobody knows what they hold. */
  private take(slice: FetchedSlice): void {
    const { nextOffset, sizeInBytes, logStartOffset: sourceStart, highWatermark: sourceEnd } = slice;
    let input: RebasedInput;
    try {
      const batches = sourceBatches(slice, this.context.limits);
      input = { type: 'fetched', batches, nextOffset, sizeInBytes, sourceStart, sourceEnd };
    } catch (error) {
      input = { type: 'halt', reason: `the origin's records cannot be read: ${(error as Error).message}` };
    }
    this.feed(input);
  }

  /** What is on its way stays where it lies, even if the machine has forgotten it meanwhile. */
  private async write(effect: ProduceEffect): Promise<void> {
    const { memory } = this.context.io;
    const { bytes } = effect.batch;
    memory.hold(bytes);
    const answer = await this.producer.produce(effect);
    memory.release(bytes);
    this.feed(answer);
  }

  private async save(effect: SaveEffect): Promise<void> {
    this.feed(await this.producer.save(effect));
  }

  private async deleteRecords(offset: number): Promise<void> {
    const { copy, partition } = this.place;
    await this.producer.deleteRecords({ topic: copy, partition, offset }, this.call);
  }

  private async recordGap({ lost, policy }: EffectOf<'recordGap'>): Promise<void> {
    this.feed(await recordGap(this.context, this.place, lost, policy));
  }

  private retryLater({ failures, isSlow }: EffectOf<'retryLater'>): void {
    const { io, limits } = this.context;
    this.retryIn(retryDelayMs(io.random, limits, failures, isSlow));
  }

  private retryIn(delayMs: number): void {
    this.timer?.cancel();
    this.timer = this.context.io.timers.after(delayMs, () => this.feed({ type: 'retry' }));
  }

  private hold(bytes: number): void {
    const { budget } = this.context;
    if (bytes > this.heldBytes) budget.add(bytes - this.heldBytes);
    else if (bytes < this.heldBytes) budget.remove(this.heldBytes - bytes);
    this.heldBytes = bytes;
  }

  private get call() {
    return { timeoutMs: this.context.limits.requestTimeoutMs, signal: this.stopping.signal };
  }
}
