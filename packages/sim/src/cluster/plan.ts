/**
 * What a seed makes of a region: its nodes and roles, configs that bring rare things about often (tiny segments, short
 * lag, snapshots all the time), topics, and how much is done. Drawn once, before anything starts.
 * Invariant: the plan depends on the seed alone.
 */
import type { Random } from '@meridian/io';
import { below, between, chance, createSeededRandom } from '@meridian/io/sim';
import { CLUSTER_LIMITS as LIMITS } from './limits.ts';

export interface NodePlan {
  readonly id: number;
  readonly host: string;
  readonly isBroker: boolean;
  readonly isController: boolean;
  /** 22 characters: what its first data folder is given; absent where voters have no directory ids. */
  readonly directoryId: string | undefined;
  readonly clockDriftPpm: number;
  readonly rack: string;
}

export interface TopicPlan {
  readonly name: string;
  readonly partitions: number;
  readonly configs: Readonly<Record<string, string>>;
  /** Written with acks=all under min.insync.replicas=2: nothing of it may ever be lost. */
  readonly isPromised: boolean;
}

export interface ClusterPlan {
  readonly nodes: readonly NodePlan[];
  readonly clusterId: string;
  /** Broker configs by Kafka's names, the same on all nodes. */
  readonly configs: Readonly<Record<string, string>>;
  readonly topics: readonly TopicPlan[];
  readonly writers: number;
  readonly groupMembers: number;
  readonly syncMs: readonly [number, number];
  /** What followers and readers take at a time. */
  readonly fetchBytes: number;
}

export const GROUP = 'readers';
export const MIN_ISR = 2;
const ORDERS = 'orders';
const DURABLE = 'durable';
const LOOSE = 'loose';
/** What the group reads, and what acks=1 writers write. */
export const GROUP_TOPIC = ORDERS;
export const LOOSE_TOPIC = LOOSE;

export function planOf(seed: number): ClusterPlan {
  const random = createSeededRandom(seed, 'cluster plan');
  const nodes = nodesOf(random);
  return {
    nodes,
    clusterId: uuid22(random),
    configs: configsOf(random),
    topics: topicsOf(random),
    writers: 2 + below(random, 3),
    groupMembers: 2 + below(random, 2),
    syncMs: [LIMITS.syncMs[0], between(random, [1, LIMITS.syncMs[1]])],
    fetchBytes: pick(random, [300, 2_000, 100_000]),
  };
}

function nodesOf(random: Random): NodePlan[] {
  const isCombined = chance(random, 0.35);
  const isDynamic = chance(random, 0.75);
  const ids = isCombined ? [1, 2, 3] : [1, 2, 3, 11, 12, 13];
  return ids.map((id) => ({
    id,
    host: `node${id}`,
    isBroker: id < 10,
    isController: isCombined || id > 10,
    directoryId: isDynamic ? uuid22(random) : undefined,
    clockDriftPpm: Math.round(between(random, LIMITS.clockDriftPpm)),
    rack: `rack${id % 10}`,
  }));
}

function configsOf(random: Random): Record<string, string> {
  const sessionMs = pick(random, [1_500, 3_000, 6_000]);
  return {
    'min.insync.replicas': String(MIN_ISR),
    'default.replication.factor': '3',
    'offsets.topic.replication.factor': '3',
    'offsets.topic.num.partitions': String(1 + below(random, 3)),
    'offsets.topic.segment.bytes': '1048576',
    'group.initial.rebalance.delay.ms': pick(random, ['0', '300']),
    'group.min.session.timeout.ms': '1000',
    'broker.session.timeout.ms': String(sessionMs),
    'broker.heartbeat.interval.ms': String(Math.round(sessionMs / pick(random, [3, 6, 10]))),
    'replica.lag.time.max.ms': pick(random, ['600', '2000', '10000']),
    'replica.fetch.wait.max.ms': pick(random, ['50', '200', '500']),
    'replica.fetch.max.bytes': pick(random, ['1024', '1024', '1048576']),
    'replica.fetch.response.max.bytes': pick(random, ['2000', '10485760']),
    'controller.quorum.election.timeout.ms': pick(random, ['300', '1000']),
    'controller.quorum.fetch.timeout.ms': pick(random, ['800', '2000']),
    'controller.quorum.request.timeout.ms': pick(random, ['600', '2000']),
    'metadata.log.max.record.bytes.between.snapshots': pick(random, ['500', '4000', '20971520']),
    'metadata.log.max.snapshot.interval.ms': pick(random, ['3000', '3600000']),
    'leader.imbalance.check.interval.seconds': pick(random, ['2', '300']),
    'log.retention.check.interval.ms': '1500',
  };
}

function topicsOf(random: Random): TopicPlan[] {
  const segment = (): string => pick(random, ['2800', '4096', '1048576']);
  const configs = (): Record<string, string> => ({
    'min.insync.replicas': String(MIN_ISR),
    'internal.segment.bytes': segment(),
    'index.interval.bytes': pick(random, ['1', '100', '4096']),
  });
  return [
    { name: ORDERS, partitions: 2, isPromised: true, configs: configs() },
    { name: DURABLE, partitions: 1, isPromised: true, configs: { ...configs(), 'meridian.durability': 'fsync' } },
    { name: LOOSE, partitions: 1, isPromised: false, configs: { ...configs(), 'min.insync.replicas': '1' } },
  ];
}

export const pick = <T>(random: Random, from: readonly T[]): T => from[below(random, from.length)]!;

/** 22 characters of base64, as Kafka writes ids. */
function uuid22(random: Random): string {
  const bytes = random.bytes(16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return bytes.toString('base64url');
}

/** 22 characters of base64 as uuid text. */
export function uuidText(base64: string): string {
  const hex = Buffer.from(base64, 'base64url').toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
