/**
 * What a run consists of, from its seed: three regions, each with an engine, and the topics that are written in all of
 * them. Addresses and configs of their processes.
 * Invariant: the plan depends on the seed alone.
 */
import type { BrokerConfig } from '@meridian/broker';
import { createSeededRandom } from '@meridian/io/sim';
import type { MirrorConfig } from '@meridian/mirror';

export type Engine = 'embedded' | 'kafka';
export type Compression = 'none' | 'zstd' | 'lz4';

export interface GeoRegionPlan {
  readonly name: string;
  readonly id: number;
  readonly engine: Engine;
  /** Of links that lead from it. */
  readonly compression: Compression;
  /** Its cleaner is at work all the time. */
  readonly isCompacting: boolean;
}

export interface GeoPlan {
  readonly seed: number;
  readonly regions: readonly GeoRegionPlan[];
  readonly topics: readonly TopicName[];
}

/** What happens to a topic's log besides being written, and what its links do about it. */
export const TOPICS = {
  orders: 'halt',
  /** Its records are deleted while its links are down. */
  short: 'mark-gap',
  /** Is deleted and made again. */
  renewed: 'new-incarnation',
  /** Is compacted, and written in some seeds only. */
  keyed: 'halt',
} as const;
export type TopicName = keyof typeof TOPICS;
const TOPIC_NAMES = Object.keys(TOPICS) as TopicName[];

/** Every fourth seed. */
const isCompacting = (seed: number): boolean => seed % 4 === 3;
/** Of a record of `keyed`, whose value begins with it. */
export const keyOf = (value: string): string | null => /^(k\d+)=/.exec(value)?.[1] ?? null;

const NAMES = ['west', 'east', 'north'] as const;
const SECRET = 'a secret of the simulation';
export const PORTS = { client: 9092, internal: 9093, management: 9094 } as const;

export interface PlanOptions {
  /** Of the regions in their order; by the seed if absent. */
  readonly engines?: readonly Engine[];
}

/** A batch or two in an answer, and over a long way a dozen answers under way behind each other. */
const SIPS = { fetchMaxBytes: 240, fetchPartitionMaxBytes: 120, farFetchMaxBytes: 480, farAheadMaxBytes: 7_200 };

/** How much mirrors of a region fetch at a time: of every second seed little. */
export const fetchLimits = (seed: number, region: string) =>
  createSeededRandom(seed, `fetches of ${region}`).next() < 0.5 ? SIPS : {};

export function planOf(seed: number, { engines }: PlanOptions = {}): GeoPlan {
  const random = createSeededRandom(seed, 'geo plan');
  const regions = NAMES.map((name, index): GeoRegionPlan => {
    const engine: Engine = engines?.[index] ?? (random.next() < 0.5 ? 'embedded' : 'kafka');
    const compression = engine === 'embedded' ? compressionOf(seed, name) : 'none';
    return { name, id: index + 1, engine, compression, isCompacting: isCompacting(seed) };
  });
  return { seed, regions, topics: TOPIC_NAMES.filter((topic) => topic !== 'keyed' || isCompacting(seed)) };
}

const COMPRESSIONS: readonly Compression[] = ['none', 'zstd', 'lz4'];

/** Of links from a region whose brokers are ours. */
export function compressionOf(seed: number, region: string): Compression {
  const random = createSeededRandom(seed, `compression ${region}`);
  return COMPRESSIONS[Math.floor(random.next() * COMPRESSIONS.length)]!;
}

export const brokerHost = (region: string): string => `broker.${region}`;
export const copyOf = (origin: string, topic: string): string => `${origin}.${topic}`;

export function brokerConfig({ name, id, isCompacting }: GeoRegionPlan): BrokerConfig {
  const host = brokerHost(name);
  return {
    region: name,
    regionId: id,
    nodeId: 1,
    dataFolder: '/data',
    client: { host, port: PORTS.client },
    internal: { host, port: PORTS.internal, secret: SECRET },
    regions: [...NAMES],
    autoCreateTopics: false,
    defaultPartitions: 1,
    ...(isCompacting && { configs: CLEANING }),
  };
}

/** Segments are closed soon, bookkeeping's as well, and cleaned with little in them. */
const CLEANING = { 'log.roll.ms': '1000', 'log.cleaner.backoff.ms': '500', 'log.cleaner.min.cleanable.ratio': '0.01' };

export function mirrorConfig(plan: GeoPlan, { name }: GeoRegionPlan, member: string): MirrorConfig {
  const others = plan.regions.filter((region) => region.name !== name);
  return {
    region: name,
    secret: SECRET,
    memberId: member,
    target: endpointOf(plan.regions.find((region) => region.name === name)!),
    sources: others.map((region) => ({ region: region.name, ...endpointOf(region) })),
    links: others.map((region) => ({
      from: region.name,
      to: name,
      compression: region.compression,
      onGap: { default: 'halt', topics: { short: TOPICS.short, renewed: TOPICS.renewed } },
    })),
    management: { host: 'localhost', port: PORTS.management },
  };
}

const endpointOf = ({ name, engine }: GeoRegionPlan): MirrorConfig['target'] =>
  engine === 'embedded'
    ? { bootstrap: [{ host: brokerHost(name), port: PORTS.internal }] }
    : { kafka: { 'bootstrap.servers': `${brokerHost(name)}:${PORTS.client}` } };

/** What a loss of power takes must not have been acknowledged. */
export const topicConfigs = ({ engine }: GeoRegionPlan, topic: TopicName): Record<string, string> => ({
  ...(engine === 'embedded' && { 'meridian.durability': 'fsync' }),
  ...(topic === 'keyed' && { 'cleanup.policy': 'compact' }),
});
