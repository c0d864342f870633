/**
 * Runs the quorum's machine on one node: performs its effects in their order, feeds it answers, fsyncs and time. Made by
 * `QuorumShell`, through which everybody else reaches it.
 *
 *     requests, answers, timer ──▶ input ──▶ step ──▶ effects: state file, log, snapshots, peers, whoever asked
 *                                                └─▶ news, once all effects are performed ──▶ listener
 *
 * Invariant: one input at a time; `persist` is durable before the next effect, and nobody outside is called in between.
 */
import { type Io, IoError, type Logger, type Timer } from '@meridian/io';
import { LogError } from '@meridian/log';
import { nextDeadlineMs, type Quorum, type QuorumEffect, type QuorumInput, step } from '@meridian/quorum';
import { BrokerError } from '../errors.ts';
import { CommittedReader } from './committed-reader.ts';
import { LeaderNews } from './leader-news.ts';
import { QUORUM_LIMITS } from './limits.ts';
import type { MetadataStore } from './metadata-store.ts';
import type { NodeAddresses } from './node-addresses.ts';
import type { QuorumListener } from './quorum-node.ts';
import { noteRemembered, writeQuorumState } from './quorum-state-file.ts';
import type { SentRequest } from './raft-questions.ts';
import type { RaftSender } from './raft-sender.ts';
import type { RaftAsker } from './raft-service.ts';

export interface LoopParts {
  readonly io: Io;
  readonly log: Logger;
  readonly folder: string;
  readonly quorum: Quorum;
  readonly store: MetadataStore;
  readonly addresses: NodeAddresses;
  makeSender(input: (input: QuorumInput) => void): RaftSender;
}

export class MachineLoop {
  /** Hands on what is committed; there from the start on. */
  reader: CommittedReader | undefined;
  /** The world has failed, or a bug has shown itself: nothing goes on. */
  onFailure: () => void = () => {};
  readonly #parts: LoopParts;
  readonly #sender: RaftSender;
  readonly #inputs: QuorumInput[] = [];
  /** For the listener, once the step is over. */
  readonly #news: (() => void)[] = [];
  #isStepping = false;
  #listener: QuorumListener | undefined;
  #timer: Timer | undefined;
  #timerDueMs = Number.POSITIVE_INFINITY;
  #failure: BrokerError | undefined;
  #isClosed = false;
  readonly #leaderNews = new LeaderNews();
  /** Behind what was proposed last. */
  #proposedEnd = -1;
  #complainedMs = Number.NEGATIVE_INFINITY;

  constructor(parts: LoopParts) {
    this.#parts = parts;
    this.#sender = parts.makeSender((input) => this.input(input));
    parts.store.log.onProgress = () => this.#flushed();
    parts.store.log.onFailure = (error) => this.fail(error);
  }

  get hasFailed(): boolean {
    return this.#failure !== undefined;
  }

  get isOver(): boolean {
    return this.#isClosed || this.hasFailed;
  }

  start(listener: QuorumListener): void {
    const { io, store, quorum } = this.#parts;
    this.#listener = listener;
    const failed = (error: unknown) => this.fail(error);
    this.reader = new CommittedReader({ timers: io.timers, store, listener, failed });
    this.reader.advance(quorum.highWatermark);
  }

