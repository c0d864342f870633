/**
 * A quorum of several nodes without a network or disks: messages lie in a bag until a test delivers, copies or loses them;
 * a node that dies keeps what it has persisted and fsynced. Used by the transcripts and by the random test.
 */
import type {
  Asker,
  ElectionState,
  FetchedBatch,
  OffsetAndEpoch,
  QuorumEffect,
  QuorumInput,
  RaftRequest,
  RaftResponse,
} from '../messages.ts';
import { createQuorum, nextDeadlineMs, type Quorum, type QuorumSettings } from '../state.ts';
import { step } from '../step.ts';
import type { Voter } from '../voters.ts';
import { said } from './said.ts';

export const SETTINGS: QuorumSettings = {
  electionTimeoutMs: 1_000,
  fetchTimeoutMs: 2_000,
  fetchMaxWaitMs: 500,
  retryBackoffMs: 20,
};

/** A record of the model: what it says, or who votes from it on. */
export interface Entry extends FetchedBatch {
  readonly says: string;
}

interface Snapshot extends OffsetAndEpoch {
  readonly voters: readonly Voter[] | undefined;
  /** Everything below it. */
  readonly says: readonly string[];
}

export interface Node {
  readonly id: number;
  directoryId: string;
  quorum: Quorum;
  isAlive: boolean;
  /** Its disk does not have what it may have promised. */
  hasForgotten: boolean;
  /** What it says of itself; undefined: nothing. */
  own?: Voter | undefined;
  /** What a crash leaves: up to `durableEnd` of it. */
  log: Entry[];
  startOffset: number;
  snapshot: Snapshot | undefined;
  persisted: ElectionState;
  /** Lives; a request of an earlier one is answered to nobody. */
  life: number;
}

export interface Message {
  readonly from: number;
  readonly to: number;
  readonly life: number;
  readonly request: RaftRequest;
  /** Undefined: the request itself. */
  readonly response?: RaftResponse | undefined;
}

interface Question {
  readonly node: number;
  readonly life: number;
  readonly request: RaftRequest;
}

const NO_BYTES = new Uint8Array(0);

export class Scene {
  readonly nodes = new Map<number, Node>();
  readonly bag: Message[] = [];
  readonly lines: string[] = [];
  /** Answers to what a test itself asked. */
  readonly answers: RaftResponse[] = [];
  /** All that were ever taken: what is being downloaded is not removed. */
  private readonly snapshots: Snapshot[] = [];
  nowMs = 0;
  /** Called with every effect, before it is performed. */
  onEffect: (node: Node, effect: QuorumEffect) => void = () => {};
  private readonly random: (id: number) => number;
  private readonly configured: readonly Voter[];
  private readonly isBootstrap: boolean;

  constructor(
    voterIds: readonly number[],
    options: { observers?: readonly number[]; random?: (id: number) => number; isBootstrap?: boolean } = {},
  ) {
    this.isBootstrap = options.isBootstrap ?? false;
    this.random = options.random ?? (() => 0);
    this.configured = voterIds.map((id) => voterFor(id));
    for (const id of [...voterIds, ...(options.observers ?? [])]) this.add(id);
  }

  node(id: number): Node {
    const node = this.nodes.get(id);
    if (node === undefined) throw new Error(`there is no node ${id}`);
    return node;
  }

  add(id: number): void {
    const persisted: ElectionState = { epoch: 0, leaderId: -1 };
    const empty = {
      log: [],
      startOffset: 0,
      snapshot: undefined,
      persisted,
      life: 0,
      isAlive: true,
      hasForgotten: false,
    };
    const node = { id, directoryId: directoryFor(id), ...empty } as unknown as Node;
    this.nodes.set(id, node);
    node.quorum = this.boot(node);
  }

  /** Everything that the node would still have to fsync is lost. */
  crash(id: number): void {
    const node = this.node(id);
    node.isAlive = false;
    node.life += 1;
    const { durableEnd } = node.quorum.log;
    node.log = node.log.filter(({ nextOffset }) => nextOffset <= durableEnd);
  }

