/**
 * The shell of the quorum's machine on one node: performs its effects in their order, feeds it answers, fsyncs and time.
 * Made by `openQuorumNode`.
 *
 *     requests, answers, timer ──▶ #input ──▶ step ──▶ effects: state file, log, snapshots, peers, whoever asked
 *                                                  └─▶ news, once all effects are performed ──▶ listener
 *
 * Invariant: one input at a time; `persist` is durable before the next effect, and nobody outside is called in between.
 */
import { type Io, IoError, type Logger, type Timer } from '@meridian/io';
import { LogError } from '@meridian/log';
import type { Api, RequestOf, ResponseInput } from '@meridian/protocol';
import {
  nextDeadlineMs,
  type Quorum,
  type QuorumEffect,
  type QuorumInput,
  type RaftRequest,
  type ReplicaKey,
  step,
  type Voter,
} from '@meridian/quorum';
import { BrokerError } from '../errors.ts';
import { CommittedReader } from './committed-reader.ts';
import { LeaderNews, leaderOf } from './leader-news.ts';
import { QUORUM_LIMITS } from './limits.ts';
import type { MetadataStore } from './metadata-store.ts';
import type { NodeAddresses } from './node-addresses.ts';
import { describeQuorum } from './quorum-description.ts';
import type { QuorumAddress, QuorumDescription, QuorumListener, QuorumNode } from './quorum-node.ts';
import { noteRemembered, writeQuorumState } from './quorum-state-file.ts';
import type { SentRequest } from './raft-questions.ts';
import type { RaftSender } from './raft-sender.ts';
import type { RaftAsker, RaftService } from './raft-service.ts';
import { snapshotBuffers } from './snapshot-content.ts';

export interface ShellParts {
  readonly io: Io;
  readonly log: Logger;
  readonly folder: string;
  readonly quorum: Quorum;
  readonly store: MetadataStore;
  readonly addresses: NodeAddresses;
  /** What this node says of itself where voters may change; asked once it is known where it listens. */
  ownVoter(): Voter | undefined;
  makeSender(input: (input: QuorumInput) => void): RaftSender;
  makeService(shell: QuorumShell): RaftService;
}

export class QuorumShell implements QuorumNode {
  readonly quorum: Quorum;
  readonly store: MetadataStore;
  readonly #parts: ShellParts;
  readonly #sender: RaftSender;
  readonly #service: RaftService;
  readonly #inputs: QuorumInput[] = [];
  /** For the listener, once the step is over. */
  readonly #news: (() => void)[] = [];
  #isStepping = false;
  #listener: QuorumListener | undefined;
  #reader: CommittedReader | undefined;
  #timer: Timer | undefined;
  #timerDueMs = Number.POSITIVE_INFINITY;
  #failure: BrokerError | undefined;
  #isClosed = false;
  readonly #leaderNews = new LeaderNews();
  /** Behind what was proposed last. */
  #proposedEnd = -1;
  #complainedMs = Number.NEGATIVE_INFINITY;

  constructor(parts: ShellParts) {
    this.#parts = parts;
    this.quorum = parts.quorum;
    this.store = parts.store;
    this.#sender = parts.makeSender((input) => this.input(input));
    this.#service = parts.makeService(this);
    this.store.log.onProgress = () => this.#flushed();
    this.store.log.onFailure = (error) => this.#fail(error);
  }

  get self(): ReplicaKey {
    return this.quorum.self;
  }

  get highWatermark(): number {
    return this.quorum.highWatermark;
  }

  get endOffset(): number {
    return this.quorum.log.endOffset;
  }

  get committedEpoch(): number {
    const { highWatermark, log } = this.quorum;
    const isThere = highWatermark > log.startOffset && highWatermark <= log.endOffset;
    return isThere ? this.store.log.epochs.epochAt(highWatermark - 1) : -1;
  }

  get leaderHighWatermark(): number {
    const { role, highWatermark, toldHighWatermark } = this.quorum;
    if (role.kind !== 'leader') return toldHighWatermark;
    return highWatermark > role.epochStart ? highWatermark : -1;
  }

  leader(): { readonly id: number; readonly epoch: number } {
    return leaderOf(this.quorum);
  }

  addressOf(nodeId: number): QuorumAddress | undefined {
    const found = this.#parts.addresses.of(nodeId, this.quorum);
    return found && { host: found.host, port: found.port };
  }

