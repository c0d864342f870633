import type { Disk } from '@meridian/io';
import { expect, test } from 'vitest';
import { loadRegions, movePorts } from './regions.ts';

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
  expect(regions.map(({ name, kafka }) => [name, kafka.host, kafka.internalPort])).toEqual([
    ['a', '127.0.0.1', 9093],
    ['b', '127.0.0.1', 9193],
  ]);
  expect(links).toEqual([{ from: 'a', to: 'b' }]);
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

test('a link to nowhere, to itself, or twice is a mistake', () => {
  const links = 'links:\n  - { from: a, to: c }\n  - { from: a, to: a }\n  - { from: a, to: a }\n';
  expect(() => load({ ...GOOD, 'links.yaml': links })).toThrow(
    /links\.yaml:2: links\[0\]\.to is no region: c\n.*:3: links\[1\]\.to must not be.*\n.*:4:.*\n.*:4: links\[2\] is there twice/,
  );
});

test('regions without a links.yaml are a mistake, one region alone is none, nor is an empty list', () => {
  const { 'links.yaml': _, ...unlinked } = GOOD;
  expect(() => load(unlinked)).toThrow('regions: links.yaml is missing, which says what is mirrored where');
  expect(load({ 'a.yaml': GOOD['a.yaml'] }).links).toEqual([]);
  expect(load({ ...GOOD, 'links.yaml': 'links: []\n' }).links).toEqual([]);
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
