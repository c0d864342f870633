/**
 * The machine of one partition that is mirrored into an Apache Kafka cluster, where offsets cannot be chosen: what the
 * shell reports goes in, what it shall do comes out.
 *
 *   phase       input                       → phase       effects
 *   (any)       start, retry                → fencing     fence (settling: → mirroring, send again)
 *   fencing     fenced                      → loading     load (fence once more near the end of the epochs)
 *   loading     loaded, with data           → proving     prove
 *   loading     loaded, without             → mirroring   fetch
 *   loading     loaded, not explainable     → halted      stopFetching
 *   proving     proved, it is our log       → mirroring   fetch
 *   mirroring   fetched                     → mirroring   save (a new run), produce (what is written ahead)
 *   mirroring   fetched, after long silence → fencing     fence: the broker may have forgotten us
 *   mirroring   copyLed by another          → fencing     fence: what was acknowledged may be lost
 *   mirroring   saved, produced             → mirroring   produce, resume
 *   mirroring   produced, elsewhere         → halted      stopFetching: somebody else writes there
 *   mirroring   refused, unanswered         → settling    pause; retryLater after the last answer in flight
 *   mirroring   refused, too large          → settling    the same, in two halves; one record: as refused for good
 *   mirroring   refused, sequence, first    → restarting  retryLater: fence anew, recover from the log
 *   proving     it is not our log, yet      → proving     pause, retryLater: for `doubtMs`
 *   (any)       superseded                  → superseded  stopFetching, restTakenOver
 *   (any)       lost range                  → recording   stopFetching, recordGap
 *   recording   recorded: mark-gap          → mirroring   save, fetch behind the gap
 *   recording   recorded: other             → halted
 *   (any)       pause, halt                 → paused, halted
 *
 * Invariant: a record lands only where a durable run says so, or extends one.
 */
import { isEpochNearItsEnd } from '@meridian/coordinates';
import type { GapPolicy, LostRange } from '../gaps/gap-record.ts';
import type { MirrorLimits } from '../limits.ts';
import { divergence, overrun, recreated } from '../task/loss.ts';
import type { TaskCondition, TaskView } from '../task/mirror-task.ts';
import { OpenLoss } from '../task/open-loss.ts';
import { Progress } from '../task/progress.ts';
import { Ledger } from './ledger.ts';
import type { BatchMemory } from './planned-batch.ts';
import type { InputOf, RebasedEffect, RebasedInput, RebasedPhase } from './rebased-messages.ts';

const CONDITIONS: Record<RebasedPhase, TaskCondition> = {
  idle: 'starting',
  fencing: 'starting',
  loading: 'starting',
  proving: 'starting',
  mirroring: 'mirroring',
  settling: 'mirroring',
  restarting: 'starting',
  recording: 'halted',
  superseded: 'starting',
  paused: 'paused',
  halted: 'halted',
};

export class RebasedTask implements TaskView {
  phase: RebasedPhase = 'idle';
  /** Why it is halted or paused, or what is being retried. */
  reason: string | null = null;
  verifiedOffset = -1;
  readonly ledger: Ledger;
  readonly progress: Progress;
  private readonly loss = new OpenLoss();
  private readonly limits: MirrorLimits;
  private readonly startOffset: number;
  private producer = { producerId: -1, producerEpoch: -1 };
  private leaderEpoch = -1;
  private copyEpoch = -1;
  private isHeldBack = false;
  private isPaused = false;
  private isRefused = false;
  private failures = 0;
  /** When the end was put on record last. */
  private toldMs = Number.NEGATIVE_INFINITY;
  /** When the broker has heard of our producer last. */
  private provenMs = 0;
  /** Since when the origin has been saying that its log is another one. */
  private doubtedSinceMs: number | undefined;

  /** `startOffset`: where a copy without records begins. */
  constructor(limits: MirrorLimits, memory: BatchMemory, startOffset = 0) {
    this.limits = limits;
    this.startOffset = startOffset;
    this.ledger = new Ledger(limits, memory);
    this.progress = new Progress(limits, this.ledger);
  }

  /** The origin goes on, but hands out nothing that is committed. */
  get waitsFor(): string | null {
    if (!this.isHeldBack || this.progress.sourceEnd <= this.ledger.sentEnd) return null;
    return `a transaction that is open at the origin holds back what lies behind ${this.ledger.sentEnd}`;
  }

