/**
 * The machine of one mirrored partition: what the shell reports goes in, what it shall do comes out.
 *
 *   phase       input                      → phase       effects
 *   (any)       start, retry               → locating    locate
 *   locating    located, with data         → proving     prove
 *   locating    located, without           → mirroring   fetch
 *   locating    failed                     → settling    retryLater
 *   proving     proved, it is our log      → mirroring   fetch
 *   proving     proved, it is not          → halted      stopFetching
 *   mirroring   fetched                    → mirroring   append (pause if much is in flight)
 *   mirroring   end, with a hole           → mirroring   append without batches: the end advances
 *   mirroring   leaderEpoch                → proving     pause, prove
 *   mirroring   refused, failed, fetchFailed → settling  pause
 *   settling    last answer of an append   → locating    retryLater
 *   (any)       lost range, divergence,    → halted      stopFetching
 *               another topic, halt
 *
 * Invariant: an append expects the end that the one before it leaves, so what is sent is one gapless line; and
 * nothing is fetched from a leader epoch in which our last record has not been proved.
 */
import type { MirrorLimits } from '../limits.ts';
import { LagClock } from './lag-clock.ts';
import type { TaskEffect, TaskInput } from './messages.ts';

export type Phase = 'idle' | 'locating' | 'proving' | 'mirroring' | 'settling' | 'halted';

interface Append {
  readonly id: number;
  readonly end: number;
  readonly sizeInBytes: number;
}

type InputOf<T extends TaskInput['type']> = Extract<TaskInput, { type: T }>;

export class PartitionTask {
  phase: Phase = 'idle';
  /** Why it is halted, or what is being retried. */
  reason: string | null = null;
  /** The copy's acknowledged end (−1: not known yet), and its end once all that is in flight has arrived. */
  position = -1;
  sentEnd = 0;
  /** Origin epoch of the last record sent or found; −1: none. */
  lastEpoch = -1;
  verifiedOffset = -1;
  sourceEnd = -1;
  inFlightBytes = 0;
  lastHeardMs = 0;
  readonly lag: LagClock;
  private readonly limits: MirrorLimits;
  private inFlight: Append[] = [];
  /** Of the leader that told of the hole before `sentEnd`, or `lastEpoch` if a record is there. */
  private endEpoch = -1;
  /** The next offset to come from the origin; ahead of `sentEnd` where a fresh copy begins. */
  private fetchOffset = 0;
  private leaderEpoch = -1;
  private isPaused = false;
  private failures = 0;
  private nextId = 1;
  private sentBytes = 0;
  private sentOffsets = 0;

  constructor(limits: MirrorLimits) {
    this.limits = limits;
    this.lag = new LagClock(limits);
  }

  step(input: TaskInput, nowMs: number): TaskEffect[] {
    if (input.type === 'observed' || input.type === 'observedCopy') return this.onObserved(input, nowMs);
    if (this.phase === 'halted') return this.stepHalted(input);
    switch (input.type) {
      case 'start':
      case 'retry':
        return this.locate(nowMs);
      case 'located':
        return this.phase === 'locating' ? this.onLocated(input, nowMs) : [];
      case 'proved':
        return this.phase === 'proving' ? this.onProved(input) : [];
      case 'failed':
        return this.phase === 'locating' || this.phase === 'proving' ? this.settle(input.reason) : [];
      case 'leaderEpoch':
        return this.onLeaderEpoch(input.epoch);
      case 'fetched':
        return this.phase === 'mirroring' ? this.onFetched(input, nowMs) : [];
      case 'end':
        return this.phase === 'mirroring' ? this.onEnd(input, nowMs) : [];
      case 'fetchFailed':
        return this.phase === 'mirroring' ? this.onFetchFailed(input) : [];
      case 'unobserved':
        if (this.phase !== 'mirroring') this.reason ??= input.reason;
        return [];
      case 'trouble':
        if (this.phase === 'mirroring') this.reason = input.reason;
        return [];
      case 'appended':
        return this.onAppended(input.id);
      case 'refused':
        return this.onRefused(input);
      case 'halt':
        return this.halt(input.reason);
    }
  }

  /** The origin goes on without us: how far, is told all the same. A topic created anew may end before our copy. */
  private onObserved(input: InputOf<'observed' | 'observedCopy'>, nowMs: number): TaskEffect[] {
    if (this.phase === 'mirroring') return [];
    if (input.type === 'observed') this.sourceEnd = input.sourceEnd;
    else if (this.inFlight.length === 0) this.position = input.targetEnd;
    if (this.position >= 0) this.lag.observe(this.sourceEnd, this.position, nowMs);
    return [];
  }

