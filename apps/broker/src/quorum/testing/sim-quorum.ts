/**
 * Quorum nodes on simulated machines: their disks, their real peers over simulated links, a server that hands them their
 * RPCs, and a listener each that remembers what it was handed. Used by the tests of the quorum's shell.
 * Invariant: what a member has applied was handed to it in one life, from a snapshot or the log's beginning on.
 */
import { FakeBroker } from '@meridian/client/testing';
import { type Logger, silentLogger } from '@meridian/io';
import { createSimWorld, type SimNode, type SimWorld } from '@meridian/io/sim';
import {
  AddRaftVoter,
  type Api,
  BeginQuorumEpoch,
  EndQuorumEpoch,
  encodeMetadataRecord,
  Fetch,
  FetchSnapshot,
  type MetadataRecord,
  RemoveRaftVoter,
  UpdateRaftVoter,
  Vote,
} from '@meridian/protocol';
import type { BrokerError } from '../../errors.ts';
import { LivenessWatch } from '../../peers/liveness-watch.ts';
import { createPeers } from '../../peers/node-peers.ts';
import type { Peers } from '../../peers/peers.ts';
import { type ConfiguredVoter, openQuorumNode } from '../open-quorum-node.ts';
import type { CommittedBatch, QuorumListener, QuorumNode } from '../quorum-node.ts';

export const CLUSTER = 'MkU3OEVBNTcwNTJENDM2Qg';
export const FOLDER = '/data/__cluster_metadata-0';
const SECRET = 'a secret of twenty characters';
const PORT = 9_093;
const SERVED: readonly Api[] = [
  ...[Vote, BeginQuorumEpoch, EndQuorumEpoch, Fetch, FetchSnapshot],
  ...[AddRaftVoter, RemoveRaftVoter, UpdateRaftVoter],
];

export const directoryOf = (id: number, life = 0): string =>
  `00000000-0000-4000-8000-${String(life).padStart(6, '0')}${String(id).padStart(6, '0')}`;

export const configured = (id: number): ConfiguredVoter => ({
  id,
  host: `node${id}`,
  port: PORT,
  directoryId: directoryOf(id),
});

export interface MemberOptions {
  readonly voters?: readonly ConfiguredVoter[];
  readonly isController?: boolean;
  readonly directoryId?: string;
  readonly clusterId?: string;
  readonly port?: number;
  readonly log?: Logger;
}

/** One node over all its lives. */
export class Member implements QuorumListener {
  readonly id: number;
  readonly machine: SimNode;
  node: QuorumNode | undefined;
  peers: Peers | undefined;
  /** Values of the config records that this life has applied, in order. */
  applied: string[] = [];
  /** Behind the last batch or snapshot. */
  appliedEnd = 0;
  appliedEpoch = 0;
  snapshots = 0;
  failure: BrokerError | undefined;
  leadsEpoch = -1;
  /** Delays every batch. */
  slowness: () => Promise<void> | undefined = () => undefined;
  busy = 0;
  watch: LivenessWatch | undefined;
  /** Sees every batch, with its texts. */
  onBatch: (batch: CommittedBatch, texts: readonly string[]) => void = () => {};

  constructor(id: number, machine: SimNode) {
    this.id = id;
    this.machine = machine;
  }

  committed(batch: CommittedBatch): void | Promise<void> {
    if (batch.baseOffset !== this.appliedEnd) throw new Error(`${batch.baseOffset} does not follow ${this.appliedEnd}`);
    if (this.busy > 0) throw new Error('the last batch is not settled yet');
    this.appliedEnd = batch.nextOffset;
    this.appliedEpoch = batch.epoch;
    const texts = batch.records.map(textOf);
    this.applied.push(...texts);
    this.onBatch(batch, texts);
    const wait = this.slowness();
    if (wait === undefined) return undefined;
    this.busy += 1;
    return wait.then(() => {
      this.busy -= 1;
    });
  }

  snapshot({ endOffset, epoch, records }: Parameters<QuorumListener['snapshot']>[0]): void {
    this.applied = Array.from(records, textOf);
    this.appliedEnd = endOffset;
    this.appliedEpoch = epoch;
    this.snapshots += 1;
  }

  leaderChanged(): void {}

  leads(epoch: number): void {
    this.leadsEpoch = epoch;
  }

  ledNoMore(): void {
    this.leadsEpoch = -1;
  }

  failed(error: BrokerError): void {
    this.failure = error;
  }

  /** Undefined if it does not lead. */
  propose(...texts: string[]): number | undefined {
    return this.node!.propose(this.leadsEpoch, texts.map(valueFor));
  }

