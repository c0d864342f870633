/**
 * A node's part in the quorum as the rest of the node sees it: what it knows, and what can be asked of it. Around the loop
 * that runs the machine (`machine-loop.ts`). Made by `openQuorumNode`.
 * Invariant: what is proposed, asked or told here reaches the machine as an input, one after another.
 */
import type { Api, RequestOf, ResponseInput } from '@meridian/protocol';
import type { Quorum, QuorumInput, RaftRequest, ReplicaKey, Voter } from '@meridian/quorum';
import { leaderOf } from './leader-news.ts';
import { QUORUM_LIMITS } from './limits.ts';
import { type LoopParts, MachineLoop } from './machine-loop.ts';
import type { MetadataStore } from './metadata-store.ts';
import { describeQuorum } from './quorum-description.ts';
import type { QuorumAddress, QuorumDescription, QuorumListener, QuorumNode } from './quorum-node.ts';
import type { RaftService } from './raft-service.ts';
import { snapshotBuffers } from './snapshot-content.ts';

export interface ShellParts extends LoopParts {
  /** What this node says of itself where voters may change; asked once it is known where it listens. */
  ownVoter(): Voter | undefined;
  makeService(shell: QuorumShell): RaftService;
}

export class QuorumShell implements QuorumNode {
  readonly #parts: ShellParts;
  readonly #quorum: Quorum;
  readonly #store: MetadataStore;
  readonly #loop: MachineLoop;
  readonly #service: RaftService;
  #isClosed = false;

  constructor(parts: ShellParts) {
    this.#parts = parts;
    this.#quorum = parts.quorum;
    this.#store = parts.store;
    this.#loop = new MachineLoop(parts);
    this.#service = parts.makeService(this);
    this.#loop.onFailure = () => this.#service.close();
  }

  get self(): ReplicaKey {
    return this.#quorum.self;
  }

  get highWatermark(): number {
    return this.#quorum.highWatermark;
  }

  get endOffset(): number {
    return this.#quorum.log.endOffset;
  }

  get durableEnd(): number {
    return this.#store.log.durableEnd;
  }

  get committedEpoch(): number {
    const { highWatermark, log } = this.#quorum;
    const isThere = highWatermark > log.startOffset && highWatermark <= log.endOffset;
    return isThere ? this.#store.log.epochs.epochAt(highWatermark - 1) : -1;
  }

  get leaderHighWatermark(): number {
    const { role, highWatermark, toldHighWatermark } = this.#quorum;
    if (role.kind !== 'leader') return toldHighWatermark;
    return highWatermark > role.epochStart ? highWatermark : -1;
  }

  leader(): { readonly id: number; readonly epoch: number } {
    return leaderOf(this.#quorum);
  }

  addressOf(nodeId: number): QuorumAddress | undefined {
    const found = this.#parts.addresses.of(nodeId, this.#quorum);
    return found && { host: found.host, port: found.port };
  }

  describe(): QuorumDescription {
    return describeQuorum(this.#quorum, this.leader().id, this.#parts.io.clock);
  }

  bytesSinceSnapshot(): number {
    return this.#loop.reader?.bytesApplied ?? 0;
  }

  propose(epoch: number, values: readonly Buffer[]): number | undefined {
    if (!this.#leads(epoch) || values.length === 0) return undefined;
    const end = this.#loop.propose(values, () => this.#leads(epoch));
    return end < 0 ? undefined : end;
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
    this.#loop.start(listener);
    this.#quorum.own = this.#parts.ownVoter();
    this.input({ kind: 'tick' });
    this.#service.start();
  }

  async writeSnapshot(endOffset: number, epoch: number, batches: Iterable<readonly Buffer[]>): Promise<void> {
    const { log, snapshots } = this.#store;
    if (endOffset <= log.startOffset || endOffset > (this.#loop.reader?.applied ?? 0)) return;
    const lastTimestamp = this.#store.timestampBefore(endOffset, epoch);
    if (lastTimestamp === undefined) throw new Error(`no batch of epoch ${epoch} ends at ${endOffset}`);
    const voters = this.#quorum.voters.before(endOffset);
    const nowMs = this.#parts.io.clock.now();
    const snapshot = { offset: endOffset, epoch };
    try {
      await snapshots.write(snapshot, snapshotBuffers({ epoch, voters, lastTimestamp, nowMs, batches }));
    } catch (error) {
      this.#loop.fail(error);
      throw error;
    }
    if (this.#loop.isOver || endOffset <= log.startOffset) return;
    this.#loop.reader!.bytesApplied = 0;
    this.input({ kind: 'snapshotTaken', snapshot });
    try {
      this.#store.beginBehind(snapshot);
    } catch (error) {
      this.#loop.fail(error);
    }
  }

  async resign(): Promise<void> {
    const { clock, timers } = this.#parts.io;
    if (this.#quorum.isStopping) return;
    this.#service.isStopping = true;
    const { epoch } = this.#quorum;
    const mayHandOver = this.#leads(epoch) && this.#quorum.voters.current.length > 1;
    this.input({ kind: 'resign' });
    const untilMs = clock.monotonic() + QUORUM_LIMITS.resignTimeoutMs;
    while (mayHandOver && !this.#loop.isOver && this.#quorum.epoch === epoch && clock.monotonic() < untilMs) {
      await timers.sleep(QUORUM_LIMITS.resignPollMs);
    }
  }

  async close(clean: boolean): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#loop.stop();
    this.#service.close();
    await this.#loop.reader?.close();
    await this.#store.log.close(clean && !this.#loop.hasFailed);
  }

  /** Anything that happens. */
  input(input: QuorumInput): void {
    this.#loop.input(input);
  }

  #leads(epoch: number): boolean {
    const { role, isStopping } = this.#quorum;
    return role.kind === 'leader' && this.#quorum.epoch === epoch && !isStopping && !this.#loop.isOver;
  }
}
