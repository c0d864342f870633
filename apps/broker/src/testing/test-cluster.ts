/**
 * Whole nodes of one cluster on simulated machines, each broker and controller, for the tests of this app. Made by
 * `startTestCluster`; time runs only while a test waits for something.
 */
import { type Io, silentLogger } from '@meridian/io';
import { createSimWorld, type SimNode, type SimWorld } from '@meridian/io/sim';
import { uuidToBase64 } from '@meridian/protocol';
import { type Broker, type BrokerConfig, createBroker } from '../broker.ts';
import { TestConnection } from './test-connection.ts';

const SECRET = 'a secret of twenty characters';
const CLIENT_PORT = 9092;
const INTERNAL_PORT = 9093;
const CLUSTER_ID = 'MkU3OEVBNTcwNTJENDM2Qg';
const START_LIMIT_MS = 120_000;

const hostOf = (id: number): string => `node-${id}`;
const directoryOf = (id: number): string => uuidToBase64(`00000000-0000-4000-8000-${String(id).padStart(12, '0')}`);

/** What differs from the config of a node that is everything; of all nodes, or of each. */
type NodeConfig = Partial<BrokerConfig> | ((id: number) => Partial<BrokerConfig>);

export interface TestClusterOptions {
  readonly seed?: number;
  readonly ids?: readonly number[];
  /** All of them if absent. */
  readonly voters?: readonly number[];
  readonly config?: NodeConfig;
}

export class TestNode {
  readonly id: number;
  readonly machine: SimNode;
  /** The process that runs now; undefined from its kill to its next start. */
  broker: Broker | undefined;
  io: Io | undefined;
  /** Problems that it logged. */
  readonly problems: string[] = [];

  constructor(id: number, machine: SimNode) {
    this.id = id;
    this.machine = machine;
  }

  /** Of the process that runs now. */
  get disk() {
    return this.io!.disk;
  }

  /** As it sees the cluster. */
  get image() {
    return this.broker!.inspect().image;
  }

  kill(): void {
    this.machine.kill();
    this.broker = undefined;
  }
}

export class TestCluster {
  readonly world: SimWorld;
  readonly nodes = new Map<number, TestNode>();
  readonly #ids: readonly number[];
  readonly #voters: readonly number[];
  readonly #config: NodeConfig;
  #clients: Io | undefined;

  constructor({ seed = 1, ids = [1, 2, 3], voters = ids, config = {} }: TestClusterOptions) {
    this.world = createSimWorld({ seed });
    this.#ids = ids;
    this.#voters = voters;
    this.#config = config;
    for (const id of ids) this.nodes.set(id, new TestNode(id, this.world.node(hostOf(id))));
  }

  node(id: number): TestNode {
    return this.nodes.get(id)!;
  }

  get running(): TestNode[] {
    return [...this.nodes.values()].filter(({ broker }) => broker !== undefined);
  }

  /** The active controller; throws if there is none. */
  get active(): TestNode {
    const found = this.running.find(({ broker }) => broker!.inspect().isActiveController);
    if (found === undefined) throw new Error('no node is the active controller');
    return found;
  }

  /** Starts them together; resolves when all of them serve. */
  async start(...ids: readonly number[]): Promise<void> {
    const started = Promise.all((ids.length === 0 ? this.#ids : ids).map((id) => this.#boot(id)));
    await this.world.settle(started, START_LIMIT_MS);
  }

  /** Begins to start one; time has to be let run. */
  begin(id: number): Promise<void> {
    return this.#boot(id);
  }

  /** Starts one and gives that up after a while; resolves with why it did not come to be. */
  async giveUp(id: number, afterMs: number): Promise<unknown> {
    const givenUp = new AbortController();
    const failed = this.#boot(id, givenUp.signal).catch((error: unknown) => error);
    await this.world.run(this.world.now() + afterMs);
    givenUp.abort();
    return this.world.settle(failed);
  }

  async stop(id: number): Promise<void> {
    const node = this.node(id);
    await this.world.settle(node.broker!.stop());
    node.kill();
  }

  /** Lets time run until it is so; throws when that takes too long. Returns the virtual time that it took. */
  async until(isSo: () => boolean, limitMs = 30_000): Promise<number> {
    const begunMs = this.world.now();
    if (!(await this.world.runUntil(isSo, limitMs))) throw new Error(`not so within ${limitMs} ms: ${isSo}`);
    return this.world.now() - begunMs;
  }

  /** To a node's client listener. */
  async connect(id: number): Promise<TestConnection> {
    this.#clients ??= this.world.node('clients').boot();
    const io = this.#clients;
    const to = { host: hostOf(id), port: CLIENT_PORT, timeoutMs: 1_000 };
    return new TestConnection(this.world, await this.world.settle(io.net.connect(to)));
  }

  async #boot(id: number, givenUp?: AbortSignal): Promise<void> {
    const node = this.node(id);
    const note = (message: string, fields?: unknown): void =>
      void node.problems.push(`${message} ${JSON.stringify(fields)}`);
    const log = { ...silentLogger, warn: note, error: note };
    const io = node.machine.boot();
    node.io = io;
    const onFatal = (error: Error): void => note(error.message);
    node.broker = await createBroker({ io, log, config: this.#configOf(id), onFatal, ...(givenUp && { givenUp }) });
  }

  #configOf(id: number): BrokerConfig {
    const host = hostOf(id);
    return {
      region: 'us-east',
      regionId: 1,
      nodeId: id,
      clusterId: CLUSTER_ID,
      dataFolder: '/data',
      client: { host, port: CLIENT_PORT },
      internal: { host, port: INTERNAL_PORT, secret: SECRET },
      regions: ['us-east', 'eu-west'],
      autoCreateTopics: true,
      defaultPartitions: 1,
      voters: this.#voters.map((each) => ({
        id: each,
        host: hostOf(each),
        port: INTERNAL_PORT,
        directoryId: directoryOf(each),
      })),
      ...(typeof this.#config === 'function' ? this.#config(id) : this.#config),
    };
  }
}

/** Three nodes, all of which serve, unless told otherwise. */
export async function startTestCluster(options: TestClusterOptions = {}): Promise<TestCluster> {
  const cluster = new TestCluster(options);
  await cluster.start();
  return cluster;
}
