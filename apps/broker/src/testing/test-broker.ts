/**
 * A whole broker on a simulated machine, for the tests of this app. Made by `startTestBroker`; time runs only while a
 * test waits for something.
 */
import { type Io, silentLogger } from '@meridian/io';
import { createSimWorld, type SimNode, type SimWorld } from '@meridian/io/sim';
import {
  CreateTopics,
  createScramClient,
  DeleteTopics,
  Fetch,
  type RequestInput,
  SaslAuthenticate,
  SaslHandshake,
  ZERO_UUID,
} from '@meridian/protocol';
import { type Broker, type BrokerConfig, type BrokerLimits, createBroker } from '../broker.ts';
import { TestConnection } from './test-connection.ts';

const SECRET = 'a secret of twenty characters';
const CLIENT_PORT = 9092;
const INTERNAL_PORT = 9093;

export interface TestBroker {
  readonly world: SimWorld;
  readonly node: SimNode;
  /** The world of the process that runs now, for a look at its disk. */
  io: Io;
  /** The process that runs now. */
  broker: Broker;
  /** Problems that the broker logged. */
  readonly problems: string[];
  /** What made the broker give up. */
  readonly fatal: Error[];
  /** What is not the default in the config of the next start. */
  readonly config: { -readonly [K in keyof BrokerConfig]?: BrokerConfig[K] };
  /** A connection to the client listener. */
  connect(): Promise<TestConnection>;
  /** A connection to the internal listener that has proved the secret. */
  connectInternal(secret?: string): Promise<TestConnection>;
  /** A connection to the internal listener that has proved nothing. */
  connectStranger(): Promise<TestConnection>;
  /** Starts the process again after a kill, a power loss or a stop. */
  restart(): Promise<void>;
}

export async function startTestBroker(
  options: { seed?: number; limits?: Partial<BrokerLimits>; config?: Partial<BrokerConfig> } = {},
): Promise<TestBroker> {
  const world = createSimWorld({ seed: options.seed ?? 1 });
  const node = world.node('broker');
  const clients = world.node('clients').boot();
  const problems: string[] = [];
  const fatal: Error[] = [];
  const config = { ...options.config };
  const onFatal = (error: Error): void => void fatal.push(error);
  let io = node.boot();
  const start = async (): Promise<Broker> => {
    const note = (message: string): void => void problems.push(message);
    const log = { ...silentLogger, warn: note, error: note };
    const limits = options.limits ?? {};
    io = node.boot();
    return world.settle(createBroker({ io, config: configOf(config), log, limits, onFatal }));
  };
  const open = (port: number) => openConnection(world, clients, port);
  const broker = await start();
  const test: TestBroker = {
    world,
    node,
    io,
    broker,
    problems,
    fatal,
    config,
    connect: () => open(CLIENT_PORT),
    connectStranger: () => open(INTERNAL_PORT),
    connectInternal: async (secret = SECRET) => authenticate(await open(INTERNAL_PORT), secret),
    async restart() {
      test.broker = await start();
      test.io = io;
    },
  };
  return test;
}

export interface TestTopic {
  readonly name: string;
  readonly topicId: string;
}

/** Two partitions, on the internal listener, where everything may be set. */
export async function createTopic(
  broker: TestBroker,
  name: string,
  configs: Readonly<Record<string, string>> = {},
): Promise<TestTopic> {
  const connection = await broker.connectInternal();
  const given = Object.entries(configs).map(([key, value]) => ({ name: key, value }));
  const topics = [{ name, numPartitions: 2, replicationFactor: 1, assignments: [], configs: given }];
  const [made] = (await connection.request(CreateTopics, 7, { topics, timeoutMs: 1_000 })).topics;
  if (made?.errorCode !== 0) throw new Error(`${name}: error ${made?.errorCode} ${made?.errorMessage}`);
  connection.socket.end();
  return { name, topicId: made.topicId };
}

export async function deleteTopic(broker: TestBroker, name: string): Promise<void> {
  const connection = await broker.connect();
  const request = { topics: [{ name, topicId: ZERO_UUID }], topicNames: [], timeoutMs: 1_000 };
  const [gone] = (await connection.request(DeleteTopics, 6, request)).responses;
  if (gone?.errorCode !== 0) throw new Error(`${name}: error ${gone?.errorCode}`);
  connection.socket.end();
}

interface FetchOptions {
  readonly fetchOffset: number;
  readonly maxWaitMs?: number;
  readonly minBytes?: number;
  readonly maxBytes?: number;
  readonly currentLeaderEpoch?: number;
  readonly lastFetchedEpoch?: number;
  readonly originEpochsFrom?: number;
}

/** A Fetch of version 12, which goes by name. */
export function fetchOf(topic: TestTopic, options: FetchOptions, indexes = [0]): RequestInput<typeof Fetch> {
  const { fetchOffset, maxWaitMs = 500, minBytes = 1, maxBytes = 1_000_000, ...rest } = options;
  const partitions = indexes.map((partition) => ({ partition, fetchOffset, partitionMaxBytes: maxBytes, ...rest }));
  return { maxWaitMs, minBytes, maxBytes, topics: [{ topic: topic.name, topicId: topic.topicId, partitions }] };
}

export async function fetchOne(connection: TestConnection, topic: TestTopic, options: FetchOptions) {
  const { responses } = await connection.request(Fetch, 12, fetchOf(topic, options));
  return responses[0]!.partitions[0]!;
}

function configOf(config: Partial<BrokerConfig> = {}): BrokerConfig {
  return {
    region: 'us-east',
    regionId: 1,
    nodeId: 1,
    dataFolder: '/data',
    client: { host: 'broker', port: CLIENT_PORT },
    internal: { host: 'broker', port: INTERNAL_PORT, secret: SECRET },
    regions: ['us-east', 'eu-west'],
    autoCreateTopics: true,
    defaultPartitions: 2,
    ...config,
  };
}

async function openConnection(world: SimWorld, io: Io, port: number): Promise<TestConnection> {
  const socket = await world.settle(io.net.connect({ host: 'broker', port, timeoutMs: 1_000 }));
  return new TestConnection(world, socket);
}

async function authenticate(connection: TestConnection, password: string): Promise<TestConnection> {
  const scram = createScramClient({ user: 'internal', password, nonce: 'a nonce of the client'.replaceAll(' ', '-') });
  await connection.request(SaslHandshake, 1, { mechanism: 'SCRAM-SHA-256' });
  const first = await connection.request(SaslAuthenticate, 2, { authBytes: scram.first() });
  const final = await connection.request(SaslAuthenticate, 2, { authBytes: scram.final(first.authBytes) });
  if (final.errorCode === 0) scram.verify(final.authBytes);
  return connection;
}