  restart(id: number): void {
    const node = this.node(id);
    node.isAlive = true;
    node.quorum = this.boot(node);
  }

  /** The disk is lost, and with it the directory's id. */
  wipe(id: number): void {
    const node = this.node(id);
    Object.assign(node, { log: [], startOffset: 0, snapshot: undefined, persisted: { epoch: 0, leaderId: -1 } });
    node.directoryId = `${directoryFor(id).slice(0, -2)}ff`;
  }

  /** The disk is lost, and is made anew under the same directory id. */
  forget(id: number): void {
    const node = this.node(id);
    const { directoryId } = node;
    this.wipe(id);
    Object.assign(node, { directoryId, hasForgotten: true });
  }

  input(id: number, input: QuorumInput): void {
    const node = this.node(id);
    if (!node.isAlive) return;
    for (const effect of step(node.quorum, input, this.nowMs)) this.perform(node, effect);
    if (node.quorum.log.durableEnd < node.quorum.log.endOffset && this.syncsAtOnce(node)) this.flush(id);
  }

  /** Overridden by tests that hold an fsync back. */
  syncsAtOnce: (node: Node) => boolean = () => true;

  flush(id: number): void {
    this.input(id, { kind: 'flushed', end: this.node(id).quorum.log.endOffset });
  }

  /** Time passes until the node has something to do, and then only it is woken. */
  wake(id: number): void {
    const deadlineMs = nextDeadlineMs(this.node(id).quorum);
    if (Number.isFinite(deadlineMs)) this.nowMs = Math.max(this.nowMs, deadlineMs);
    this.input(id, { kind: 'tick' });
  }

  deliver(message: Message): void {
    const { from, to, request, response, life } = message;
    const node = this.node(to);
    if (response === undefined) {
      if (node.isAlive) return this.input(to, { kind: 'request', from: { node: from, life, request }, request });
      return this.fail(message);
    }
    if (node.life === life) this.input(to, { kind: 'response', from, request, response });
  }

  /** Its sender learns that there will be no answer. */
  fail({ from, to, life, request, response }: Message): void {
    if (response !== undefined) return this.fail({ from: to, to: from, life, request });
    if (this.nodes.has(from) && this.node(from).life === life) this.input(from, { kind: 'failed', to, request });
  }

  private boot(node: Node): Quorum {
    const { startOffset, snapshot, log, persisted, id, directoryId } = node;
    const recorded = log.flatMap(({ baseOffset, voters }) =>
      voters === undefined ? [] : [{ offset: baseOffset, voters }],
    );
    const ofSnapshot = snapshot?.voters === undefined ? [] : [{ offset: snapshot.offset - 1, voters: snapshot.voters }];
    const options = {
      self: { id, directoryId },
      settings: SETTINGS,
      random: () => this.random(id),
      configured: this.configured,
      isBootstrap: this.isBootstrap,
      own: node.own,
      hasForgotten: node.hasForgotten,
      recorded: [...ofSnapshot, ...recorded],
      log: { startOffset, endOffset: log.at(-1)?.nextOffset ?? startOffset, epochs: epochsOf(log), snapshot },
      election: persisted,
    };
    return createQuorum(options, this.nowMs);
  }

