/**
 * The machine of one mirrored partition: what the shell reports goes in, what it shall do comes out.
 *
 *   phase       input                      → phase       effects
 *   (any)       start, retry               → locating    locate (settling first, if something is in flight)
 *   locating    located, with data         → proving     prove
 *   locating    located, without           → mirroring   fetch
 *   locating    failed (proving, ending)   → settling    retryLater
 *   proving     proved, it is our log      → mirroring   fetch
 *   (any)       fetch behind a lost range  → ending      findBroken, before the fetch
 *   ending      broken                     → mirroring   fetch; what is appended first begins with their abort markers
 *   mirroring   fetched                    → mirroring   append (pause if much is in flight), advanceStart
 *   mirroring   end, with a hole           → mirroring   append without batches: the end advances
 *   mirroring   leaderEpoch                → proving     pause, prove
 *   mirroring   refused, fetchFailed       → settling    pause
 *   mirroring   copyLed, by another epoch  → settling    pause: where the copy ends is looked for
 *   (any)       it is not our log, yet     → settling    pause (the first time, and for `doubtMs`)
 *   settling    last answer of an append   → locating    retryLater
 *   (any)       lost range, recreated      → recording   stopFetching, recordGap
 *   recording   recorded: halt             → halted
 *   recording   recorded: mark-gap         → ending      findBroken
 *   recording   recorded: new-incarnation  → halted      (the keeper begins the copy anew)
 *   halted      decide                     → recording   recordGap
 *   (any)       pause                      → paused      stopFetching
 *   (any)       foreign copy, halt         → halted      stopFetching
 *
 * Invariant: nothing is fetched from a leader epoch in which our last record has not been proved, and nothing is
 * appended behind a lost range before its record is durable.
 */
import type { GapPolicy, LostRange } from '../gaps/gap-record.ts';
import type { MirrorLimits } from '../limits.ts';
import { abortMarkers, type OpenTransaction } from './broken-transactions.ts';
import { Flow } from './flow.ts';
import { recreated } from './loss.ts';
import type { TaskEffect, TaskInput } from './messages.ts';
import { copiedOf, type TaskCondition, type TaskView } from './mirror-task.ts';
import { OpenLoss } from './open-loss.ts';
import { Place, type Step } from './place.ts';
import { Progress } from './progress.ts';

export type Phase =
  | ('idle' | 'locating' | 'proving' | 'ending' | 'mirroring' | 'settling')
  | ('recording' | 'paused' | 'halted');

type InputOf<T extends TaskInput['type']> = Extract<TaskInput, { type: T }>;

const CONDITIONS: Record<Phase, TaskCondition> = {
  idle: 'starting',
  locating: 'starting',
  proving: 'starting',
  ending: 'starting',
  mirroring: 'mirroring',
  settling: 'starting',
  recording: 'halted',
  paused: 'paused',
  halted: 'halted',
};

const NONE: readonly Buffer[] = [];
/** Where an answer is waited for. */
const ASKING: ReadonlySet<Phase> = new Set(['locating', 'proving', 'ending']);

export class PartitionTask implements TaskView {
  phase: Phase = 'idle';
  /** Why it is halted or paused, or what is being retried. */
  reason: string | null = null;
  readonly flow: Flow;
  readonly progress: Progress;
  readonly stand: Place;
  private readonly loss = new OpenLoss();
  /** To be ended by what is appended next, behind a lost range; undefined: not known yet. */
  private broken: readonly OpenTransaction[] | undefined;
  /** Another topic has the name, says the link, before it is known where the copy ends. */
  private told: string | undefined;
  private copyEpoch = -1;
  private readonly doubtMs: number;
  private readonly gapMaxMarkers: number;
  /** Since when the origin has been saying that its log is another one. */
  private doubtedSinceMs: number | undefined;
  private failures = 0;
  /** Retrying will not help soon. */
  private isRefused = false;

  /** `startOffset`: where a copy without records begins. */
  constructor(limits: MirrorLimits, startOffset = 0) {
    this.flow = new Flow(limits);
    this.progress = new Progress(limits, this.flow);
    this.stand = new Place(startOffset);
    this.doubtMs = limits.doubtMs;
    this.gapMaxMarkers = limits.gapMaxMarkers;
  }

