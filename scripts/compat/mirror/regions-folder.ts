/**
 * A folder of regions for the local platform: those of the repository, some of them on an Apache Kafka that runs already,
 * and, in a mesh, further ones. Invariant: ports of regions that are ours stay the repository's.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const REGIONS = resolve(import.meta.dirname, '../../../regions');
const OUR_BROKERS = /^engine: embedded\nkafka:\n(?: {2}.*\n)+/m;

/** `kafka`: bootstrap servers of the regions whose engine that is, by name. */
export function writeRegions(folder: string, kafka: ReadonlyMap<string, string>): void {
  for (const file of readdirSync(REGIONS)) {
    const text = readFileSync(join(REGIONS, file), 'utf8');
    const servers = kafka.get(file.replace(/\.yaml$/, ''));
    const isFound = servers === undefined || OUR_BROKERS.test(text);
    if (!isFound) throw new Error(`${file} does not describe brokers of ours`);
    const there = `engine: kafka\nkafka:\n  bootstrap.servers: ${servers}\n`;
    writeFileSync(join(folder, file), servers === undefined ? text : text.replace(OUR_BROKERS, there));
  }
}