  private perform(node: Node, effect: QuorumEffect): void {
    this.onEffect(node, effect);
    if (effect.kind === 'distrusted') throw new Error(effect.why); // nobody lies here
    this.lines.push(`    ${node.id}: ${said(effect)}`);
    switch (effect.kind) {
      case 'persist':
        node.persisted = effect.state;
        return;
      case 'remembers':
        node.hasForgotten = false;
        return;
      case 'send':
        this.bag.push({ from: node.id, to: effect.to, life: node.life, request: effect.request });
        return;
      case 'answer':
        return this.reply(node, effect.to, effect.response);
      case 'answerFetch': {
        const batches = node.log.filter(({ baseOffset }) => baseOffset >= effect.from).slice(0, 3);
        return this.reply(node, effect.to, { ...effect.response, batches });
      }
      case 'answerSnapshot': {
        const { snapshot, position } = effect.request;
        const whole = { snapshot, sizeInBytes: 1, position, bytes: new Uint8Array(1) };
        const { epoch, id } = { epoch: effect.epoch, id: node.id };
        return this.reply(node, effect.to, { api: 'FetchSnapshot', error: 'NONE', epoch, leaderId: id, ...whole });
      }
      case 'append':
        node.log.push(entryOf(effect));
        return;
      case 'appendFetched':
        node.log.push(...(effect.batches as Entry[]));
        return;
      case 'truncate':
        node.log = node.log.filter(({ nextOffset }) => nextOffset <= effect.to);
        return;
      case 'installSnapshot':
        return this.install(node, effect.snapshot);
    }
  }

  private reply(node: Node, to: Asker, response: RaftResponse): void {
    if (to === undefined) {
      this.answers.push(response);
      return;
    }
    const { node: asker, life, request } = to as Question;
    this.bag.push({ from: node.id, to: asker, life, request, response });
  }

  private install(node: Node, { offset, epoch }: OffsetAndEpoch): void {
    const snapshot = this.snapshots.find((each) => each.offset === offset && each.epoch === epoch)!;
    Object.assign(node, { snapshot, startOffset: offset, log: [] });
    this.input(node.id, { kind: 'snapshotInstalled', snapshot: { offset, epoch }, voters: snapshot.voters });
  }

  /** A snapshot of all that is committed; the log begins behind it. */
  takeSnapshot(id: number): void {
    const node = this.node(id);
    const offset = node.log.findLast(({ nextOffset }) => nextOffset <= node.quorum.highWatermark)?.nextOffset;
    if (offset === undefined || offset <= node.startOffset) return;
    const epoch = node.log.findLast(({ nextOffset }) => nextOffset <= offset)!.epoch;
    const below = node.log.filter(({ nextOffset }) => nextOffset <= offset);
    const voters = below.findLast((entry) => entry.voters !== undefined)?.voters ?? node.snapshot?.voters;
    const says = [...(node.snapshot?.says ?? []), ...below.flatMap(recordsOf)];
    const snapshot = { offset, epoch, voters, says };
    this.snapshots.push(snapshot);
    Object.assign(node, { snapshot, startOffset: offset });
    node.log = node.log.filter(({ baseOffset }) => baseOffset >= offset);
    this.input(id, { kind: 'snapshotTaken', snapshot: { offset, epoch } });
  }
}

/** What it says, once for each of its offsets. */
export const recordsOf = ({ baseOffset, nextOffset, says }: Entry): string[] =>
  Array(nextOffset - baseOffset).fill(says);

export const directoryFor = (id: number): string => `00000000-0000-4000-8000-0000000000${String(id).padStart(2, '0')}`;

export function voterFor(id: number, key: Partial<Voter> = {}): Voter {
  return { id, directoryId: directoryFor(id), endpoints: [], minKraftVersion: 0, maxKraftVersion: 1, ...key };
}

function entryOf({ baseOffset, epoch, batch }: Extract<QuorumEffect, { kind: 'append' }>): Entry {
  const recorded = batch.kind === 'leaderChange' ? batch.recorded : undefined;
  const voters = batch.kind === 'voters' ? batch.voters : recorded?.voters;
  const nextOffset = baseOffset + 1 + (recorded === undefined ? 0 : recorded.isFirst ? 2 : 1);
  const says = batch.kind === 'proposal' ? String(batch.proposal) : batch.kind;
  return { baseOffset, nextOffset, epoch, voters, bytes: NO_BYTES, says };
}

function epochsOf(log: readonly Entry[]): { epoch: number; startOffset: number }[] {
  return log
    .filter(({ epoch }, index) => index === 0 || log[index - 1]!.epoch !== epoch)
    .map(({ epoch, baseOffset }) => ({ epoch, startOffset: baseOffset }));
}
