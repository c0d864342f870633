/**
 * Which processes a local platform has and the config of each: per region its brokers (none where Apache Kafka is the
 * engine), mirrors that bring the other regions' topics in, and a gateway. Called by `meridian local`, which writes the configs as JSON.
 * Invariant: the processes know nothing of `regions/`; all they need is in their config. Apps do not import each
 * other, so the shapes here follow `apps/<app>/src/config.ts`, and each process checks its own.
 */
import {
  type BrokerAddress,
  brokersOf,
  type EmbeddedRegion,
  type MirrorAddress,
  mirrorsOf,
  type Region,
  type Topology,
} from '@meridian/service/regions';
import { endpointOf } from './kafka-region.ts';
import type { KeyFiles } from './keys.ts';
import type { RegionCluster } from './region-cluster.ts';

export interface PlannedPart {
  /** `us-east/broker`, `us-east/broker-2`, `us-east/mirror`. */
  name: string;
  app: 'broker' | 'mirror' | 'gateway';
  region: string;
  /** Gateways drain before their broker goes. */
  stopRank: number;
  config: object;
}

export interface PlanInputs {
  topology: Topology;
  /** Where its files lie; links are followed there. */
  regionsFolder: string;
  /** In each region that is embedded. */
  brokers: number;
  /** In each region. */
  mirrors: number;
  /** By region; none where a broker is alone. */
  clusters: ReadonlyMap<string, RegionCluster>;
  dataFolder: string;
  keys: KeyFiles;
  internalSecret: string;
  defaultPartitions: number;
}

export function planParts(inputs: PlanInputs): PlannedPart[] {
  const { topology, brokers, mirrors } = inputs;
  return topology.regions.flatMap((region) => {
    const parts =
      region.engine === 'kafka' ? [] : brokersOf(region, brokers).map((broker) => brokerPart(region, broker, inputs));
    const others = topology.regions.filter(({ name }) => name !== region.name);
    // Without a link in its file, too: one may be created while it runs.
    if (others.length > 0) {
      parts.push(...mirrorsOf(region, mirrors).map((mirror) => mirrorPart(region, mirror, others, inputs)));
    }
    return [...parts, part(region, 'gateway', 1, gatewayConfig(region, inputs))];
  });
}

function part(region: Region, app: PlannedPart['app'], stopRank: number, config: object): PlannedPart {
  return { name: `${region.name}/${app}`, app, region: region.name, stopRank, config };
}

function brokerPart(region: EmbeddedRegion, broker: BrokerAddress, inputs: PlanInputs): PlannedPart {
  const folder = numbered('broker', broker.nodeId);
  const cluster = inputs.clusters.get(region.name);
  const alone = brokerConfig(region, broker, inputs);
  const config =
    cluster === undefined ? alone : { ...alone, ...nodeOfCluster(region, broker, cluster, inputs.brokers) };
  return { ...part(region, 'broker', 0, config), name: `${region.name}/${folder}` };
}

/** The first one keeps the name that it has alone. */
const numbered = (what: string, number: number): string => (number === 1 ? what : `${what}-${number}`);

const namesOf = ({ regions }: Topology): string[] => regions.map(({ name }) => name);

function brokerConfig(region: Region, { nodeId, host, port, internalPort }: BrokerAddress, inputs: PlanInputs) {
  const { topology, dataFolder, internalSecret, defaultPartitions } = inputs;
  return {
    region: region.name,
    regionId: region.id,
    nodeId,
    dataFolder: `${dataFolder}/${region.name}/${numbered('broker', nodeId)}`,
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

function mirrorPart(
  region: Region,
  { number, host, managementPort }: MirrorAddress,
  sources: readonly Region[],
  inputs: PlanInputs,
): PlannedPart {
  const memberId = numbered('mirror', number);
  const config = {
    region: region.name,
    secret: inputs.internalSecret,
    target: endpoint(region, inputs),
    sources: sources.map((source) => ({ region: source.name, ...endpoint(source, inputs) })),
    linksFile: `${inputs.regionsFolder}/links.yaml`,
    memberId,
    management: { host, port: managementPort },
  };
  return { ...part(region, 'mirror', 1, config), name: `${region.name}/${memberId}` };
}

const endpoint = (region: Region, { brokers, regionsFolder }: PlanInputs) => endpointOf(region, brokers, regionsFolder);

function gatewayConfig(region: Region, inputs: PlanInputs): object {
  const { topology, keys, internalSecret } = inputs;
  return {
    host: region.gateway.host,
    port: region.gateway.port,
    region: region.name,
    regions: namesOf(topology),
    ...endpoint(region, inputs),
    ...(region.engine === 'embedded' && { secret: internalSecret }),
    jwksFile: keys.jwks,
    issuer: 'meridian',
    audience: 'meridian',
    cursorKeysFile: keys.cursorKeys,
  };
}
