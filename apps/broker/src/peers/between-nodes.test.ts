/** Nodes with their real listeners on simulated machines: what one asks of another, forwards to it, and sees of its end. */
import { silentLogger } from '@meridian/io';
import { createSimWorld, type SimNode, type SimWorld } from '@meridian/io/sim';
import {
  ApiVersions,
  BrokerHeartbeat,
  CreateTopics,
  createScramServer,
  Envelope,
  ERROR,
  scramCredential,
} from '@meridian/protocol';
import { expect, test } from 'vitest';
import { createSaslHandshakeHandler } from '../apis/17-sasl-handshake.ts';
import { createSaslAuthenticateHandler } from '../apis/36-sasl-authenticate.ts';
import { createEnvelopeHandler } from '../apis/58-envelope.ts';
import { createForwarding } from '../apis/forwarding.ts';
import type { AnyHandler, ListenerName, RequestHeader } from '../apis/handler.ts';
import { DEFAULT_LIMITS } from '../limits.ts';
import { createScramAuthentication, OPEN } from '../server/authentication.ts';
import { createDispatch } from '../server/dispatch.ts';
import { openListener } from '../server/listener.ts';
import { RequestMemory } from '../server/request-memory.ts';
import { Turn } from '../server/turn.ts';
import { TestConnection } from '../testing/test-connection.ts';
import { LivenessWatch } from './liveness-watch.ts';
import { NodeControllerChannel } from './node-controller-channel.ts';
import { createPeers } from './node-peers.ts';
import type { NodeAddress } from './peers.ts';

const SECRET = 'a secret of twenty characters';
const PORTS = { client: 9092, internal: 9093 } as const;
const IDS = [1, 2, 3];
const TOPICS = {
  timeoutMs: 5_000,
  topics: [{ name: 'a', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }],
};
const HEARTBEAT = { brokerId: 2, currentMetadataOffset: 0, wantFence: false, wantShutDown: false };

const addressOf = (id: number): NodeAddress => ({ host: `node-${id}`, port: PORTS.internal });

/** What all nodes believe, and what the controller was told. */
class Cluster {
  readonly world: SimWorld = createSimWorld({ seed: 8 });
  leader = 1;
  readonly created: string[] = [];
  readonly told: string[] = [];
  readonly machines = new Map<number, SimNode>();
  readonly channels = new Map<number, NodeControllerChannel>();

  static async start(): Promise<Cluster> {
    const cluster = new Cluster();
    for (const id of IDS) await cluster.#boot(id);
    return cluster;
  }

  elect(id: number): void {
    this.leader = id;
    for (const channel of this.channels.values()) channel.leaderChanged();
  }

  async client(id: number): Promise<TestConnection> {
    const io = this.world.node('client').boot();
    const to = { host: `node-${id}`, port: PORTS.client, timeoutMs: 1_000 };
    return new TestConnection(this.world, await this.world.settle(io.net.connect(to)));
  }

  async #boot(id: number): Promise<void> {
    const machine = this.world.node(`node-${id}`);
    this.machines.set(id, machine);
    const io = machine.boot();
    const peers = createPeers({ io, log: silentLogger, nodeId: id, secret: SECRET });
    const isActive = (): boolean => this.leader === id;
    const leader = () => (isActive() ? undefined : { id: this.leader, address: addressOf(this.leader) });
    const gone = (what: string) => (lost: number) => void this.told.push(`${id}: ${what} ${lost} is gone`);
    const brokers = () => new Map(isActive() ? IDS.map((each) => [each, addressOf(each)]) : []);
    const watch = new LivenessWatch({
      ...{ timers: io.timers, peers, nodeId: id, leader, brokers },
      leaderGone: gone('leader'),
      brokerGone: gone('broker'),
    });
    const quorum = {
      ...{ self: { id }, addressOf, leaderUnreachable: gone('leader') },
      leader: () => ({ id: this.leader, epoch: 1 }),
    };
    const handlerOf = (key: number) => handlers.find(({ api }) => api.key === key);
    const channel = new NodeControllerChannel({ io, peers, quorum, handlerOf });
    this.channels.set(id, channel);
    const creating = this.#creating(id);
    const handlers: readonly AnyHandler[] = [
      ...[createSaslHandshakeHandler(), createSaslAuthenticateHandler(), versions(() => handlers), beating(isActive)],
      createForwarding(creating, { isActive, channel }),
      createEnvelopeHandler({ isActive }, [creating]),
    ];
    await this.#listen(id, 'client', io, handlers, watch);
    await this.#listen(id, 'internal', io, handlers, watch);
  }

  #creating(id: number): AnyHandler {
    return {
      api: CreateTopics,
      handle: ({ topics }: typeof TOPICS, { source }: RequestHeader) => {
        this.created.push(`${topics[0]!.name} at ${id} from ${source.listener}`);
        return { topics: topics.map(({ name }) => ({ name, errorCode: ERROR.NONE })) };
      },
    };
  }

  async #listen(
    id: number,
    name: ListenerName,
    io: ReturnType<SimNode['boot']>,
    handlers: readonly AnyHandler[],
    brokers: LivenessWatch,
  ): Promise<void> {
    const credential = scramCredential(SECRET, io.random.bytes(16), 4_096);
    const scram = () => createScramServer({ lookup: () => credential, nonce: io.random.bytes(18).toString('base64') });
    const listener = openListener({
      ...{ io, name, brokers, host: `node-${id}`, port: PORTS[name], limits: DEFAULT_LIMITS, log: silentLogger },
      createAuthentication: () => (name === 'client' ? OPEN : createScramAuthentication(scram)),
      turn: new Turn(io.timers, DEFAULT_LIMITS.maxTurnMs),
      memory: new RequestMemory(DEFAULT_LIMITS.maxRequestBytes),
      maxConnections: () => 100,
    });
    (await this.world.settle(listener)).serve(createDispatch(name, handlers));
  }
}

