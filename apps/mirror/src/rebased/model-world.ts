/**
 * A world around re-based tasks, for tests: an origin with control batches, aborted data and compaction, tasks that
 * crash and linger, connections that break with requests and answers on them. Driven by one seed. Invariant: requests
 * of one connection arrive in order, those of a broken one may arrive late or never.
 */
import { DEFAULT_LIMITS } from '../limits.ts';
import type { ModelKafka } from './model-kafka.ts';
import type { BatchMemory } from './planned-batch.ts';
import type { RebasedEffect, RebasedInput, SourceBatch } from './rebased-messages.ts';
import { RebasedTask } from './rebased-task.ts';

type Request = Extract<RebasedEffect, { id: number }>;
type Random = () => number;

const LIMITS = {
  ...DEFAULT_LIMITS,
  batchesInFlight: 8,
  changesPerSave: 3,
  partitionInFlightBytes: 1_000,
  mergeInFlight: 3,
  mergeMaxBytes: 450,
};
const NO_BYTES = Buffer.alloc(0);

/** Merges as many as the bound allows, without a look at their records. */
export const MODEL_MEMORY: BatchMemory = {
  hold: () => undefined,
  release: () => undefined,
  merge(batches, maxBytes) {
    let [count, size] = [0, 0];
    for (; count < batches.length && size + batches[count]!.sizeInBytes <= maxBytes; count++)
      size += batches[count]!.sizeInBytes;
    return count < 2 ? undefined : { bytes: Buffer.alloc(size), count };
  },
};

export function randomOf(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Batches of an origin, its epochs ascending. */
export function someOrigin(random: Random, batches: number): SourceBatch[] {
  let [offset, epoch] = [Math.floor(random() * 5), 0];
  return Array.from({ length: batches }, () => {
    if (random() < 0.05) epoch++;
    if (random() < 0.1) offset += 1 + Math.floor(random() * 3);
    const length = 1 + Math.floor(random() * 6);
    const kind = random() < 0.15 ? 'control' : random() < 0.1 ? 'aborted' : 'data';
    const isCompacted = random() < 0.15;
    const kept = Array.from({ length }, (_, at) => offset + at).filter(() => !isCompacted || random() < 0.6);
    const segments: { originStart: number; count: number }[] = [];
    for (const each of kept) {
      const last = segments.at(-1);
      if (last !== undefined && last.originStart + last.count === each) last.count++;
      else segments.push({ originStart: each, count: 1 });
    }
    const baseOffset = offset;
    offset += length;
    return {
      ...{ kind, epoch, baseOffset, nextOffset: offset, segments, sizeInBytes: 100 },
      ...{ timestampMs: 1, bytes: NO_BYTES, mergesAs: kind === 'data' && kept.length === length ? 'none' : null },
    };
  });
}

/** One task and its shell: what it has asked for, what it is going to hear. */
export class Actor {
  readonly task: RebasedTask;
  fetchOffset = -1;
  private readonly target: ModelKafka;
  private readonly origin: readonly SourceBatch[];
  private isPaused = false;
  private connection: Request[] = [];
  private broken: Request[] = [];
  private errands: (() => void)[] = [];

  constructor(target: ModelKafka, origin: readonly SourceBatch[]) {
    this.target = target;
    this.origin = origin;
    this.task = new RebasedTask(LIMITS, MODEL_MEMORY, this.sourceStart);
    this.feed({ type: 'start' });
  }

  get sourceEnd(): number {
    return this.origin.at(-1)?.nextOffset ?? 0;
  }

  get sourceStart(): number {
    return this.origin[0]?.baseOffset ?? 0;
  }

  feed(input: RebasedInput): void {
    for (const effect of this.task.step(input, 0)) this.perform(effect);
  }

  /** One thing happens; `faults` is how likely it goes wrong. */
  turn(random: Random, faults: number): void {
    const choice = random();
    if (choice < 0.3) this.errands.shift()?.();
    else if (choice < 0.6) this.fetchSome(random);
    else this.deliver(random, faults);
    if (this.broken.length > 0 && random() < 0.3) this.target.serve(this.broken.shift()!);
  }

  private deliver(random: Random, faults: number): void {
    if (random() < faults) return this.breakConnection(random);
    const request = this.connection.shift();
    if (request === undefined) return;
    const answer = this.target.serve(request);
    if (random() < faults) {
      this.connection.unshift(request); // it has arrived, its answer is lost
      return this.breakConnection(random);
    }
    this.feed(answer);
    if (random() < faults) this.feed(answer);
  }

  private breakConnection(random: Random): void {
    const requests = this.connection;
    this.connection = [];
    this.broken = random() < 0.5 ? [...this.broken, ...requests] : this.broken;
    for (const { id } of requests) this.feed({ type: 'refused', id, kind: 'unanswered', reason: 'no answer' });
  }

  private fetchSome(random: Random): void {
    if (this.fetchOffset < 0 || this.isPaused) return;
    const left = this.origin.filter((batch) => batch.nextOffset > this.fetchOffset);
    const batches = left.slice(0, 1 + Math.floor(random() * 4));
    if (batches.length === 0) return;
    this.fetchOffset = batches.at(-1)!.nextOffset;
    const { sourceStart, sourceEnd } = this;
    this.feed({ type: 'fetched', batches, nextOffset: this.fetchOffset, sourceStart, sourceEnd, sizeInBytes: 100 });
  }

  private perform(effect: RebasedEffect): void {
    if (effect.type === 'fetch') [this.fetchOffset, this.isPaused] = [effect.offset, false];
    else if (effect.type === 'pause') this.isPaused = true;
    else if (effect.type === 'resume') this.isPaused = false;
    else if (effect.type === 'stopFetching') this.fetchOffset = -1;
    else if (effect.type === 'save' || effect.type === 'produce') this.connection.push(effect);
    else if (effect.type === 'retryLater' || effect.type === 'restTakenOver')
      this.errands.push(() => this.feed({ type: 'retry' }));
    else if (effect.type === 'fence') this.fence();
    else if (effect.type === 'load') this.errands.push(() => this.load());
    else if (effect.type === 'prove') this.errands.push(() => this.prove(effect.epoch));
  }

  /** Three steps on the wire, between any two of which others act. */
  private fence(): void {
    let epoch = -1;
    const marked = (isMarked: boolean) => {
      if (!isMarked) this.feed({ type: 'superseded', reason: 'PRODUCER_FENCED' });
    };
    this.errands.push(
      () => void (epoch = this.target.bump()),
      () => marked(this.target.mark('table', epoch)),
      () => {
        const isMarked = this.target.mark('data', epoch);
        marked(isMarked);
        if (isMarked) this.feed(this.target.fenced(epoch));
      },
    );
  }

  private load(): void {
    const { sourceStart, sourceEnd } = this;
    this.feed({ type: 'loaded', ...this.target.find(), sourceStart, sourceEnd });
  }

  private prove(epoch: number): void {
    const endOffset = this.origin.findLast((batch) => batch.epoch <= epoch)?.nextOffset ?? 0;
    this.feed({ type: 'proved', epoch, endOffset });
  }
}