  /** Anything that happens; what comes while another input is worked off waits for its end. */
  input(input: QuorumInput): void {
    this.#run(input);
    if (!this.#isStepping) this.#settle();
  }

  /** The end behind the values, −1 if they were not taken; `isWritten` is asked before anybody hears of it. */
  propose(values: readonly Buffer[], isWritten: () => boolean): number {
    if (this.#isStepping) throw new Error('nobody may propose inside a step of the quorum');
    this.#proposedEnd = -1;
    this.#run({ kind: 'propose', proposal: values, recordCount: values.length });
    const end = isWritten() ? this.#proposedEnd : -1;
    this.#settle();
    return end;
  }

  /** Nothing is performed any more. */
  stop(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#sender.close();
  }

  #run(input: QuorumInput): void {
    if (this.isOver || this.#listener === undefined) return;
    this.#inputs.push(input);
    if (this.#isStepping) return;
    this.#isStepping = true;
    try {
      for (let next = this.#inputs.shift(); next !== undefined; next = this.#inputs.shift()) this.#step(next);
    } catch (error) {
      this.fail(error);
    } finally {
      this.#isStepping = false;
    }
  }

  #step(input: QuorumInput): void {
    const { clock } = this.#parts.io;
    for (const effect of step(this.#parts.quorum, input, clock.monotonic())) this.#perform(effect);
    this.#news.push(...this.#leaderNews.since(this.#parts.quorum, this.#listener!));
  }

  /** After the inputs: the next wake-up, and what the listener has to hear. */
  #settle(): void {
    this.#arm();
    for (let tell = this.#news.shift(); tell !== undefined; tell = this.#news.shift()) tell();
  }

  #arm(): void {
    if (this.isOver || this.#listener === undefined) return;
    const { clock, timers } = this.#parts.io;
    const dueMs = nextDeadlineMs(this.#parts.quorum);
    // One that rings too early finds nothing to do, and is set anew.
    if (dueMs >= this.#timerDueMs) return;
    this.#timer?.cancel();
    this.#timerDueMs = dueMs;
    this.#timer = timers.after(Math.max(0, dueMs - clock.monotonic()), () => {
      this.#timerDueMs = Number.POSITIVE_INFINITY;
      this.input({ kind: 'tick' });
    });
  }

  #perform(effect: QuorumEffect): void {
    const { store } = this.#parts;
    switch (effect.kind) {
      case 'persist':
        return writeQuorumState(this.#parts.io.disk, this.#parts.folder, effect.state);
      case 'remembers':
        return noteRemembered(this.#parts.io.disk, this.#parts.folder);
      case 'send':
        return this.#send(effect.to, effect.request as SentRequest);
      case 'answer':
        return (effect.to as RaftAsker).answer(effect.response);
      case 'answerFetch':
        return (effect.to as RaftAsker).answerFetch(effect.response, effect.from);
      case 'answerSnapshot':
        return (effect.to as RaftAsker).answerSnapshot(effect.request, effect.epoch);
      case 'append': {
        if (effect.batch.kind === 'proposal') this.#proposedEnd = this.#parts.quorum.log.endOffset;
        return store.append(effect.batch, effect.baseOffset, effect.epoch);
      }
      case 'appendFetched':
        return store.appendFetched(effect.batches);
      case 'truncate':
        return store.log.truncateTo(effect.to);
      case 'writeSnapshot':
        return store.snapshots.takePiece(effect.snapshot, effect.position, effect.bytes);
      case 'installSnapshot':
        return this.#install(effect);
      case 'distrusted':
        return this.#complain('the leader’s answer was not taken', {
          why: effect.why,
          leader: this.#parts.quorum.leaderId,
        });
      case 'committed':
        this.#news.push(() => this.reader?.advance(effect.highWatermark));
        return;
      case 'role':
        return this.#parts.log.debug('role in the quorum', {
          role: effect.role,
          epoch: effect.epoch,
          leader: effect.leaderId,
        });
      case 'refused':
        return;
    }
  }

  #send(to: number, request: SentRequest): void {
    this.#sender.send(to, request, this.#parts.addresses.of(to, this.#parts.quorum));
  }

  #install({ snapshot, sizeInBytes }: Extract<QuorumEffect, { kind: 'installSnapshot' }>): void {
    const { snapshots } = this.#parts.store;
    const found = snapshots.finish(snapshot, sizeInBytes);
    if (typeof found !== 'string') {
      this.#parts.store.beginAt(snapshot);
      this.#parts.log.info('a snapshot of the metadata came from the leader', {
        endOffset: snapshot.offset,
        sizeInBytes,
      });
      this.#inputs.unshift({ kind: 'snapshotInstalled', snapshot, voters: found.voters });
      this.#news.push(() => this.reader?.advance(snapshot.offset));
      return;
    }
    this.#inputs.unshift({ kind: 'snapshotRefused', snapshot });
    const error = new BrokerError('metadata-snapshot-damaged', `${snapshots.pathOf(snapshot)}: ${found}`);
    this.#complain('the leader’s snapshot was not taken', {
      error: error.message,
      leader: this.#parts.quorum.leaderId,
    });
  }

  #flushed(): void {
    const { durableEnd } = this.#parts.store.log;
    if (durableEnd > this.#parts.quorum.log.durableEnd) this.input({ kind: 'flushed', end: durableEnd });
  }

  fail(error: unknown): void {
    if (this.isOver) return;
    const failure = failureOf(error);
    this.#failure = failure ?? new BrokerError('metadata-log-failed', 'a bug', { cause: error });
    this.#inputs.length = 0;
    this.#timer?.cancel();
    this.#sender.close();
    this.onFailure();
    const listener = this.#listener;
    this.#parts.io.timers.defer(() => {
      if (failure === undefined) throw error; // here or in the listener: nothing may go on as if it were known
      this.#parts.log.error('the quorum node stops', { error: failure.message });
      listener?.failed(failure);
    });
  }

  #complain(message: string, fields: Record<string, unknown>): void {
    const nowMs = this.#parts.io.clock.monotonic();
    if (nowMs - this.#complainedMs < QUORUM_LIMITS.complaintIntervalMs) return;
    this.#complainedMs = nowMs;
    this.#parts.log.error(message, fields);
  }
}

/** The world has failed; undefined: a bug has shown itself. */
function failureOf(error: unknown): BrokerError | undefined {
  if (error instanceof BrokerError) return error;
  if (!(error instanceof IoError || error instanceof LogError)) return undefined;
  return new BrokerError('metadata-log-failed', error.message, { cause: error });
}
