/**
 * A region in one simulated world: its nodes, put together by the same `createBroker` as real processes, each on a machine
 * of its own, and the machines of its clients. Faults, workload and checkers reach everything through here.
 * Invariant: nothing here keeps state across a process's death but what is on its disk.
 */
import { type BrokerConfig, createBroker } from '@meridian/broker';
import { type Client, createClient } from '@meridian/client';
import { type Io, silentLogger } from '@meridian/io';
import type { SimLink, SimWorld } from '@meridian/io/sim';
import { type NodeEvents, NodeSlot } from './node-slot.ts';
import type { ClusterPlan, NodePlan } from './plan.ts';

const REGION = { name: 'us-east', id: 1 } as const;
const SECRET = 'a secret of the simulation';
const PORTS = { client: 9092, internal: 9093 } as const;
/** Machines of clients: no fault kills them, but their links are cut like any other. */
export const CLIENT_MACHINES = ['app1', 'app2'] as const;
/** Of clients: an unanswered request is given up in time for another to be sent. */
const CLIENT_LIMITS = { requestTimeoutMs: 4_000, connectTimeoutMs: 2_000, metadataMaxAgeMs: 3_000 } as const;

export interface Region {
  readonly world: SimWorld;
  readonly plan: ClusterPlan;
  readonly slots: readonly NodeSlot[];
  readonly brokers: readonly NodeSlot[];
  readonly controllers: readonly NodeSlot[];
  slot(id: number): NodeSlot | undefined;
  start(): void;
  allReady(): boolean;
  /** Of the two machines; an id is that of a node. */
  link(a: string | number, b: string | number): SimLink;
  /** A client on one of the clients' machines. */
  client(machine: string, clientId: string): { io: Io; client: Client };
  /** One that speaks to this node alone, as its peers do. */
  peerOf(slot: NodeSlot): { io: Io; client: Client };
}

export type RegionEvents = Omit<NodeEvents, 'start'>;

export function createRegion(world: SimWorld, plan: ClusterPlan, events: RegionEvents): Region {
  const slots = plan.nodes.map((node) => createSlot(world, plan, node, events));
  const hostOf = (name: string | number): string =>
    typeof name === 'string' ? name : slots.find((slot) => slot.plan.id === name)!.plan.host;
  const machines = new Map<string, Io>(CLIENT_MACHINES.map((name) => [name, world.node(name).boot()]));
  const brokers = slots.filter((slot) => slot.plan.isBroker);
  const bootstrap = brokers.map(({ plan: { host } }) => ({ host, port: PORTS.client }));
  return {
    world,
    plan,
    slots,
    brokers,
    controllers: slots.filter((slot) => slot.plan.isController),
    slot: (id) => slots.find((slot) => slot.plan.id === id),
    start: () => {
      for (const slot of slots) slot.start();
    },
    allReady: () => slots.every((slot) => slot.isUp),
    link: (a, b) => world.link(hostOf(a), hostOf(b)),
    client: (machine, clientId) => {
      const io = machines.get(machine)!;
      return { io, client: createClient({ io, bootstrap, clientId, log: silentLogger, limits: CLIENT_LIMITS }) };
    },
    peerOf: ({ plan: { host } }) => {
      const io = machines.get(CLIENT_MACHINES[0])!;
      const bootstrap = [{ host, port: PORTS.internal }];
      const given = { io, bootstrap, clientId: 'peer', secret: SECRET, log: silentLogger, limits: CLIENT_LIMITS };
      return { io, client: createClient(given) };
    },
  };
}

function createSlot(world: SimWorld, plan: ClusterPlan, node: NodePlan, events: RegionEvents): NodeSlot {
  const slot = new NodeSlot(world, node, {
    ...events,
    start: (io, process) => createBroker({ io, config: configOf(plan, node), ...process }),
  });
  slot.node.setSyncLatency(plan.syncMs);
  return slot;
}

function configOf(plan: ClusterPlan, node: NodePlan): BrokerConfig {
  const { id, host, isBroker, isController, directoryId, rack } = node;
  return {
    region: REGION.name,
    regionId: REGION.id,
    regions: [REGION.name],
    nodeId: id,
    clusterId: plan.clusterId,
    roles: [...(isBroker ? (['broker'] as const) : []), ...(isController ? (['controller'] as const) : [])],
    voters: plan.nodes.filter((other) => other.isController).map(voterOf),
    ...(isController && directoryId !== undefined && { directoryId }),
    dataFolder: '/data',
    ...(isBroker && { client: { host, port: PORTS.client } }),
    internal: { host, port: PORTS.internal, secret: SECRET },
    autoCreateTopics: false,
    defaultPartitions: 1,
    configs: { ...plan.configs, ...(isBroker && { 'broker.rack': rack }) },
  };
}

function voterOf({ id, host, directoryId }: NodePlan) {
  return { id, host, port: PORTS.internal, ...(directoryId !== undefined && { directoryId }) };
}