function versions(handlers: () => readonly AnyHandler[]): AnyHandler {
  const apiKeys = () =>
    handlers().map(({ api }) => ({ apiKey: api.key, minVersion: api.minVersion, maxVersion: api.maxVersion }));
  return { api: ApiVersions, handle: () => ({ errorCode: ERROR.NONE, apiKeys: apiKeys() }) };
}

function beating(isActive: () => boolean): AnyHandler {
  return {
    api: BrokerHeartbeat,
    handle: ({ brokerId }: { brokerId: number }, { source }: RequestHeader) => {
      if (!isActive()) return { errorCode: ERROR.NOT_CONTROLLER, shouldShutDown: false };
      source.identify(brokerId);
      return { errorCode: ERROR.NONE, shouldShutDown: false };
    },
  };
}

test('a client’s request reaches the active controller through any broker, and the next one after it has moved', async () => {
  const cluster = await Cluster.start();
  const client = await cluster.client(2);
  const created = { topics: [{ name: 'a', errorCode: ERROR.NONE }] };
  expect(await client.request(CreateTopics, 7, TOPICS)).toMatchObject(created);
  cluster.elect(3);
  expect(await client.request(CreateTopics, 5, TOPICS)).toMatchObject(created);
  cluster.elect(2);
  expect(await client.request(CreateTopics, 2, TOPICS)).toMatchObject(created);
  expect(cluster.created).toEqual(['a at 1 from client', 'a at 3 from client', 'a at 2 from client']);
});

test('a request that is on its way when the controller dies is answered by the next one', async () => {
  const cluster = await Cluster.start();
  const client = await cluster.client(2);
  cluster.machines.get(1)!.kill();
  client.send(CreateTopics, 7, TOPICS);
  await cluster.world.run(cluster.world.now() + 500);
  expect(cluster.told).toContain('2: leader 1 is gone');
  cluster.elect(3);
  expect(await client.receive(CreateTopics, 7)).toMatchObject({ topics: [{ errorCode: ERROR.NONE }] });
  expect(cluster.created).toEqual(['a at 3 from client']);
});

test('on the client listener there is no envelope', async () => {
  const cluster = await Cluster.start();
  const client = await cluster.client(1);
  client.send(Envelope, 0, {
    requestData: Buffer.alloc(9),
    requestPrincipal: null,
    clientHostAddress: Buffer.alloc(4),
  });
  expect(await client.closes()).toBe(true);
});

test('the end of a broker’s process is known to the controller at once, and the controller’s to the brokers', async () => {
  const cluster = await Cluster.start();
  const { world, told, machines } = cluster;
  const beat = (id: number) =>
    cluster.channels.get(id)!.send(BrokerHeartbeat, { ...HEARTBEAT, brokerId: id }, { timeoutMs: 1_000 });
  for (const id of IDS) expect(await world.settle(beat(id))).toMatchObject({ errorCode: ERROR.NONE });
  machines.get(2)!.kill();
  await world.run(world.now() + 150);
  expect(told).toContain('1: broker 2 is gone');
  expect(told.filter((line) => line.includes('broker 3'))).toEqual([]);
  machines.get(1)!.kill();
  await world.run(world.now() + 150);
  expect(told).toContain('3: leader 1 is gone');
});

test('a process that stands still is not taken for one that is gone', async () => {
  const cluster = await Cluster.start();
  const { world, told, machines } = cluster;
  await world.settle(cluster.channels.get(2)!.send(BrokerHeartbeat, HEARTBEAT, { timeoutMs: 1_000 }));
  machines.get(2)!.stall(10_000);
  world.link('node-1', 'node-2').reset();
  await world.run(world.now() + 3_000);
  expect(told).toEqual([]);
});
