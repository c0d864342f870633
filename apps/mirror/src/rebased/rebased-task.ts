/**
 * The machine of one partition that is mirrored into an Apache Kafka cluster, where offsets cannot be chosen: what the
 * shell reports goes in, what it shall do comes out.
 *
 *   phase       input                       → phase       effects
 *   (any)       start, retry                → fencing     fence (settling: → mirroring, send again)
 *   fencing     fenced                      → loading     load
 *   loading     loaded, with data           → proving     prove
 *   loading     loaded, without             → mirroring   fetch
 *   loading     loaded, not explainable     → halted      stopFetching
 *   proving     proved, it is our log       → mirroring   fetch
 *   mirroring   fetched                     → mirroring   save (a new run), produce (what is written ahead)
 *   mirroring   saved, produced             → mirroring   produce, resume
 *   mirroring   produced, elsewhere         → halted      stopFetching: somebody else writes there
 *   mirroring   refused, unanswered         → settling    pause; retryLater after the last answer in flight
 *   mirroring   refused, sequence, first    → restarting  retryLater: fence anew, recover from the log
 *   (any)       superseded                  → superseded  stopFetching, until `start`
 *   (any)       lost range, divergence      → halted      stopFetching
 *
 * Invariant: a record lands only where a durable run says so, or extends one.
 */
import { RunTable } from '@meridian/coordinates';
import { Outbox } from './outbox.ts';
import { behind, divergenceOf, lossOf } from './place.ts';
import {
  DEFAULT_REBASED_LIMITS,
  type RebasedEffect,
  type RebasedInput,
  type RebasedLimits,
  type RebasedPhase,
  type SourceBatch,
} from './rebased-messages.ts';
import { recoverRuns } from './recover.ts';

type InputOf<T extends RebasedInput['type']> = Extract<RebasedInput, { type: T }>;

export class RebasedTask {
  phase: RebasedPhase = 'idle';
  /** Why it is halted, or what is being retried. */
  reason: string | null = null;
  /** Planned runs included: what is answered to readers ends at `position`. */
  table = new RunTable();
  /** Below it every committed record is in the copy and acknowledged; −1: not known yet. */
  position = -1;
  sourceEnd = -1;
  lastHeardMs = 0;
  private readonly limits: RebasedLimits;
  private outbox: Outbox | undefined;
  private producer = { producerId: -1, producerEpoch: -1 };
  private leaderEpoch = -1;
  private isPaused = false;
  private failures = 0;
  private lastId = 0;

  constructor(limits: RebasedLimits = DEFAULT_REBASED_LIMITS) {
    this.limits = limits;
  }

  step(input: RebasedInput, nowMs: number): RebasedEffect[] {
    if (this.phase === 'halted' && input.type !== 'start') return [];
    if (this.phase === 'superseded' && input.type !== 'start' && input.type !== 'halt') return [];
    switch (input.type) {
      case 'start':
        return this.fence();
      case 'retry':
        return this.onRetry();
      case 'fenced':
        return this.onFenced(input);
      case 'loaded':
        return this.phase === 'loading' ? this.onLoaded(input, nowMs) : [];
      case 'proved':
        return this.phase === 'proving' ? this.onProved(input) : [];
      case 'failed':
        return this.isAsking ? this.restart(input.reason) : [];
      case 'superseded':
        return this.stop('superseded', input.reason);
      case 'leaderEpoch':
        return this.onLeaderEpoch(input.epoch);
      case 'fetched':
        return this.takesBatches ? this.onFetched(input, nowMs) : [];
      case 'originStarts':
        return this.phase === 'mirroring' ? this.onOriginStarts(input.offset) : [];
      case 'fetchFailed':
        return this.takesBatches ? this.onFetchFailed(input) : [];
      case 'saved':
        return this.outbox?.saved(input.id) ? this.goOn() : [];
      case 'produced':
        return this.onProduced(input);
      case 'refused':
        return this.onRefused(input);
      case 'halt':
        return this.stop('halted', input.reason);
    }
  }

  private get isAsking(): boolean {
    return this.phase === 'fencing' || this.phase === 'loading' || this.phase === 'proving';
  }