  get condition(): TaskCondition {
    return CONDITIONS[this.phase];
  }

  get lost(): LostRange | null {
    return this.loss.lost;
  }

  get position(): number {
    return this.ledger.position;
  }

  step(input: RebasedInput, nowMs: number): RebasedEffect[] {
    switch (input.type) {
      case 'start':
        return this.begin();
      case 'retry':
        return this.onRetry();
      case 'fenced':
        return this.phase === 'fencing' ? this.onFenced(input, nowMs) : [];
      case 'loaded':
        return this.phase === 'loading' ? this.onLoaded(input, nowMs) : [];
      case 'proved':
        return this.phase === 'proving' ? this.onProved(input, nowMs) : [];
      case 'failed':
        return this.isAsking ? this.restart(input.reason) : [];
      case 'superseded':
        return this.isAtRest ? [] : this.onSuperseded(input.reason);
      case 'leaderEpoch':
        return this.onLeaderEpoch(input.epoch);
      case 'fetched':
        return this.condition === 'mirroring' ? this.onFetched(input, nowMs) : [];
      case 'fetchFailed':
        return this.condition === 'mirroring' ? this.onFetchFailed(input) : [];
      case 'saved':
        return this.ledger.saved(input.id) ? this.goOn() : [];
      case 'produced':
        return this.onProduced(input, nowMs);
      case 'refused':
        return this.onRefused(input);
      default:
        return this.stepAside(input, nowMs);
    }
  }

  /** What is not on the way from the origin to the copy. */
  private stepAside(input: RebasedInput, nowMs: number): RebasedEffect[] {
    switch (input.type) {
      case 'trouble':
        if (this.phase === 'mirroring') this.reason = input.reason;
        return [];
      case 'observed':
        return this.onObserved(input.sourceEnd, nowMs);
      case 'unobserved':
        if (this.condition === 'starting') this.reason ??= input.reason;
        return [];
      case 'copyLed':
        return this.onCopyLed(input.leaderEpoch);
      case 'recreated':
        return this.onRecreated(input.reason);
      case 'recorded':
        return this.phase === 'recording' ? this.onRecorded(input.policy) : [];
      case 'unrecorded':
        if (this.phase !== 'recording') return [];
        this.failures++;
        this.reason = `${this.loss.reason}; it cannot be put on record: ${input.reason}`;
        return [this.retryLater()];
      case 'decide':
        if (this.lost === null) return [];
        this.loss.decide(input.policy);
        return this.phase === 'halted' ? this.record() : []; // else it is heard when what is being written is on record
      case 'pause':
        return this.rest('paused', input.reason);
      case 'halt':
        return this.rest('halted', input.reason);
    }
    return [];
  }

  private get isAsking(): boolean {
    return this.phase === 'fencing' || this.phase === 'loading' || this.phase === 'proving';
  }

  private get isAtRest(): boolean {
    return this.phase === 'halted' || this.phase === 'paused' || this.phase === 'recording';
  }

  private begin(): RebasedEffect[] {
    this.loss.close();
    this.reason = null;
    this.failures = 0;
    return this.fence();
  }

  /** Nothing of a predecessor, or of ourselves before, can land behind it; so what was planned is forgotten. */
  private fence(): RebasedEffect[] {
    this.phase = 'fencing';
    this.ledger.close();
    return [{ type: 'stopFetching' }, { type: 'fence' }];
  }

  /** The id that follows the last epoch fences nobody: whoever bears that one hands it back before writing under it. */
  private onFenced({ producerId, producerEpoch, copyEpoch }: InputOf<'fenced'>, nowMs: number): RebasedEffect[] {
    this.copyEpoch = copyEpoch;
    if (isEpochNearItsEnd(producerEpoch)) return [{ type: 'fence' }];
    this.producer = { producerId, producerEpoch };
    this.provenMs = nowMs;
    this.phase = 'loading';
    return [{ type: 'load' }];
  }

  private onLoaded(input: InputOf<'loaded'>, nowMs: number): RebasedEffect[] {
    const { ledger } = this;
    const doubt = ledger.open(input, this.producer);
    if (doubt !== null) return this.rest('halted', doubt);
    if (ledger.isFresh) ledger.beginAt(Math.min(this.startOffset, input.sourceEnd));
    this.progress.hear(input.sourceEnd, nowMs);
    const lost = overrun(ledger.sentEnd, input.sourceStart, ledger.lastEpoch);
    return lost === undefined ? this.prove() : this.lose(lost);
  }

