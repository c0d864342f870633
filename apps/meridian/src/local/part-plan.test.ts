/** Which processes a platform of one and of three brokers has, and what they are told. */
import { createSimWorld } from '@meridian/io/sim';
import { linkSpec } from '@meridian/service';
import { brokersOf, type Region, type Topology } from '@meridian/service/regions';
import { expect, test } from 'vitest';
import { keyFiles } from './keys.ts';
import { type PlannedPart, planParts } from './part-plan.ts';
import { portsOf } from './ports.ts';
import { openRegionCluster } from './region-cluster.ts';

const region = (name: string, id: number, port: number): Region => ({
  name,
  id,
  engine: 'embedded',
  kafka: { host: '127.0.0.1', port, internalPort: port + 1 },
  gateway: { host: '127.0.0.1', port: port - 1000 },
  mirror: { host: '127.0.0.1', managementPort: port + 2 },
});
const TOPOLOGY = { regions: [region('a', 1, 9092), region('b', 2, 9192)], links: [linkSpec({ from: 'a', to: 'b' })] };

interface Told {
  nodeId: number;
  dataFolder: string;
  clusterId: string;
  directoryId: string;
  voters: { id: number; port: number; directoryId: string }[];
  configs: Record<string, string>;
  target: { bootstrap: { port: number }[] };
  sources: { bootstrap: unknown[] }[];
  bootstrap: unknown[];
  memberId: string;
  management: { port: number };
}

function laptop() {
  return createSimWorld({ seed: 1 }).node('laptop').boot();
}

function plan(brokers: number, io = laptop(), topology: Topology = TOPOLOGY, mirrors = 1): PlannedPart[] {
  const clusters = new Map(
    brokers === 1
      ? []
      : topology.regions.map((each) => [
          each.name,
          openRegionCluster(io, `/data/${each.name}`, brokersOf(each, brokers)),
        ]),
  );
  const keys = keyFiles('/data');
  return planParts({
    topology,
    regionsFolder: '/regions',
    brokers,
    mirrors,
    clusters,
    dataFolder: '/data',
    keys,
    internalSecret: 's',
    defaultPartitions: 6,
  });
}

const configs = (parts: readonly PlannedPart[], pattern: RegExp) =>
  parts.filter(({ name }) => pattern.test(name)).map(({ config }) => config as Told);

test('one broker is planned as ever: alone, without voters', () => {
  const parts = plan(1);
  expect(parts.map(({ name }) => name)).toEqual([
    'a/broker',
    'a/mirror',
    'a/gateway',
    'b/broker',
    'b/mirror',
    'b/gateway',
  ]);
  const [broker] = configs(parts, /^a\/broker/);
  expect(Object.keys(broker!)).not.toContain('voters');
  expect(broker).toMatchObject({ nodeId: 1, dataFolder: '/data/a/broker', client: { port: 9092 } });
});

test('three brokers know each other by id, address and directory, and keep three replicas', () => {
  const trio = configs(plan(3), /^a\/broker/);
  expect(trio.map(({ nodeId, dataFolder }) => [nodeId, dataFolder])).toEqual([
    [1, '/data/a/broker'],
    [2, '/data/a/broker-2'],
    [3, '/data/a/broker-3'],
  ]);
  const [first] = trio;
  for (const { voters, clusterId, configs: told } of trio) {
    expect(voters).toEqual(first!.voters);
    expect(clusterId).toBe(first!.clusterId);
    expect(told).toMatchObject({ 'default.replication.factor': '3', 'min.insync.replicas': '2' });
  }
  expect(first!.voters).toMatchObject([
    { id: 1, port: 9093 },
    { id: 2, port: 9103 },
    { id: 3, port: 9113 },
  ]);
  const ids = trio.map(({ directoryId }) => directoryId);
  expect(ids).toEqual(first!.voters.map(({ directoryId }) => directoryId));
  expect(new Set(ids).size).toBe(3);
});

test('mirror and gateway are told all brokers, and no port is used twice', () => {
  const parts = plan(3);
  const [mirror] = configs(parts, /b\/mirror/);
  expect(mirror!.target.bootstrap.map(({ port }) => port)).toEqual([9193, 9203, 9213]);
  expect(mirror!.sources[0]!.bootstrap).toHaveLength(3);
  expect(configs(parts, /gateway/).map(({ bootstrap }) => bootstrap.length)).toEqual([3, 3]);
  const ports = portsOf(TOPOLOGY, 3).map(({ host, port }) => `${host}:${port}`);
  expect(new Set(ports).size).toBe(ports.length);
});

