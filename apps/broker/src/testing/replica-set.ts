/**
 * One partition on several simulated machines, wired by the replication's own code over messages that take their time and
 * may be cut off; a `ReplicaController` says who leads. For tests of replication below the level of whole brokers.
 * Invariant: brokers meet by their Fetch requests alone, in Kafka's bytes.
 */
import { ClientError } from '@meridian/client';
import { type Io, silentLogger } from '@meridian/io';
import { between, createSimWorld, type SimNode, type SimWorld } from '@meridian/io/sim';
import { type LogDir, openLog, openLogDir } from '@meridian/log';
import type { AlterPartition, Api, RequestInput, ResponseOf } from '@meridian/protocol';
import { createFetchHandler } from '../apis/01-fetch.ts';
import type { AnyHandler, HandlerReach } from '../apis/handler.ts';
import type { BrokerInfo } from '../controller/image.ts';
import { WirePacker } from '../fetch/wire-packer.ts';
import { DEFAULT_LIMITS } from '../limits.ts';
import { Partition } from '../partition/partition.ts';
import { ProducePart } from '../partition/produce-part.ts';
import type { TopicSettings } from '../partition/topic-settings.ts';
import type { ControllerChannel } from '../peers/controller-channel.ts';
import { callLocally } from '../peers/local-call.ts';
import type { NodeAddress, Peers } from '../peers/peers.ts';
import { Replication } from '../replication/replication.ts';
import { ReplicaController } from './replica-controller.ts';

export const TOPIC = { topic: 'orders', topicId: '00000000-0000-4000-8000-000000000001', index: 0 } as const;

const SETTINGS: TopicSettings = {
  maxMessageBytes: 1_000_000,
  segmentBytes: 4_096,
  minInsyncReplicas: 2,
  lagMaxMs: 300,
  compacted: false,
  compactedOnly: false,
  retention: undefined,
  compaction: undefined,
  compression: undefined,
  logAppendTime: false,
  timestampBeforeMaxMs: Number.POSITIVE_INFINITY,
  timestampAfterMaxMs: Number.POSITIVE_INFINITY,
  fsync: false,
  originTopicId: undefined,
  writer: 'clients',
  cuts: [],
  throttled: { asLeader: new Set(), asFollower: new Set() },
  log: {},
};

export interface ReplicaSetOptions {
  readonly seed?: number;
  readonly replicas?: readonly number[];
  readonly settings?: Partial<TopicSettings>;
  /** Milliseconds that a message, and news of the controller, take. */
  readonly delayMs?: readonly [min: number, max: number];
  readonly newsMs?: readonly [min: number, max: number];
}

/** What a produce came to. */
export interface Produced {
  readonly errorCode: number;
  readonly baseOffset: number;
}

export class ReplicaSet {
  readonly world: SimWorld;
  readonly controller: ReplicaController;
  readonly nodes = new Map<number, ReplicaNode>();
  /** `2>3`: what 2 sends to 3 is lost; 0 is the controller. */
  readonly cuts = new Set<string>();
  readonly settings: TopicSettings;
  readonly options: ReplicaSetOptions;

  constructor(options: ReplicaSetOptions = {}) {
    const { seed = 1, replicas = [1, 2, 3] } = options;
    this.options = options;
    this.world = createSimWorld({ seed });
    const fsync = options.settings?.fsync ?? false;
    this.settings = { ...SETTINGS, log: { segmentBytes: 4_096, fsync }, ...options.settings };
    this.controller = new ReplicaController(replicas);
    for (const id of replicas) this.nodes.set(id, new ReplicaNode(this, id));
    this.controller.onChange = () => this.#tellAll();
    this.#tellAll();
  }

  node(id: number): ReplicaNode {
    return this.nodes.get(id)!;
  }

  /** The broker that leads by its own view and the controller's. */
  get leader(): ReplicaNode {
    return this.node(this.controller.state.leader);
  }

  cut(a: number, b: number): void {
    this.cuts.add(`${a}>${b}`);
    this.cuts.add(`${b}>${a}`);
  }