  get condition(): TaskCondition {
    return CONDITIONS[this.phase];
  }

  get lost(): LostRange | null {
    return this.loss.lost;
  }

  get position(): number {
    return this.flow.position;
  }

  get verifiedOffset(): number {
    return this.stand.verifiedOffset;
  }

  step(input: TaskInput, nowMs: number): TaskEffect[] {
    switch (input.type) {
      case 'start':
        return this.begin(nowMs);
      case 'retry':
        return this.onRetry(nowMs);
      case 'located':
        return this.phase === 'locating' ? this.onLocated(input, nowMs) : [];
      case 'proved':
        return this.phase === 'proving' ? this.take(this.stand.proved(input, this.flow.sentEnd), nowMs) : [];
      case 'broken':
        return this.phase === 'ending' ? this.onBroken(input) : [];
      case 'failed':
        return ASKING.has(this.phase) ? this.settle(input.reason) : [];
      case 'leaderEpoch':
        return this.onLeaderEpoch(input.epoch, nowMs);
      case 'fetched':
        return this.phase === 'mirroring' ? this.onFetched(input, nowMs) : [];
      case 'end':
        return this.phase === 'mirroring' ? this.onEnd(input, nowMs) : [];
      case 'fetchFailed':
        return this.phase === 'mirroring' ? this.onFetchFailed(input) : [];
      case 'trouble':
        if (this.phase === 'mirroring') this.reason = input.reason;
        return [];
      case 'appended':
        return this.onAppended(input.id);
      case 'refused':
        return this.onRefused(input);
      default:
        return this.stepAside(input, nowMs);
    }
  }

  /** What is not on the way from the origin to the copy. */
  private stepAside(input: TaskInput, nowMs: number): TaskEffect[] {
    switch (input.type) {
      case 'observed':
      case 'observedCopy':
        return this.onObserved(input, nowMs);
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
        return this.lost === null ? [] : this.decide(input.policy);
      case 'pause':
        return this.rest('paused', input.reason);
      case 'halt':
        return this.rest('halted', input.reason);
    }
    return [];
  }

  private begin(nowMs: number): TaskEffect[] {
    this.loss.close();
    this.reason = null;
    this.told = undefined;
    this.failures = 0;
    if (this.flow.isEmpty) return this.locate(nowMs);
    this.phase = 'settling';
    return [];
  }

  private onRetry(nowMs: number): TaskEffect[] {
    if (this.phase === 'recording') return this.record();
    return this.condition === 'starting' ? this.locate(nowMs) : [];
  }

  /** The origin goes on without us: how far, is told all the same. A topic created anew may end before our copy. */
  private onObserved(input: InputOf<'observed' | 'observedCopy'>, nowMs: number): TaskEffect[] {
    if (this.phase === 'mirroring') return [];
    const { progress, flow } = this;
    if (input.type === 'observed') progress.sourceEnd = input.sourceEnd;
    else if (flow.isEmpty) flow.position = input.targetEnd;
    if (flow.position < 0) return [];
    progress.lag.observe(progress.sourceEnd, copiedOf(this), nowMs);
    const { told } = this;
    this.told = undefined;
    return told === undefined ? [] : this.lose(recreated(flow.position, -1, this.stand.lastEpoch, told));
  }

  /** A broker whose power was lost has lost what it had not synced: an idle partition would not find out by itself. */
  private onCopyLed(leaderEpoch: number): TaskEffect[] {
    if (leaderEpoch <= this.copyEpoch || this.phase !== 'mirroring') return [];
    this.copyEpoch = leaderEpoch;
    return this.settle(null);
  }

  private locate(nowMs: number): TaskEffect[] {
    this.phase = 'locating';
    this.progress.lastHeardMs = nowMs;
    return [{ type: 'locate' }];
  }

  private onLocated(input: InputOf<'located'>, nowMs: number): TaskEffect[] {
    this.broken = undefined;
    this.flow.found(input.targetEnd);
    this.copyEpoch = input.copyEpoch;
    this.hear(input.sourceEnd, nowMs);
    const step = this.stand.located(input);
    const follow = step.kind === 'lost' ? [] : this.stand.follow(input.sourceStart, this.position);
    return [...follow, ...this.take(step, nowMs)];
  }