  describe(): QuorumDescription {
    return describeQuorum(this.quorum, this.leader().id, this.#parts.io.clock);
  }

  bytesSinceSnapshot(): number {
    return this.#reader?.bytesApplied ?? 0;
  }

  propose(epoch: number, values: readonly Buffer[]): number | undefined {
    if (this.#isStepping) throw new Error('nobody may propose inside a step of the quorum');
    if (!this.#leads(epoch) || values.length === 0) return undefined;
    this.#proposedEnd = -1;
    this.#run({ kind: 'propose', proposal: values, recordCount: values.length });
    const end = this.#proposedEnd;
    const isWritten = end >= 0 && this.#leads(epoch);
    this.#settle();
    return isWritten ? end : undefined;
  }

  handle<A extends Api>(
    api: A,
    request: RequestOf<A>,
    header: { readonly version: number },
  ): Promise<ResponseInput<A>> {
    return this.#service.handle(api.name as RaftRequest['api'], request, header.version) as Promise<ResponseInput<A>>;
  }

  leaderUnreachable(leaderId: number): void {
    this.input({ kind: 'leaderUnreachable', leaderId });
  }

  start(listener: QuorumListener): void {
    const { timers } = this.#parts.io;
    this.#listener = listener;
    const failed = (error: unknown) => this.#fail(error);
    this.#reader = new CommittedReader({ timers, store: this.store, listener, failed });
    this.#reader.advance(this.quorum.highWatermark);
    this.quorum.own = this.#parts.ownVoter();
    this.input({ kind: 'tick' });
    this.#service.start();
  }

  async writeSnapshot(endOffset: number, epoch: number, batches: Iterable<readonly Buffer[]>): Promise<void> {
    const { log, snapshots } = this.store;
    if (endOffset <= log.startOffset || endOffset > (this.#reader?.applied ?? 0)) return;
    const lastTimestamp = this.store.timestampBefore(endOffset, epoch);
    if (lastTimestamp === undefined) throw new Error(`no batch of epoch ${epoch} ends at ${endOffset}`);
    const voters = this.quorum.voters.before(endOffset);
    const nowMs = this.#parts.io.clock.now();
    const snapshot = { offset: endOffset, epoch };
    try {
      await snapshots.write(snapshot, snapshotBuffers({ epoch, voters, lastTimestamp, nowMs, batches }));
    } catch (error) {
      this.#fail(error);
      throw error;
    }
    if (this.#isOver() || endOffset <= log.startOffset) return;
    this.#reader!.bytesApplied = 0;
    this.input({ kind: 'snapshotTaken', snapshot });
    this.#guard(() => this.store.beginBehind(snapshot));
  }

  async resign(): Promise<void> {
    const { clock, timers } = this.#parts.io;
    if (this.quorum.isStopping) return;
    this.#service.isStopping = true;
    const { epoch } = this.quorum;
    const mayHandOver = this.#leads(epoch) && this.quorum.voters.current.length > 1;
    this.input({ kind: 'resign' });
    const untilMs = clock.monotonic() + QUORUM_LIMITS.resignTimeoutMs;
    while (mayHandOver && !this.#isOver() && this.quorum.epoch === epoch && clock.monotonic() < untilMs) {
      await timers.sleep(QUORUM_LIMITS.resignPollMs);
    }
  }

  async close(clean: boolean): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#sender.close();
    this.#service.close();
    await this.#reader?.close();
    await this.store.log.close(clean && this.#failure === undefined);
  }

  /** Anything that happens; what comes while another input is worked off waits for its end. */
  input(input: QuorumInput): void {
    this.#run(input);
    if (!this.#isStepping) this.#settle();
  }

  #isOver(): boolean {
    return this.#isClosed || this.#failure !== undefined;
  }

  #leads(epoch: number): boolean {
    const { role, isStopping } = this.quorum;
    return role.kind === 'leader' && this.quorum.epoch === epoch && !isStopping && !this.#isOver();
  }

  #run(input: QuorumInput): void {
    if (this.#isOver() || this.#listener === undefined) return;
    this.#inputs.push(input);
    if (this.#isStepping) return;
    this.#isStepping = true;
    try {
      for (let next = this.#inputs.shift(); next !== undefined; next = this.#inputs.shift()) this.#step(next);
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#isStepping = false;
    }
  }

  #step(input: QuorumInput): void {
    const { clock } = this.#parts.io;
    for (const effect of step(this.quorum, input, clock.monotonic())) this.#perform(effect);
    this.#news.push(...this.#leaderNews.since(this.quorum, this.#listener!));
  }

  /** After the inputs: the next wake-up, and what the listener has to hear. */
  #settle(): void {
    this.#arm();
    for (let tell = this.#news.shift(); tell !== undefined; tell = this.#news.shift()) tell();
  }

  #arm(): void {
    if (this.#isOver() || this.#listener === undefined) return;
    const { clock, timers } = this.#parts.io;
    const dueMs = nextDeadlineMs(this.quorum);
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
    const { store } = this;
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
        if (effect.batch.kind === 'proposal') this.#proposedEnd = this.quorum.log.endOffset;
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
        return this.#complain('the leader’s answer was not taken', { why: effect.why, leader: this.quorum.leaderId });
      case 'committed':
        this.#news.push(() => this.#reader?.advance(effect.highWatermark));
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
    this.#sender.send(to, request, this.#parts.addresses.of(to, this.quorum));
  }

  #install({ snapshot, sizeInBytes }: Extract<QuorumEffect, { kind: 'installSnapshot' }>): void {
    const { snapshots } = this.store;
    const found = snapshots.finish(snapshot, sizeInBytes);
    if (typeof found !== 'string') {
      this.store.beginAt(snapshot);
      this.#parts.log.info('a snapshot of the metadata came from the leader', {
        endOffset: snapshot.offset,
        sizeInBytes,
      });
      this.#inputs.unshift({ kind: 'snapshotInstalled', snapshot, voters: found.voters });
      this.#news.push(() => this.#reader?.advance(snapshot.offset));
      return;
    }
    this.#inputs.unshift({ kind: 'snapshotRefused', snapshot });
    const error = new BrokerError('metadata-snapshot-damaged', `${snapshots.pathOf(snapshot)}: ${found}`);
    this.#complain('the leader’s snapshot was not taken', { error: error.message, leader: this.quorum.leaderId });
  }

  #flushed(): void {
    const { durableEnd } = this.store.log;
    if (durableEnd > this.quorum.log.durableEnd) this.input({ kind: 'flushed', end: durableEnd });
  }

  #guard(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (this.#isOver()) return;
    const failure = failureOf(error);
    this.#failure = failure ?? new BrokerError('metadata-log-failed', 'a bug', { cause: error });
    this.#inputs.length = 0;
    this.#timer?.cancel();
    this.#sender.close();
    this.#service.close();
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