  run(durationMs: number): Promise<void> {
    return this.world.run(this.world.now() + durationMs);
  }

  /** Whether everybody is in sync and has the same, committed to its end. */
  get isSettled(): boolean {
    const { state } = this.controller;
    if (state.isr.length < state.replicas.length) return false;
    const end = this.leader.partition.log.endOffset;
    return [...this.nodes.values()].every(({ isAlive, partition }) => {
      return isAlive && partition.log.endOffset === end && partition.highWatermark === end;
    });
  }

  /** A message's way; false if it got lost. */
  async pass(from: number, to: number): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.world.after(between(this.world.random, this.options.delayMs ?? [0.1, 3]), resolve);
    await promise;
    return !this.cuts.has(`${from}>${to}`);
  }

  #tellAll(): void {
    for (const node of this.nodes.values()) node.tell();
  }
}

export class ReplicaNode {
  readonly id: number;
  readonly machine: SimNode;
  readonly #set: ReplicaSet;
  partition!: Partition;
  #process!: NodeProcess;
  #told = 0;
  #isTelling = false;

  constructor(set: ReplicaSet, id: number) {
    this.#set = set;
    this.id = id;
    this.machine = set.world.node(`broker-${id}`);
    this.#boot();
  }

  get isAlive(): boolean {
    return this.machine.alive;
  }

  get process(): NodeProcess {
    return this.#process;
  }

  /** The controller has news; they come one after another. */
  tell(): void {
    if (this.#isTelling) return;
    this.#isTelling = true;
    this.#set.world.after(between(this.#set.world.random, this.#set.options.newsMs ?? [0.1, 3]), () => {
      this.#isTelling = false;
      const { history } = this.#set.controller;
      if (this.isAlive && !this.#set.cuts.has(`0>${this.id}`) && this.#told < history.length) {
        this.#process.follow(this.#told++);
      }
      if (this.#told < history.length) this.tell();
    });
  }

  kill(how: 'kill' | 'powerLoss'): void {
    this.machine[how]();
  }

  /** A new process, which the controller hears of. */
  restart(): void {
    this.#boot();
    this.#told = this.#set.controller.history.length;
    this.#set.controller.register(this.id);
  }

  /** Settles with what a producer would be told; never, if the process dies before. */
  produce(batch: Buffer, options: { acks?: number; timeoutMs?: number } = {}): Promise<Produced> {
    const { acks = -1, timeoutMs = 1_000 } = options;
    return new Promise((resolve) => {
      const deadlineMs = this.#process.io.clock.monotonic() + timeoutMs;
      const part: ProducePart = new ProducePart(0, acks, deadlineMs, { partSettled: () => resolve(part) });
      const budget = { left: 1e9, recordsLeft: 1e9 };
      this.partition.produce(part, batch, { validation: 'full', version: 13, budget, isPeer: false });
    });
  }

  /** The same for a mirror that expects the copy to end at `expectedEnd`. */
  produceMirrored(records: Buffer, originTopicId: string, expectedEnd: number): Promise<Produced> {
    return new Promise((resolve) => {
      const deadlineMs = this.#process.io.clock.monotonic() + 1_000;
      const part: ProducePart = new ProducePart(0, -1, deadlineMs, { partSettled: () => resolve(part) });
      this.partition.produceMirrored(part, records, { originTopicId, expectedEnd, endOffset: -1 });
    });
  }

  #boot(): void {
    this.#process = new NodeProcess(this.#set, this.id, this.machine.boot());
    this.partition = this.#process.partition;
  }
}

/** One life of a broker, as far as replication goes. */
class NodeProcess {
  readonly io: Io;
  readonly partition: Partition;
  readonly fetchHandler: AnyHandler;
  readonly #set: ReplicaSet;
  readonly #id: number;
  readonly #brokers = new Map<number, BrokerInfo>();
  readonly #image: { brokers: Map<number, BrokerInfo>; endOffset: number; configOf: () => Map<string, string> };