  private get takesBatches(): boolean {
    return this.phase === 'mirroring' || this.phase === 'settling';
  }

  /** Nothing of a predecessor, or of ourselves before, can land behind it; so what was planned is forgotten. */
  private fence(): RebasedEffect[] {
    this.phase = 'fencing';
    this.outbox = undefined;
    return [{ type: 'fence' }];
  }

  private onFenced({ producerId, producerEpoch }: InputOf<'fenced'>): RebasedEffect[] {
    if (this.phase !== 'fencing') return [];
    this.producer = { producerId, producerEpoch };
    this.phase = 'loading';
    return [{ type: 'load' }];
  }

  private onLoaded(input: InputOf<'loaded'>, nowMs: number): RebasedEffect[] {
    this.hear(input.sourceEnd, nowMs);
    const recovery = recoverRuns(input);
    if (!recovery.isExact) return this.stop('halted', recovery.reason);
    this.table = new RunTable();
    for (const run of recovery.runs) this.table.append(run);
    const gone = this.table.trim(input.logStart);
    this.table.skip(0, input.logEnd);
    this.table.seal();
    this.outbox = new Outbox({ ...this.producer, localStart: input.logEnd }, this.limits, () => ++this.lastId);
    for (const localStart of gone) this.outbox.change({ type: 'drop', localStart });
    for (const change of recovery.changes) this.outbox.change(change);
    const loss = this.table.last === undefined ? null : lossOf(this.table.originEnd, input.sourceStart);
    if (loss !== null) return this.stop('halted', loss);
    if (this.table.last === undefined) this.table.skip(input.sourceStart, input.logEnd);
    this.position = this.table.originEnd;
    return this.prove();
  }

  private prove(): RebasedEffect[] {
    const last = this.table.last;
    if (last === undefined) return this.fetch();
    this.phase = 'proving';
    return [{ type: 'prove', epoch: last.originEpoch }];
  }

  private onProved({ epoch, endOffset }: InputOf<'proved'>): RebasedEffect[] {
    const divergence = divergenceOf(this.table.last!, epoch, endOffset);
    return divergence === null ? this.fetch() : this.stop('halted', divergence);
  }

  private fetch(): RebasedEffect[] {
    this.phase = 'mirroring';
    const lastEpoch = this.table.last?.originEpoch ?? -1;
    this.isPaused = this.isFull;
    const effects: RebasedEffect[] = [{ type: 'fetch', offset: this.table.originEnd, lastEpoch }];
    if (this.isPaused) effects.push({ type: 'pause' });
    return [...effects, ...this.outbox!.send()];
  }

  private onLeaderEpoch(epoch: number): RebasedEffect[] {
    const isFirst = this.leaderEpoch < 0;
    this.leaderEpoch = epoch;
    if (isFirst || this.phase !== 'mirroring' || this.table.last === undefined) return [];
    return [{ type: 'pause' }, ...this.prove()];
  }

  private onFetched(input: InputOf<'fetched'>, nowMs: number): RebasedEffect[] {
    this.hear(input.sourceEnd, nowMs);
    for (const batch of input.batches) if (batch.kind === 'data') this.plan(batch);
    this.table.skip(input.nextOffset, 0);
    this.advance();
    const effects = this.phase === 'mirroring' ? this.outbox!.send() : [];
    if (this.isPaused || !this.isFull) return effects;
    this.isPaused = true;
    return [...effects, { type: 'pause' }];
  }

  /** Decides where the records of a batch are going to lie; below what is known they are here already. */
  private plan(batch: SourceBatch): void {
    const segments = batch.segments.flatMap((segment) => behind(segment, this.table.originEnd));
    if (segments.length === 0) return;
    const localStart = this.table.localEnd;
    for (const { originStart, count } of segments) {
      const run = { originEpoch: batch.epoch, originStart, localStart: this.table.localEnd, count };
      if (this.table.append(run) === undefined) continue;
      this.outbox!.change({ type: 'put', run: { ...run, count: 0, tenure: this.outbox!.tenure } });
    }
    const first = segments[0]!;
    const isWhole = first.originStart === batch.baseOffset && first.originStart + first.count === batch.nextOffset;
    this.outbox!.plan(batch, segments, isWhole, localStart);
  }