  /** Nothing happens any more, but what was in flight is counted to its end, and a later reason is the truer one. */
  private stepHalted(input: TaskInput): TaskEffect[] {
    if (input.type === 'halt') this.reason = input.reason;
    if (input.type !== 'appended' && input.type !== 'refused') return [];
    const append = this.take(input.id);
    if (append !== undefined && input.type === 'appended') this.position = Math.max(this.position, append.end);
    return [];
  }

  /**
   * Bytes that are not here yet: exact for what is in flight, by the mean size per offset for what is not fetched;
   * undefined if nothing was fetched so far.
   */
  lagBytes(): number | undefined {
    const unfetched = Math.max(0, this.sourceEnd - Math.max(this.position, this.sentEnd, this.fetchOffset));
    if (unfetched === 0) return this.inFlightBytes;
    if (this.sentOffsets === 0) return undefined;
    return this.inFlightBytes + Math.round((unfetched * this.sentBytes) / this.sentOffsets);
  }

  private locate(nowMs: number): TaskEffect[] {
    this.phase = 'locating';
    this.lastHeardMs = nowMs;
    return [{ type: 'locate' }];
  }

  private onLocated(input: InputOf<'located'>, nowMs: number): TaskEffect[] {
    const { targetEnd, lastEpoch, sourceStart } = input;
    this.position = this.sentEnd = targetEnd;
    this.lastEpoch = this.endEpoch = lastEpoch;
    this.hear(input.sourceEnd, nowMs);
    if (targetEnd > 0 && sourceStart > targetEnd) {
      const lost = `${targetEnd.toLocaleString('en')}..${(sourceStart - 1).toLocaleString('en')} lost`;
      return this.halt(`source retention passed us, ${lost}`);
    }
    if (lastEpoch >= 0) return this.prove();
    if (targetEnd > input.sourceEnd)
      return this.halt(`the origin ends at ${input.sourceEnd}, our copy at ${targetEnd}`);
    return this.fetch(Math.max(sourceStart, targetEnd));
  }

  private prove(): TaskEffect[] {
    this.phase = 'proving';
    return [{ type: 'prove', epoch: this.endEpoch }];
  }

  /**
   * Ours is the origin's log if the epoch at our end is known there and goes at least as far. The leader of a hole may
   * have written nothing: then an older epoch goes as far, or the one of our last record has to answer.
   */
  private onProved({ epoch, endOffset }: InputOf<'proved'>): TaskEffect[] {
    if (epoch < this.lastEpoch) {
      if (this.endEpoch !== this.lastEpoch) {
        this.endEpoch = this.lastEpoch;
        return this.prove();
      }
      const known = epoch < 0 ? 'knows no such epoch' : `goes from epoch ${epoch} on at ${endOffset}`;
      return this.halt(`diverged: our copy has records of epoch ${this.lastEpoch}, the origin ${known}`);
    }
    if (endOffset < this.sentEnd) {
      return this.halt(
        `diverged: epoch ${epoch} ends at ${endOffset} at the origin, ${endOffset}..${this.sentEnd - 1} here differ`,
      );
    }
    this.verifiedOffset = this.sentEnd;
    return this.fetch(this.sentEnd);
  }

  private fetch(offset: number): TaskEffect[] {
    this.phase = 'mirroring';
    this.fetchOffset = offset;
    if (this.failures === 0) this.reason = null;
    this.isPaused = this.inFlightBytes >= this.limits.partitionInFlightBytes;
    const effects: TaskEffect[] = [{ type: 'fetch', offset, lastEpoch: this.hasEpochAtEnd ? this.lastEpoch : -1 }];
    if (this.isPaused) effects.push({ type: 'pause' });
    return effects;
  }

  /** The first epoch seen was proved before fetching began; a later one may be a leader that lost our records. */
  private onLeaderEpoch(epoch: number): TaskEffect[] {
    const isFirst = this.leaderEpoch < 0;
    this.leaderEpoch = epoch;
    if (isFirst || this.phase !== 'mirroring' || this.lastEpoch < 0) return [];
    return [{ type: 'pause' }, ...this.prove()];
  }

  private onFetched(input: InputOf<'fetched'>, nowMs: number): TaskEffect[] {
    const { buffers, sizeInBytes, baseOffset, nextOffset } = input;
    if (baseOffset < this.sentEnd) {
      return this.halt(`a batch of the origin begins at ${baseOffset}, our copy ends inside of it at ${this.sentEnd}`);
    }
    this.verify();
    this.hear(input.highWatermark, nowMs);
    this.lastEpoch = this.endEpoch = input.lastEpoch;
    this.fetchOffset = nextOffset;
    this.sentBytes += sizeInBytes;
    this.sentOffsets += nextOffset - baseOffset;
    return this.append(buffers, sizeInBytes, nextOffset, -1);
  }

