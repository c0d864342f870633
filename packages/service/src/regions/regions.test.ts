import { type Disk, IoError } from '@meridian/io';
import { expect, test } from 'vitest';
import { loadRegions, loadRegionsAlone, movePorts } from './regions.ts';

const region = (name: string, id: number, port: number): string =>
  `name: ${name}
id: ${id}
engine: embedded
kafka:
  port: ${port}
  internalPort: ${port + 1}
gateway: { port: ${port - 1000} }
mirror: { managementPort: ${port + 2} }
`;
const LINKS = 'links:\n  - from: a\n    to: b\n';

/** A disk that holds one folder of text files. */
function diskOf(files: Record<string, string>): { disk: Disk } {
  const contentOf = (path: string): Buffer => Buffer.from(files[path.replace('regions/', '')] ?? '');
  const disk: Partial<Disk> = {
    list: () => Object.keys(files).sort(),
    stat: (path) => ({ size: contentOf(path).length, modifiedMs: 0, isFolder: false }),
    readFile: contentOf,
  };
  return { disk: disk as Disk };
}

const load = (files: Record<string, string>) => loadRegions(diskOf(files), 'regions');
const GOOD = { 'a.yaml': region('a', 1, 9092), 'b.yaml': region('b', 2, 9192), 'links.yaml': LINKS };

test('regions and links come back with defaults filled in', () => {
  const { regions, links } = load(GOOD);
  expect(regions.map(({ name, kafka }) => [name, kafka])).toEqual([
    ['a', { host: '127.0.0.1', port: 9092, internalPort: 9093 }],
    ['b', { host: '127.0.0.1', port: 9192, internalPort: 9193 }],
  ]);
  expect(links).toEqual([
    {
      name: 'a-b',
      from: 'a',
      to: 'b',
      topics: {},
      policy: 'prefix',
      compression: 'none',
      start: 'earliest',
      follow: { configs: 'default', acls: false, groups: {} },
      onGap: { default: 'halt', topics: {} },
      mm2: false,
    },
  ]);
});

test('a wrong field is named with file and line', () => {
  const broken = region('a', 1, 9092).replace('9093', 'many');
  expect(() => load({ ...GOOD, 'a.yaml': broken })).toThrow('regions/a.yaml:6: kafka.internalPort must be an integer');
});

test('a missing field is named with the line of what it belongs to', () => {
  const broken = region('a', 1, 9092).replace('  internalPort: 9093\n', '');
  expect(() => load({ ...GOOD, 'a.yaml': broken })).toThrow('regions/a.yaml:4: kafka.internalPort is missing');
});

test('an unknown field is named with its own line', () => {
  expect(() => load({ ...GOOD, 'a.yaml': `${region('a', 1, 9092)}colour: red\n` })).toThrow(
    'regions/a.yaml:9: colour is not a known field',
  );
});

test('what is not YAML, and a key that stands there twice, are told with their line', () => {
  expect(() => load({ ...GOOD, 'a.yaml': 'name: a\nid: [1\n' })).toThrow(/regions\/a\.yaml:\d: /);
  expect(() => load({ ...GOOD, 'a.yaml': 'name: a\nid: 1\nid: 2\n' })).toThrow(
    'regions/a.yaml:3: Map keys must be unique',
  );
});

test('aliases are refused, so that a small file cannot become a huge one', () => {
  expect(() => load({ ...GOOD, 'a.yaml': 'name: &x a\nid: *x\n' })).toThrow(
    'regions/a.yaml:1: (root) must be an object',
  );
});

test('a port or an id that two regions claim is told at the second', () => {
  expect(() => load({ ...GOOD, 'b.yaml': region('b', 1, 9093) })).toThrow(
    /regions\/b\.yaml:2: id is taken: id 1 stands in regions\/a\.yaml too\nregions\/b\.yaml:5: kafka\.port is taken/,
  );
});

test('a region is named as its file', () => {
  expect(() => load({ ...GOOD, 'b.yaml': region('c', 2, 9192) })).toThrow(
    "regions/b.yaml:1: name must be the file's name",
  );
});

test('a name with a dot is no region, as copies are called after it', () => {
  const files = { 'a.b.yaml': region('a.b', 1, 9092), 'links.yaml': 'links:\n  - { from: a.b, to: c }\n' };
  expect(() => load(files)).toThrow(
    /regions\/a\.b\.yaml:1: name must match .*\n.*links\.yaml:2: links\[0\]\.from must match/,
  );
});

test('a link to nowhere, to itself, or twice is a mistake', () => {
  const links = 'links:\n  - { from: a, to: c }\n  - { from: a, to: a }\n  - { from: a, to: a }\n';
  expect(() => load({ ...GOOD, 'links.yaml': links })).toThrow(
    /links\.yaml:2: links\[0\]\.to is no region: c\n.*:3: links\[1\]\.to must not be.*\n.*:4:.*\n.*:4: links\[2\] is there twice/,
  );
});

const kafkaRegion = (settings: string): string =>
  `name: b\nid: 2\nengine: kafka\nkafka:\n  bootstrap.servers: k1:9092,k2:9092\n${settings}gateway: { port: 8192 }\nmirror: { managementPort: 9194 }\n`;

test('a region on apache kafka has its bootstrap servers and no ports of brokers', () => {
  const { regions } = load({ ...GOOD, 'b.yaml': kafkaRegion('') });
  expect(regions[1]).toMatchObject({ engine: 'kafka', kafka: { 'bootstrap.servers': 'k1:9092,k2:9092' } });
  const moved = movePorts({ regions, links: [] }, 100).regions[1];
  expect([moved?.kafka, moved?.gateway.port]).toEqual([{ 'bootstrap.servers': 'k1:9092,k2:9092' }, 8292]);
});