  constructor(set: ReplicaSet, id: number, io: Io) {
    this.#set = set;
    this.#id = id;
    this.io = io;
    this.#image = { brokers: this.#brokers, endOffset: 0, configOf: () => new Map() };
    const image = this.#image as unknown as HandlerReach['image'];
    const sources = { image, nodeId: id, staticConfigs: new Map<string, string>() };
    const given = { io, logger: silentLogger, nodeId: id };
    const replication = new Replication({ ...given, peers: this.#peers(), channel: this.#channel(), sources });
    const log = openLogOf(io, openLogDir({ io, path: '/data' }), set.settings);
    const { settings } = set;
    this.partition = new Partition({
      ...TOPIC,
      ...given,
      log,
      settings,
      replication,
      limits: DEFAULT_LIMITS,
      onOffline: () => {},
    });
    const byId = () => this.partition;
    const partitions = { byName: byId, byId, all: () => [this.partition], errorByName: () => 3, errorById: () => 3 };
    const random = (): number => io.random.next();
    const monotonic = (): number => io.clock.monotonic();
    const facts = { nodeId: id, autoCreateTopics: false };
    const reach = { partitions, timers: io.timers, limits: DEFAULT_LIMITS, random, monotonic, image };
    const packer = new WirePacker({ ...io, limits: DEFAULT_LIMITS });
    this.fetchHandler = createFetchHandler({ ...reach, configSources: sources, facts, packer });
    const check = (): void => {
      this.partition.checkReplicas();
      io.timers.after(settings.lagMaxMs / 2, check);
    };
    check();
  }

  follow(index: number): void {
    const state = this.#set.controller.history[index]!;
    const endpoint = { name: 'INTERNAL', port: 9093, securityProtocol: 2 };
    for (const [id, { epoch, fenced }] of state.brokers) {
      const endpoints = [{ ...endpoint, host: String(id) }];
      this.#brokers.set(id, { id, epoch, fenced, inControlledShutdown: false, endpoints } as unknown as BrokerInfo);
    }
    this.#image.endOffset = index;
    this.partition.follow(state);
  }

  #peers(): Peers {
    const send = async (
      to: NodeAddress,
      _purpose: string,
      api: Api,
      body: RequestInput<Api>,
      call: { timeoutMs: number },
    ) => {
      const { timers } = this.io;
      const sent = this.#send(Number(to.host), api, body);
      const late = timers.sleep(Math.min(call.timeoutMs, 700)).then((): never => {
        throw new ClientError('timeout', to.host);
      });
      return { version: api.maxVersion, body: await Promise.race([sent, late]) };
    };
    return {
      send: send as unknown as Peers['send'],
      ask: () => Promise.resolve('alive'),
      onLost: () => () => {},
      close() {},
    };
  }

  /** There and back; whoever is dead or cut off never answers. */
  async #send(to: number, api: Api, body: RequestInput<Api>): Promise<unknown> {
    const never = new Promise<never>(() => {});
    const set = this.#set;
    if (!(await set.pass(this.#id, to))) return never;
    const target = set.node(to);
    if (!target.isAlive) throw new ClientError('disconnected', `broker ${to}`);
    const { process } = target;
    const answer = await callLocally(process.fetchHandler, api, body);
    if (!(await set.pass(to, this.#id)) || target.process !== process || !target.isAlive) return never;
    return answer;
  }

  #channel(): ControllerChannel {
    const set = this.#set;
    const send = async (_api: Api, body: RequestInput<typeof AlterPartition>): Promise<ResponseOf<Api>> => {
      if (!(await set.pass(this.#id, 0))) throw new ClientError('timeout', 'controller');
      const answer = set.controller.alterPartition(body);
      if (!(await set.pass(0, this.#id))) throw new ClientError('timeout', 'controller');
      return answer;
    };
    return { send: send as unknown as ControllerChannel['send'], isLocal: false };
  }
}

function openLogOf(io: Io, dir: LogDir, { log: config }: TopicSettings) {
  const { topic, topicId, index } = TOPIC;
  const marks = dir.partition(topic, index);
  const given = { marks, filePool: dir.filePool, syncParent: () => dir.syncNames() };
  return openLog({ io, folder: `/data/${topic}-${index}`, topicId, config, ...given });
}