  private prove(): RebasedEffect[] {
    const { lastEpoch } = this.ledger;
    if (lastEpoch < 0) return this.fetch();
    this.phase = 'proving';
    return [{ type: 'prove', epoch: lastEpoch }];
  }

  /** A leader that does not know yet that it was deposed says the same as one that has lost records: for a while. */
  private onProved(proof: InputOf<'proved'>, nowMs: number): RebasedEffect[] {
    const lost = divergence(this.ledger.dataEnd, this.ledger.lastEpoch, proof);
    if (lost !== undefined) {
      this.doubtedSinceMs ??= nowMs;
      if (nowMs - this.doubtedSinceMs >= this.limits.doubtMs) return this.lose(lost);
      return this.proveLater(lost.reason);
    }
    this.doubtedSinceMs = undefined;
    this.verifiedOffset = this.ledger.sentEnd;
    return this.fetch();
  }

  private fetch(): RebasedEffect[] {
    this.phase = 'mirroring';
    this.progress.fetchOffset = this.ledger.sentEnd;
    if (this.failures === 0) this.reason = null;
    this.isPaused = this.ledger.isFull;
    const effects: RebasedEffect[] = [
      { type: 'fetch', offset: this.ledger.sentEnd, lastEpoch: this.ledger.epochAtEnd },
    ];
    if (this.isPaused) effects.push({ type: 'pause' });
    return [...effects, ...this.ledger.send()];
  }

  private onLeaderEpoch(epoch: number): RebasedEffect[] {
    const isFirst = this.leaderEpoch < 0;
    this.leaderEpoch = epoch;
    if (isFirst || this.phase !== 'mirroring' || this.ledger.lastEpoch < 0) return [];
    return [{ type: 'pause' }, ...this.prove()];
  }

  /** Another leader may have less than was acknowledged: an idle partition would find out with its next record only. */
  private onCopyLed(leaderEpoch: number): RebasedEffect[] {
    const isOther = this.copyEpoch >= 0 && leaderEpoch > this.copyEpoch;
    this.copyEpoch = Math.max(this.copyEpoch, leaderEpoch);
    return isOther && this.phase === 'mirroring' ? this.fence() : [];
  }

  private onFetched(input: InputOf<'fetched'>, nowMs: number): RebasedEffect[] {
    const { ledger, progress } = this;
    const { batches, nextOffset, sourceStart, sourceEnd, sizeInBytes } = input;
    const isForgotten = nowMs - this.provenMs > this.limits.fenceLastsMs;
    if (isForgotten && ledger.isEmpty && batches.length > 0) return this.fence();
    if (ledger.epochAtEnd >= 0) this.verifiedOffset = ledger.sentEnd;
    if (batches.length > 0) progress.fetched(sizeInBytes, ledger.sentEnd, nextOffset, batches[0]!.timestampMs);
    else progress.fetchOffset = Math.max(progress.fetchOffset, nextOffset);
    ledger.plan(batches, nextOffset);
    this.isHeldBack = batches.length === 0 && sourceEnd > ledger.sentEnd;
    if (this.phase === 'mirroring' && ledger.isEmpty) this.recover();
    progress.hear(sourceEnd, nowMs);
    if (this.phase !== 'mirroring') return [];
    if (batches.length === 0 && nowMs - this.toldMs >= this.limits.endToldMs && ledger.tellEnd()) this.toldMs = nowMs;
    const effects = [...ledger.follow(sourceStart), ...ledger.send()];
    if (this.isPaused || !ledger.isFull) return effects;
    this.isPaused = true;
    return [...effects, { type: 'pause' }];
  }

  private onProduced({ id, baseOffset }: InputOf<'produced'>, nowMs: number): RebasedEffect[] {
    const problem = this.ledger.produced(id, baseOffset);
    if (problem === 'unknown') return [];
    if (problem !== null) return this.isAtRest ? [] : this.rest('halted', problem);
    this.provenMs = nowMs;
    this.progress.lag.arrive(this.position);
    return this.goOn();
  }