  private take(step: Step, nowMs: number): TaskEffect[] {
    if (step.kind === 'lost') return step.lost.kind === 'unclean' ? this.doubt(step.lost, nowMs) : this.lose(step.lost);
    if (step.kind === 'fetch') return this.fetch(step.offset);
    this.phase = 'proving';
    return [{ type: 'prove', epoch: step.epoch }];
  }

  /** A leader that does not know yet that it was deposed would say the same: it has to be said for a while. */
  private doubt(lost: LostRange, nowMs: number): TaskEffect[] {
    this.doubtedSinceMs ??= nowMs;
    return nowMs - this.doubtedSinceMs >= this.doubtMs ? this.lose(lost) : this.settle(lost.reason);
  }

  private fetch(offset: number): TaskEffect[] {
    this.doubtedSinceMs = undefined;
    this.progress.fetchOffset = offset;
    if (this.broken === undefined && this.stand.isBeforeGap(this.flow.sentEnd)) {
      this.phase = 'ending';
      return [{ type: 'findBroken' }];
    }
    this.phase = 'mirroring';
    if (this.failures === 0) this.reason = null;
    const fetch: TaskEffect = { type: 'fetch', offset, lastEpoch: this.stand.epochToSend };
    return this.flow.begin() ? [fetch, { type: 'pause' }] : [fetch];
  }

  private onBroken({ transactions }: InputOf<'broken'>): TaskEffect[] {
    this.broken = transactions;
    return this.fetch(this.progress.fetchOffset);
  }

  /** For the first append behind a lost range: what ends the transactions that were broken there, at offsets before it. */
  private markersBelow(to: number): readonly Buffer[] {
    const { broken } = this;
    if (broken === undefined || broken.length === 0) return NONE;
    this.broken = [];
    const from = this.flow.sentEnd;
    const below = Math.min(to, from + this.gapMaxMarkers);
    return abortMarkers(broken, { from, to: below, leaderEpoch: this.stand.lastEpoch });
  }

  private onLeaderEpoch(epoch: number, nowMs: number): TaskEffect[] {
    const step = this.stand.ledBy(epoch);
    if (step === undefined || this.phase !== 'mirroring') return [];
    return [{ type: 'pause' }, ...this.take(step, nowMs)];
  }

  private onFetched(input: InputOf<'fetched'>, nowMs: number): TaskEffect[] {
    const { buffers, sizeInBytes, baseOffset, nextOffset, timestampMs, answerBytes } = input;
    const { sentEnd } = this.flow;
    if (baseOffset < sentEnd) {
      const reason = `a batch of the origin begins at ${baseOffset}, our copy ends inside of it at ${sentEnd}`;
      return this.rest('halted', reason);
    }
    this.stand.answered(sentEnd);
    this.hear(input.highWatermark, nowMs);
    const markers = this.markersBelow(baseOffset);
    this.stand.endsIn(input.lastEpoch);
    this.progress.fetched(sizeInBytes, baseOffset, nextOffset, timestampMs);
    this.flow.makeRoomFor(answerBytes);
    const all = markers.length === 0 ? buffers : [...markers, ...buffers];
    const effects = this.flow.send({ buffers: all, sizeInBytes, end: nextOffset, endOffset: -1, timestampMs });
    const follow = this.stand.follow(input.logStartOffset, this.position);
    return follow.length === 0 ? effects : [...effects, ...follow];
  }

  private onEnd({ highWatermark, hole, logStartOffset }: InputOf<'end'>, nowMs: number): TaskEffect[] {
    const { sentEnd, isEmpty } = this.flow;
    this.stand.answered(sentEnd);
    this.hear(highWatermark, nowMs);
    if (hole) this.progress.fetchOffset = highWatermark;
    if (isEmpty && sentEnd >= highWatermark) this.recover();
    const isBare = this.progress.fetchOffset >= highWatermark && highWatermark > sentEnd;
    const effects = isBare ? this.advance(highWatermark) : [];
    return [...effects, ...this.stand.follow(logStartOffset, this.position)];
  }