  /** Of what it has applied. */
  takeSnapshot(): Promise<void> {
    return this.node!.writeSnapshot(this.appliedEnd, this.appliedEpoch, [this.applied.map(valueFor)]);
  }
}

const valueFor = (value: string): Buffer =>
  encodeMetadataRecord({ type: 'ConfigRecord', resourceType: 4, resourceName: '1', name: 'a.config', value });

const textOf = (record: MetadataRecord): string =>
  record.type === 'ConfigRecord' ? String(record.value) : record.type;

export class SimQuorum {
  readonly world: SimWorld;
  readonly members = new Map<number, Member>();
  readonly #servers = new Map<string, FakeBroker>();
  readonly #options = new Map<number, MemberOptions>();

  constructor(seed: number) {
    this.world = createSimWorld({ seed });
  }

  /** All of them voters of a new quorum. */
  static async of(seed: number, ids: readonly number[]): Promise<SimQuorum> {
    const quorum = new SimQuorum(seed);
    const voters = ids.map(configured);
    for (const id of ids) await quorum.boot(id, { voters });
    return quorum;
  }

  get all(): Member[] {
    return [...this.members.values()];
  }

  member(id: number): Member {
    return this.members.get(id)!;
  }

  /** Starts it, again with what it was started with before where nothing else is said. */
  async boot(id: number, options: MemberOptions = {}): Promise<Member> {
    const machine = this.world.node(`node${id}`);
    const member = this.members.get(id) ?? new Member(id, machine);
    this.members.set(id, member);
    const known = { ...this.#options.get(id), ...options };
    this.#options.set(id, known);
    const { voters = [configured(id)], isController = true, directoryId = directoryOf(id), port = PORT } = known;
    const io = machine.boot();
    const log = known.log ?? silentLogger;
    const peers = createPeers({ io, log, nodeId: id, secret: SECRET });
    Object.assign(member, {
      applied: [],
      appliedEnd: 0,
      snapshots: 0,
      failure: undefined,
      leadsEpoch: -1,
      busy: 0,
      peers,
    });
    io.disk.makeFolder('/data');
    const node = openQuorumNode({
      ...{ io, log, peers, voters, isController, folder: FOLDER, clusterId: known.clusterId ?? CLUSTER },
      self: { id, directoryId },
      listenerName: 'INTERNAL',
      endpoint: () => ({ host: `node${id}`, port }),
    });
    member.node = node;
    member.watch = this.#watch(member, io);
    await this.world.settle(this.#server(id, port).restart(io));
    node.start(member);
    return member;
  }

  /** The one that leads and has committed a record of its epoch. */
  leader(): Member | undefined {
    const leads = ({ leadsEpoch, machine, node }: Member) =>
      machine.alive && leadsEpoch >= 0 && node!.leader().epoch === leadsEpoch && node!.highWatermark > 0;
    return this.all.filter(leads).sort((a, b) => b.leadsEpoch - a.leadsEpoch)[0];
  }

  async untilLed(limitMs = 10_000): Promise<Member> {
    if (!(await this.world.runUntil(() => this.leader() !== undefined, limitMs))) throw new Error('nobody leads');
    return this.leader()!;
  }

  /** Until all that live have applied everything that the leader has. */
  async untilSame(limitMs = 30_000): Promise<void> {
    const isSame = (): boolean => {
      const led = this.leader();
      const end = led?.node?.endOffset;
      return led !== undefined && this.all.every(({ machine, appliedEnd }) => !machine.alive || appliedEnd === end);
    };
    if (await this.world.runUntil(isSame, limitMs)) return;
    throw new Error(`not the same: ${JSON.stringify(this.all.map(({ id, appliedEnd }) => [id, appliedEnd]))}`);
  }

  #watch(member: Member, io: ReturnType<SimNode['boot']>): LivenessWatch {
    const leader = () => {
      const { id } = member.node!.leader();
      const address = id === member.id ? undefined : member.node!.addressOf(id);
      return address && { id, address };
    };
    return new LivenessWatch({
      ...{ timers: io.timers, peers: member.peers!, nodeId: member.id, leader },
      leaderGone: (id) => member.node!.leaderUnreachable(id),
      brokers: () => new Map(),
      brokerGone: () => {},
    });
  }

  #server(id: number, port: number): FakeBroker {
    let server = this.#servers.get(`${id} ${port}`);
    if (server === undefined) {
      const serves = SERVED.map((api) => [
        api.name,
        (body: never, version: number) => this.member(id).node!.handle(api, body, { version }),
      ]);
      const features = ['kraft.version'];
      server = new FakeBroker({
        ...{ host: `node${id}`, port, secret: SECRET, features },
        serves: Object.fromEntries(serves),
      });
      this.#servers.set(`${id} ${port}`, server);
    }
    return server;
  }
}