  private onRefused({ id, kind, reason }: InputOf<'refused'>): RebasedEffect[] {
    const isFirst = this.ledger.isFirst(id);
    const isSplit = kind === 'too-large' && this.ledger.split(id);
    if ((!isSplit && !this.ledger.unanswered(id)) || this.isAtRest) return [];
    if (kind === 'superseded') return this.onSuperseded(reason);
    this.isRefused = kind === 'refused' || (kind === 'too-large' && !isSplit);
    if (this.isRefused || (kind === 'sequence' && isFirst)) return this.restart(reason);
    if (this.phase !== 'mirroring') return this.goOn();
    this.phase = 'settling';
    this.reason = reason;
    this.failures++;
    this.isPaused = true;
    return [{ type: 'pause' }, ...this.goOn()];
  }

  /** After an answer: more may go out; or, once everything in flight is answered, what failed goes out again. */
  private goOn(): RebasedEffect[] {
    if (this.phase === 'settling') return this.ledger.isQuiet ? [this.retryLater()] : [];
    if (this.phase !== 'mirroring') return [];
    this.recover();
    return [...this.ledger.send(), ...this.resume()];
  }

  private resume(): RebasedEffect[] {
    if (!this.isPaused || !this.ledger.hasRoom) return [];
    this.isPaused = false;
    return [{ type: 'resume' }];
  }

  private onRetry(): RebasedEffect[] {
    if (this.phase === 'restarting' || this.phase === 'superseded') return this.fence();
    if (this.phase === 'recording') return this.record();
    if (this.phase === 'proving') return this.prove();
    if (this.phase !== 'settling') return [];
    this.phase = 'mirroring';
    return [...this.ledger.send(), ...this.resume()];
  }

  private onFetchFailed({ kind, detail }: InputOf<'fetchFailed'>): RebasedEffect[] {
    if (kind === 'diverged' && this.ledger.lastEpoch >= 0) return this.proveLater(`diverged: ${detail}`);
    return this.restart(detail);
  }

  private proveLater(reason: string): RebasedEffect[] {
    this.phase = 'proving';
    this.reason = reason;
    this.failures++;
    return [{ type: 'pause' }, this.retryLater()];
  }

  private onRecreated(detail: string): RebasedEffect[] {
    return this.lose(recreated(this.position, this.progress.sourceEnd, this.ledger.lastEpoch, detail));
  }

  private lose(lost: LostRange): RebasedEffect[] {
    this.loss.found(lost);
    return [{ type: 'stopFetching' }, ...this.record()];
  }

  private record(): RebasedEffect[] {
    this.phase = 'recording';
    const order = this.loss.record();
    this.reason = this.loss.reason;
    return [order];
  }

  private onRecorded(policy: GapPolicy): RebasedEffect[] {
    const treatment = this.loss.recorded(policy);
    if (treatment === undefined) return this.record();
    this.phase = 'halted';
    this.reason = this.loss.reason;
    if (treatment !== 'mark-gap') return [];
    const lost = this.loss.lost!;
    this.loss.close();
    this.reason = null;
    this.failures = 0;
    // Only a gap that was found right after a fence is marked: what was planned before has landed or is found again.
    if (!this.ledger.isOpen || !this.ledger.isEmpty || lost.from !== this.ledger.sentEnd) return this.fence();
    this.ledger.lose(lost.to - 1);
    return this.fetch();
  }

  /** Another task has the partition. Should it be ours after all, we take it back. */
  private onSuperseded(reason: string): RebasedEffect[] {
    this.ledger.close();
    this.phase = 'superseded';
    this.reason = `another mirror has taken over: ${reason}`;
    return [{ type: 'stopFetching' }, { type: 'restTakenOver' }];
  }

  private restart(reason: string): RebasedEffect[] {
    this.phase = 'restarting';
    this.ledger.close();
    this.reason = reason;
    this.failures++;
    return [{ type: 'stopFetching' }, this.retryLater()];
  }

  private rest(phase: 'halted' | 'paused', reason: string): RebasedEffect[] {
    this.phase = phase;
    this.reason = reason;
    return [{ type: 'stopFetching' }];
  }

  private retryLater(): RebasedEffect {
    return { type: 'retryLater', failures: this.failures, isSlow: this.isRefused };
  }

  /** What failed has worked since. */
  private recover(): void {
    this.failures = 0;
    this.isRefused = false;
    this.reason = null;
  }

  /** The origin goes on without us: how far, is told all the same. */
  private onObserved(sourceEnd: number, nowMs: number): RebasedEffect[] {
    if (this.condition === 'mirroring') return [];
    this.progress.sourceEnd = sourceEnd;
    if (this.position >= 0) this.progress.lag.observe(sourceEnd, this.position, nowMs);
    return [];
  }
}
