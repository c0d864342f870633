/**
 * Which processes a local platform has and the config of each: per region its brokers, a mirror that brings the other
 * regions' topics in, and a gateway. Called by `meridian local`, which writes the configs as JSON.
 * Invariant: the processes know nothing of `regions/`; all they need is in their config. Apps do not import each
 * other, so the shapes here follow `apps/<app>/src/config.ts`, and each process checks its own.
 */
import { type BrokerAddress, brokersOf, type Region, type Topology } from '@meridian/service/regions';
import type { KeyFiles } from './keys.ts';
import type { RegionCluster } from './region-cluster.ts';

export interface PlannedPart {
  /** `us-east/broker`, `us-east/broker-2`. */
  name: string;
  app: 'broker' | 'mirror' | 'gateway';
  region: string;
  /** Gateways drain before their broker goes. */
  stopRank: number;
  config: object;
}

export interface PlanInputs {
  topology: Topology;
  /** In each region. */
  brokers: number;
  /** By region; none where a broker is alone. */
  clusters: ReadonlyMap<string, RegionCluster>;
  dataFolder: string;
  keys: KeyFiles;
  internalSecret: string;
  defaultPartitions: number;
}

export function planParts(inputs: PlanInputs): PlannedPart[] {
  return inputs.topology.regions.flatMap((region) => {
    const parts = brokersOf(region, inputs.brokers).map((broker) => brokerPart(region, broker, inputs));
    const sources = sourcesOf(region, inputs.topology);
    if (sources.length > 0) parts.push(part(region, 'mirror', 1, mirrorConfig(region, sources, inputs)));
    return [...parts, part(region, 'gateway', 1, gatewayConfig(region, inputs))];
  });
}

function sourcesOf(region: Region, { regions, links }: Topology): Region[] {
  const names = links.filter(({ to }) => to === region.name).map(({ from }) => from);
  return regions.filter(({ name }) => names.includes(name));
}

function part(region: Region, app: PlannedPart['app'], stopRank: number, config: object): PlannedPart {
  return { name: `${region.name}/${app}`, app, region: region.name, stopRank, config };
}

function brokerPart(region: Region, broker: BrokerAddress, inputs: PlanInputs): PlannedPart {
  const folder = brokerFolder(broker.nodeId);
  const cluster = inputs.clusters.get(region.name);
  const alone = brokerConfig(region, broker, inputs);
  const config =
    cluster === undefined ? alone : { ...alone, ...nodeOfCluster(region, broker, cluster, inputs.brokers) };
  return { ...part(region, 'broker', 0, config), name: `${region.name}/${folder}` };
}

/** The first one keeps the name that it has alone. */
const brokerFolder = (nodeId: number): string => (nodeId === 1 ? 'broker' : `broker-${nodeId}`);

const namesOf = ({ regions }: Topology): string[] => regions.map(({ name }) => name);

function brokerConfig(region: Region, { nodeId, host, port, internalPort }: BrokerAddress, inputs: PlanInputs) {
  const { topology, dataFolder, internalSecret, defaultPartitions } = inputs;
  return {
    region: region.name,
    regionId: region.id,
    nodeId,
    dataFolder: `${dataFolder}/${region.name}/${brokerFolder(nodeId)}`,
    client: { host, port },
    internal: { host, port: internalPort, secret: internalSecret },
    regions: namesOf(topology),
    autoCreateTopics: true,
    defaultPartitions,
    configs: CONFIGS,
  };
}

/** Nobody waits here for members that may still be starting; Apache Kafka's example of a single node has the same. */
const CONFIGS = { 'group.initial.rebalance.delay.ms': '0' } as const;

/**
 * One of three may be missing, and what was acknowledged is on two. Every node is a controller, too: one that does not
 * vote observes, and can be made a voter.
 */
function nodeOfCluster(region: Region, { nodeId }: BrokerAddress, { clusterId, voters }: RegionCluster, count: number) {
  const addresses = brokersOf(region, count);
  const replicas = String(Math.min(count, MAX_REPLICAS));
  const self = voters.find(({ id }) => id === nodeId);
  return {
    clusterId,
    ...(self?.directoryId !== undefined && { directoryId: self.directoryId }),
    voters: voters.flatMap((voter) =>
      addresses
        .filter((address) => address.nodeId === voter.id)
        .map(({ host, internalPort }) => ({ ...voter, host, port: internalPort })),
    ),
    configs: {
      ...CONFIGS,
      'default.replication.factor': replicas,
      'offsets.topic.replication.factor': replicas,
      'min.insync.replicas': count < MAX_REPLICAS ? '1' : '2',
    },
  };
}

/** Of topics, where a region has so many brokers. */
export const MAX_REPLICAS = 3;

/** The internal listeners of a region's brokers. */
function internalAddresses(region: Region, { brokers }: PlanInputs): { host: string; port: number }[] {
  return brokersOf(region, brokers).map(({ host, internalPort }) => ({ host, port: internalPort }));
}

function mirrorConfig(region: Region, sources: readonly Region[], inputs: PlanInputs): object {
  const bootstrapOf = (source: Region) => internalAddresses(source, inputs);
  return {
    region: region.name,
    secret: inputs.internalSecret,
    target: internalAddresses(region, inputs),
    links: sources.map((source) => ({ from: source.name, to: region.name, bootstrap: bootstrapOf(source) })),
    management: { host: region.mirror.host, port: region.mirror.managementPort },
  };
}

function gatewayConfig(region: Region, inputs: PlanInputs): object {
  const { topology, keys, internalSecret } = inputs;
  return {
    host: region.gateway.host,
    port: region.gateway.port,
    region: region.name,
    regions: namesOf(topology),
    bootstrap: internalAddresses(region, inputs),
    secret: internalSecret,
    jwksFile: keys.jwks,
    issuer: 'meridian',
    audience: 'meridian',
    cursorKeysFile: keys.cursorKeys,
  };
}
