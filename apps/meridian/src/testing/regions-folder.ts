/**
 * A folder of regions for the local platform: those of the repository, some of them on an Apache Kafka that runs already,
 * and for a mesh a third one, with links from each to each. Written by tests and by `compat -- mirror`.
 * Invariant: the ports of what is ours stay the repository's.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_REGIONS } from '../platform-defaults.ts';

const OUR_BROKERS = /^engine: embedded\nkafka:\n(?: {2}.*\n)+/m;
const MESH = ['us-east', 'eu-west', 'ap-south'];
const THIRD = `name: ap-south
id: 3
engine: embedded
kafka:
  port: 9292
  internalPort: 9293
gateway: { port: 8280 }
mirror: { managementPort: 9294 }
`;

/** The regions of a folder, with links of one's own. */
export function writeLinks(from: string, folder: string, links: string): void {
  for (const file of readdirSync(from)) writeFileSync(join(folder, file), readFileSync(join(from, file), 'utf8'));
  writeFileSync(join(folder, 'links.yaml'), links);
}

/** `kafka`: bootstrap servers of the regions whose engine that is, by name. */
export function writeRegions(folder: string, kafka: ReadonlyMap<string, string>, isMesh = false): void {
  const files = new Map(
    readdirSync(DEFAULT_REGIONS).map((file) => [file, readFileSync(join(DEFAULT_REGIONS, file), 'utf8')]),
  );
  if (isMesh) files.set('ap-south.yaml', THIRD).set('links.yaml', linksOf(MESH, kafka));
  for (const [file, text] of files) {
    const servers = kafka.get(file.replace(/\.yaml$/, ''));
    if (servers !== undefined && !OUR_BROKERS.test(text)) throw new Error(`${file} does not describe brokers of ours`);
    const there = `engine: kafka\nkafka:\n  bootstrap.servers: ${servers}\n`;
    writeFileSync(join(folder, file), servers === undefined ? text : text.replace(OUR_BROKERS, there));
  }
}

/** From brokers of ours they are compressed on the wire. */
function linksOf(regions: readonly string[], kafka: ReadonlyMap<string, string>): string {
  const pairs = regions.flatMap((from) => regions.filter((to) => to !== from).map((to) => ({ from, to })));
  const compression = (from: string): string => (kafka.has(from) ? 'none' : 'zstd');
  const lines = pairs.map(({ from, to }) => `  - { from: ${from}, to: ${to}, compression: ${compression(from)} }\n`);
  return `links:\n${lines.join('')}`;
}