  private onEnd({ highWatermark, hole }: InputOf<'end'>, nowMs: number): TaskEffect[] {
    this.verify();
    this.hear(highWatermark, nowMs);
    if (hole) this.fetchOffset = highWatermark;
    if (this.inFlight.length === 0 && this.sentEnd >= highWatermark) this.recover();
    const isBare = this.fetchOffset >= highWatermark && highWatermark > this.sentEnd;
    if (!isBare) return [];
    if (this.lastEpoch >= 0) this.endEpoch = this.leaderEpoch;
    return this.append([], 0, highWatermark, highWatermark);
  }

  private append(buffers: readonly Buffer[], sizeInBytes: number, end: number, endOffset: number): TaskEffect[] {
    const id = this.nextId++;
    const expectedEnd = this.sentEnd;
    this.sentEnd = end;
    this.inFlight.push({ id, end, sizeInBytes });
    this.inFlightBytes += sizeInBytes;
    const effects: TaskEffect[] = [{ type: 'append', id, buffers, sizeInBytes, expectedEnd, endOffset }];
    if (!this.isPaused && this.inFlightBytes >= this.limits.partitionInFlightBytes) {
      this.isPaused = true;
      effects.push({ type: 'pause' });
    }
    return effects;
  }

  private onAppended(id: number): TaskEffect[] {
    const append = this.take(id);
    if (append === undefined) return [];
    this.position = Math.max(this.position, append.end);
    this.lag.arrive(this.position);
    if (this.phase === 'settling') return this.settled();
    this.recover();
    if (this.phase !== 'mirroring' || !this.isPaused) return [];
    if (this.inFlightBytes * 2 > this.limits.partitionInFlightBytes) return [];
    this.isPaused = false;
    return [{ type: 'resume' }];
  }

  private onRefused({ id, kind, reason }: InputOf<'refused'>): TaskEffect[] {
    if (this.take(id) === undefined) return [];
    if (kind === 'foreign') return this.halt(reason);
    if (this.phase === 'settling') return this.settled();
    // Somebody else moved the end (a mirror that was thought dead): look where it is, at once the first time.
    return this.settle(kind === 'mismatch' && this.failures === 0 ? null : reason);
  }

  private onFetchFailed({ kind, detail }: InputOf<'fetchFailed'>): TaskEffect[] {
    if (kind === 'diverged') return this.halt(`diverged: ${detail}`);
    if (kind === 'recreated') return this.halt(`the topic was deleted and created anew at the origin: ${detail}`);
    return this.settle(detail);
  }

  /** Begins anew, but not before every append has been answered: a late one would move the end that is looked for. */
  private settle(reason: string | null): TaskEffect[] {
    this.phase = 'settling';
    this.reason = reason;
    this.failures++;
    return [{ type: 'pause' }, ...this.settled()];
  }

  private settled(): TaskEffect[] {
    if (this.inFlight.length > 0) return [];
    return [{ type: 'retryLater', failures: this.reason === null ? 0 : this.failures }];
  }

  private halt(reason: string): TaskEffect[] {
    this.phase = 'halted';
    this.reason = reason;
    return [{ type: 'stopFetching' }];
  }

  private take(id: number): Append | undefined {
    const append = this.inFlight.find((each) => each.id === id);
    if (append === undefined) return undefined;
    this.inFlight = this.inFlight.filter((each) => each !== append);
    this.inFlightBytes -= append.sizeInBytes;
    return append;
  }

  /** An answer to a fetch proves, by the epoch sent along, everything below the offset that was asked for. */
  private verify(): void {
    if (this.hasEpochAtEnd) this.verifiedOffset = this.sentEnd;
  }

  /** Whether a fetch can prove our place: behind a hole only `prove` can, whenever the leader epoch changes. */
  private get hasEpochAtEnd(): boolean {
    return this.lastEpoch >= 0 && this.endEpoch === this.lastEpoch;
  }

  /** What failed has worked since. */
  private recover(): void {
    this.failures = 0;
    this.reason = null;
  }

  private hear(sourceEnd: number, nowMs: number): void {
    this.sourceEnd = sourceEnd;
    this.lastHeardMs = nowMs;
    if (this.phase === 'mirroring' && this.failures === 0) this.reason = null;
    this.lag.observe(sourceEnd, this.position, nowMs);
  }
}