test('what was made for a cluster is kept', () => {
  const io = laptop();
  expect(configs(plan(3, io), /broker/)).toEqual(configs(plan(3, io), /broker/));
});

test('an even number has a node that does not vote, and five vote at most', () => {
  const votersOf = (brokers: number) => configs(plan(brokers), /^a\/broker/)[0]!.voters.map(({ id }) => id);
  expect(votersOf(2)).toEqual([1]);
  expect(votersOf(4)).toEqual([1, 2, 3]);
  expect(votersOf(7)).toEqual([1, 2, 3, 4, 5]);
});

test('a region that had one broker keeps it as its voter, under its cluster’s id; the others join', () => {
  const io = laptop();
  io.disk.makeFolder('/data/a/broker');
  const clusterId = 'MkU3OEVBNTcwNTJENDM2Qg';
  io.disk.replaceFile('/data/a/broker/meta.properties', Buffer.from(`version=1\ncluster.id=${clusterId}\n`));
  const parts = plan(3, io);
  const grown = configs(parts, /^a\/broker/);
  expect(grown.length).toBe(3);
  for (const config of grown) {
    expect(config).toMatchObject({ clusterId, voters: [{ id: 1, host: '127.0.0.1', port: 9093 }] });
    expect(Object.keys(config)).not.toContain('directoryId');
  }
  expect(configs(parts, /^b\/broker/)[0]!.voters.length).toBe(3);
});

test('a record of a cluster that is damaged is told, not replaced', () => {
  const io = laptop();
  io.disk.makeFolder('/data/a');
  for (const text of ['{', '{"clusterId":"x"}']) {
    io.disk.replaceFile('/data/a/cluster.json', Buffer.from(text));
    expect(() => plan(3, io)).toThrow('/data/a/cluster.json');
  }
});

const apache: Region = {
  ...region('c', 3, 9292),
  engine: 'kafka',
  kafka: {
    'bootstrap.servers': 'kafka-1:9093,kafka-2:9093',
    'security.protocol': 'SSL',
    'ssl.truststore.location': 'c/ca.pem',
  },
};
const MESH = { regions: [...TOPOLOGY.regions, apache], links: TOPOLOGY.links };

test('a region on Apache Kafka has no broker here, and everybody is told how to reach it', () => {
  const parts = plan(1, laptop(), MESH);
  expect(parts.map(({ name }) => name).filter((name) => name.startsWith('c/'))).toEqual(['c/mirror', 'c/gateway']);
  const kafka = { ...apache.kafka, 'ssl.truststore.location': '/regions/c/ca.pem' };
  const [gateway] = configs(parts, /^c\/gateway/);
  expect(gateway).toMatchObject({ kafka });
  expect(Object.keys(gateway!)).not.toContain('secret');
  const [mirror] = configs(parts, /^c\/mirror/);
  expect(mirror).toMatchObject({ target: { kafka }, sources: [{ region: 'a' }, { region: 'b' }] });
  const [other] = configs(parts, /^a\/mirror/);
  expect(other!.sources).toEqual([expect.objectContaining({ region: 'b' }), { region: 'c', kafka }]);
});

test('several mirrors of a region differ in name, member and port alone', () => {
  const mirrors = configs(plan(1, laptop(), MESH, 2), /^b\/mirror/);
  expect(mirrors.map(({ memberId, management }) => [memberId, management.port])).toEqual([
    ['mirror', 9194],
    ['mirror-2', 9204],
  ]);
  const alike = mirrors.map(({ memberId: _, management: __, ...rest }) => rest);
  expect(alike[0]).toEqual(alike[1]);
  const ports = portsOf(MESH, 3, 2).map(({ host, port }) => `${host}:${port}`);
  expect(new Set(ports).size).toBe(ports.length);
});

test('a region alone has no mirror', () => {
  const alone = plan(1, laptop(), { regions: TOPOLOGY.regions.slice(0, 1), links: [] });
  expect(alone.map(({ name }) => name)).toEqual(['a/broker', 'a/gateway']);
});