  /** Up to `end` there is nothing: the copy's end goes there without data. */
  private advance(end: number): TaskEffect[] {
    const buffers = this.markersBelow(end);
    this.stand.endsInHole();
    return this.flow.send({ buffers, sizeInBytes: 0, end, endOffset: end, timestampMs: undefined });
  }

  private onAppended(id: number): TaskEffect[] {
    if (!this.flow.arrived(id)) return [];
    this.progress.lag.arrive(this.position);
    if (this.phase === 'settling') return this.settled();
    if (this.phase !== 'mirroring') return [];
    this.recover();
    return this.flow.goesOn() ? [{ type: 'resume' }] : [];
  }

  private onRefused({ id, kind, reason }: InputOf<'refused'>): TaskEffect[] {
    if (!this.flow.refused(id)) return [];
    if (this.condition === 'halted' || this.phase === 'paused') return [];
    if (kind === 'foreign') return this.rest('halted', reason);
    if (this.phase === 'settling') return this.settled();
    this.isRefused = kind === 'too-large' || kind === 'denied';
    // Somebody else moved the end (a mirror that was thought dead): look where it is, at once the first time.
    return this.settle(kind === 'mismatch' && this.failures === 0 ? null : reason);
  }

  private onFetchFailed({ kind, detail }: InputOf<'fetchFailed'>): TaskEffect[] {
    // What it really is tell the origin's epochs, and the link that looks at topics: asked again, and not one broker only.
    return this.settle(kind === 'diverged' ? `diverged: ${detail}` : detail);
  }

  /** Of a mirror that was started since: how far the copy had come is heard first, and of the old topic nothing. */
  private onRecreated(detail: string): TaskEffect[] {
    if (this.position < 0) {
      this.told = detail;
      return this.rest('halted', detail);
    }
    return this.lose(recreated(this.position, this.progress.heardEnd, this.stand.lastEpoch, detail));
  }

  private lose(lost: LostRange): TaskEffect[] {
    this.loss.found(lost);
    return [{ type: 'stopFetching' }, ...this.record()];
  }

  private decide(policy: GapPolicy): TaskEffect[] {
    this.loss.decide(policy);
    return this.phase === 'halted' ? this.record() : []; // else it is heard when what is being written is on record
  }

  private record(): TaskEffect[] {
    this.phase = 'recording';
    const order = this.loss.record();
    this.reason = this.loss.reason;
    return [order];
  }

  private onRecorded(policy: GapPolicy): TaskEffect[] {
    const treatment = this.loss.recorded(policy);
    if (treatment === undefined) return this.record();
    this.phase = 'halted';
    this.reason = this.loss.reason;
    if (treatment !== 'mark-gap') return [];
    const { to } = this.loss.lost!;
    this.loss.close();
    this.failures = 0;
    // The copy's end stays before the range until what follows comes: the origin's first batch may begin inside of it.
    this.stand.goesBehind(to);
    this.broken = undefined;
    return this.fetch(to);
  }

  /** Begins anew, but not before every append has been answered: a late one would move the end that is looked for. */
  private settle(reason: string | null): TaskEffect[] {
    this.phase = 'settling';
    this.reason = reason;
    this.failures++;
    return [{ type: 'pause' }, ...this.settled()];
  }

  private settled(): TaskEffect[] {
    return this.flow.isEmpty ? [this.retryLater()] : [];
  }

  private retryLater(): TaskEffect {
    return { type: 'retryLater', failures: this.reason === null ? 0 : this.failures, isSlow: this.isRefused };
  }

  private rest(phase: 'paused' | 'halted', reason: string): TaskEffect[] {
    this.phase = phase;
    this.reason = reason;
    return [{ type: 'stopFetching' }];
  }

  /** What failed has worked since. */
  private recover(): void {
    this.failures = 0;
    this.isRefused = false;
    this.reason = null;
  }

  private hear(sourceEnd: number, nowMs: number): void {
    if (this.phase === 'mirroring' && this.failures === 0) this.reason = null;
    this.progress.hear(sourceEnd, nowMs);
  }
}