  /** What the origin has deleted goes here too, but for the last batch: it tells a successor where the data ends. */
  private onOriginStarts(offset: number): RebasedEffect[] {
    const lastLanded = this.outbox!.lastLanded;
    if (lastLanded < 0) return [];
    const start = this.table.toLocal(offset);
    const localStart = Math.min(start.status === 'exact' ? start.offset : 0, lastLanded);
    if (localStart <= this.table.localStart) return [];
    for (const run of this.table.trim(localStart)) this.outbox!.change({ type: 'drop', localStart: run });
    return [{ type: 'deleteRecords', localStart }];
  }

  private onProduced({ id, baseOffset }: InputOf<'produced'>): RebasedEffect[] {
    const acknowledged = this.outbox?.produced(id);
    if (acknowledged === undefined) return [];
    const { localStart, originEnd } = acknowledged;
    if (baseOffset !== localStart) {
      const reason = `somebody else writes to the copy: a batch for ${localStart} has landed at ${baseOffset}`;
      return this.stop('halted', reason);
    }
    this.position = Math.max(this.position, originEnd);
    this.advance();
    return this.goOn();
  }

  private onRefused({ id, kind, reason }: InputOf<'refused'>): RebasedEffect[] {
    const isFirst = this.outbox?.isFirst(id);
    if (!this.outbox?.unanswered(id)) return [];
    if (kind === 'superseded') return this.stop('superseded', reason);
    if (kind === 'refused') return this.stop('halted', reason);
    if (kind === 'sequence' && isFirst) return this.restart(reason);
    if (this.phase !== 'mirroring') return this.goOn();
    this.phase = 'settling';
    this.reason = reason;
    this.failures++;
    this.isPaused = true;
    return [{ type: 'pause' }, ...this.goOn()];
  }

  /** After an answer: more may go out; or, once everything in flight is answered, what failed goes out again. */
  private goOn(): RebasedEffect[] {
    if (this.phase === 'settling') {
      return this.outbox!.isQuiet ? [{ type: 'retryLater', failures: this.failures }] : [];
    }
    if (this.phase !== 'mirroring') return [];
    this.failures = 0;
    this.reason = null;
    return [...this.outbox!.send(), ...this.resume()];
  }

  private resume(): RebasedEffect[] {
    if (!this.isPaused || this.outbox!.sizeInBytes * 2 > this.limits.partitionInFlightBytes) return [];
    this.isPaused = false;
    return [{ type: 'resume' }];
  }

  private onRetry(): RebasedEffect[] {
    if (this.phase === 'restarting') return this.fence();
    if (this.phase !== 'settling') return [];
    this.phase = 'mirroring';
    return [...this.outbox!.send(), ...this.resume()];
  }

  private onFetchFailed({ kind, detail }: InputOf<'fetchFailed'>): RebasedEffect[] {
    if (kind === 'diverged') return this.stop('halted', `diverged: ${detail}`);
    if (kind === 'recreated') {
      return this.stop('halted', `the topic was deleted and created anew at the origin: ${detail}`);
    }
    return this.restart(detail);
  }

  private restart(reason: string): RebasedEffect[] {
    this.phase = 'restarting';
    this.outbox = undefined;
    this.reason = reason;
    this.failures++;
    return [{ type: 'pause' }, { type: 'retryLater', failures: this.failures }];
  }

  private stop(phase: 'halted' | 'superseded', reason: string): RebasedEffect[] {
    this.phase = phase;
    this.reason = reason;
    this.outbox = undefined;
    return [{ type: 'stopFetching' }];
  }

  /** With nothing on its way, what was skipped is behind us as well. */
  private advance(): void {
    if (!this.outbox!.isEmpty) return;
    this.position = Math.max(this.position, this.table.originEnd);
    this.failures = 0;
    this.reason = null;
  }

  private get isFull(): boolean {
    return this.outbox!.sizeInBytes >= this.limits.partitionInFlightBytes;
  }

  private hear(sourceEnd: number, nowMs: number): void {
    this.sourceEnd = sourceEnd;
    this.lastHeardMs = nowMs;
  }
}
