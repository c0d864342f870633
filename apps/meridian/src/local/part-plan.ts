/**
 * Which processes a local platform has and the config of each: per region a broker, a mirror that brings the other
 * regions' topics in, and a gateway. Called by `meridian local`, which writes the configs as JSON.
 * Invariant: the processes know nothing of `regions/`; all they need is in their config. Apps do not import each
 * other, so the shapes here follow `apps/<app>/src/config.ts`, and each process checks its own.
 */
import type { Region, Topology } from '@meridian/service/regions';
import type { KeyFiles } from './keys.ts';

export interface PlannedPart {
  /** `us-east/broker`. */
  name: string;
  app: 'broker' | 'mirror' | 'gateway';
  region: string;
  /** Gateways drain before their broker goes. */
  stopRank: number;
  config: object;
}

export interface PlanInputs {
  topology: Topology;
  dataFolder: string;
  keys: KeyFiles;
  internalSecret: string;
  defaultPartitions: number;
}

export function planParts(inputs: PlanInputs): PlannedPart[] {
  return inputs.topology.regions.flatMap((region) => {
    const parts = [part(region, 'broker', 0, brokerConfig(region, inputs))];
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

const namesOf = ({ regions }: Topology): string[] => regions.map(({ name }) => name);

function brokerConfig(region: Region, { topology, dataFolder, internalSecret, defaultPartitions }: PlanInputs): object {
  const { host, port, internalPort } = region.kafka;
  return {
    region: region.name,
    regionId: region.id,
    nodeId: 1,
    dataFolder: `${dataFolder}/${region.name}/broker`,
    client: { host, port },
    internal: { host, port: internalPort, secret: internalSecret },
    regions: namesOf(topology),
    autoCreateTopics: true,
    defaultPartitions,
    // Nobody waits here for members that may still be starting; Apache Kafka's example of a single node has the same.
    configs: { 'group.initial.rebalance.delay.ms': '0' },
  };
}

function mirrorConfig(region: Region, sources: readonly Region[], { internalSecret }: PlanInputs): object {
  const addressOf = ({ kafka }: Region) => ({ host: kafka.host, port: kafka.internalPort });
  return {
    region: region.name,
    secret: internalSecret,
    target: [addressOf(region)],
    links: sources.map((source) => ({ from: source.name, to: region.name, bootstrap: [addressOf(source)] })),
    management: { host: region.mirror.host, port: region.mirror.managementPort },
  };
}

function gatewayConfig(region: Region, { topology, keys, internalSecret }: PlanInputs): object {
  return {
    host: region.gateway.host,
    port: region.gateway.port,
    region: region.name,
    regions: namesOf(topology),
    bootstrap: [{ host: region.kafka.host, port: region.kafka.internalPort }],
    secret: internalSecret,
    jwksFile: keys.jwks,
    issuer: 'meridian',
    audience: 'meridian',
    cursorKeysFile: keys.cursorKeys,
  };
}