test('settings of apache kafka that are unknown, or miss another, are told with file and line', () => {
  const refusal = (settings: string) => () => load({ ...GOOD, 'b.yaml': kafkaRegion(settings) });
  expect(refusal('  ssl.trust: x\n')).toThrow('regions/b.yaml:6: kafka.ssl.trust is not a known field');
  expect(refusal('  sasl.username: me\n')).toThrow('b.yaml:6: kafka.sasl.username needs security.protocol SASL_SSL');
  expect(refusal('  security.protocol: SASL_SSL\n  sasl.mechanism: PLAIN\n  sasl.username: me\n')).toThrow(
    'b.yaml:4: kafka.sasl.password is missing; sasl.password.file names a file with it',
  );
  expect(() => load({ ...GOOD, 'b.yaml': kafkaRegion('').replace('k2:9092', 'k2') })).toThrow(
    'b.yaml:5: kafka.bootstrap.servers must be host:port',
  );
  expect(() => load({ ...GOOD, 'b.yaml': kafkaRegion('').replace('engine: kafka', 'engine: redpanda') })).toThrow(
    'b.yaml:3: engine must be one of "embedded", "kafka"',
  );
});

test('compression is one of three, and not from an Apache Kafka: nobody would compress there', () => {
  const refusal = (files: object, link: string) => () =>
    load({ ...GOOD, ...files, 'links.yaml': `links:\n  - ${link}\n` });
  expect(refusal({}, '{ from: a, to: b, compression: zstd }')().links[0]).toMatchObject({ compression: 'zstd' });
  expect(refusal({}, '{ from: a, to: b, compression: gzip }')).toThrow(
    'links.yaml:2: links[0].compression must be one of "none", "zstd", "lz4"',
  );
  const kafka = { 'b.yaml': kafkaRegion('') };
  expect(refusal(kafka, '{ from: b, to: a, compression: zstd }')).toThrow(
    'links.yaml:2: links[0].compression must be none: b is an Apache Kafka, which compresses nothing on its way out',
  );
  for (const link of ['{ from: b, to: a, compression: none }', '{ from: a, to: b, compression: lz4 }']) {
    expect(refusal(kafka, link)().links).toHaveLength(1);
  }
});

test('regions alone are read whatever the links are spoilt with', () => {
  const disk = diskOf({ ...GOOD, 'links.yaml': 'links: [' });
  expect(() => loadRegions(disk, 'regions')).toThrow('links.yaml:1');
  expect(loadRegionsAlone(disk, 'regions').regions.map(({ name }) => name)).toEqual(['a', 'b']);
});

test('two links that may write the same copies, a dot in a name, and a pattern for other machines are mistakes', () => {
  const refusal = (links: string) => () => load({ ...GOOD, 'links.yaml': `links:\n${links}` });
  const named = (name: string, more: string) => `  - { name: ${name}, from: a, to: b, ${more} }\n`;
  expect(refusal(named('x', 'topics: { prefix: o }') + named('y', 'topics: { list: [orders] }'))).toThrow(
    'links.yaml:3: links[1] may copy the same topics as x',
  );
  const beats = (name: string) => named(name, `mm2: true, topics: { list: [${name}] }`);
  expect(refusal(beats('x') + beats('y'))).toThrow('links.yaml:3: links[1] has mm2: true as x has');
  expect(refusal(named('a.b', ''))).toThrow('links.yaml:2: links[0].name must match');
  expect(refusal(named('x', 'topics: { pattern: "(?=a)" }'))).toThrow(
    'links.yaml:2: links[0].topics.pattern has (?…), which is not understood',
  );
  const identity = '  - { from: a, to: b, policy: identity }\n  - { from: b, to: a, policy: identity }\n';
  expect(refusal(identity)).toThrow('links.yaml:3: links[1] may copy the same topics as a-b');
  expect(refusal(named('x', 'start: noon'))).toThrow(
    'links.yaml:2: links[0].start must be one of "earliest", "latest"',
  );
  expect(
    load({
      ...GOOD,
      'links.yaml': `links:\n${named('x', 'topics: { prefix: o }')}${named('y', 'topics: { list: [x] }')}`,
    }).links,
  ).toHaveLength(2);
});

test('regions without a links.yaml are a mistake, one region alone is none, nor is an empty list', () => {
  const { 'links.yaml': _, ...unlinked } = GOOD;
  expect(() => load(unlinked)).toThrow('regions: links.yaml is missing, which says what is mirrored where');
  expect(load({ 'a.yaml': GOOD['a.yaml'] }).links).toEqual([]);
  expect(load({ ...GOOD, 'links.yaml': 'links: []\n' }).links).toEqual([]);
});

test('a file that cannot be read is named with the reason', () => {
  const { disk } = diskOf(GOOD);
  const readFile = (): Buffer => {
    throw new IoError('is-folder', 'read regions/a.yaml');
  };
  expect(() => loadRegions({ disk: { ...disk, readFile } }, 'regions')).toThrow(
    /^regions\/a\.yaml: read regions\/a\.yaml: A folder lies there.*\nThe regions folder cannot be read/,
  );
});

test('a folder without regions is a mistake', () => {
  expect(() => load({})).toThrow("regions: there is no region's file");
});

test('all ports move together and stay ports', () => {
  const moved = movePorts(load(GOOD), 100).regions[0];
  expect([moved?.kafka, moved?.gateway.port, moved?.mirror.managementPort]).toEqual([
    { host: '127.0.0.1', port: 9192, internalPort: 9193 },
    8192,
    9194,
  ]);
  expect(() => movePorts(load(GOOD), 60_000)).toThrow("--port-offset 60000: a's kafka.port would be 69092");
});
