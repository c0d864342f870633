/**
 * What the brokers of one region have in common when there are several: the cluster's id, and who votes. Made once, kept
 * in `<region>/cluster.json`, and written into their configs by `part-plan.ts`.
 *
 *     a new region of 3    three voters, each with the directory id that its data folder is going to have
 *     a region that had 1  the first broker stays the only voter; the others join, and take new replicas
 *
 * Invariant: what was written is never made anew, whatever number of brokers the platform is started with later.
 */
import type { Io } from '@meridian/io';
import type { BrokerAddress } from '@meridian/service/regions';
import { CliError } from '../errors.ts';
import { LIMITS } from '../limits.ts';

export interface RegionCluster {
  /** Base64, as Kafka writes uuids. */
  readonly clusterId: string;
  readonly voters: readonly ClusterVoter[];
}

export interface ClusterVoter {
  readonly id: number;
  /** Unknown of a folder that began alone. */
  readonly directoryId?: string;
}

type World = Pick<Io, 'disk' | 'random'>;

export const clusterFile = (folder: string): string => `${folder}/cluster.json`;

/** `folder` is the region's, in the data folder. */
export function openRegionCluster(io: World, folder: string, brokers: readonly BrokerAddress[]): RegionCluster {
  const file = clusterFile(folder);
  if (io.disk.exists(file)) return readCluster(io, file);
  const cluster = clusterIdOf(io, folder) ?? newCluster(io, brokers);
  io.disk.makeFolder(folder);
  io.disk.replaceFile(file, Buffer.from(`${JSON.stringify(cluster, undefined, 2)}\n`));
  return cluster;
}

/** An odd number: one more would have to be heard, and none more could be missed. */
function newCluster({ random }: World, brokers: readonly BrokerAddress[]): RegionCluster {
  const count = Math.min(LIMITS.maxVoters, brokers.length - 1 + (brokers.length % 2));
  const voters = brokers.slice(0, count).map(({ nodeId }) => ({ id: nodeId, directoryId: newUuid(random) }));
  return { clusterId: newUuid(random), voters };
}

/** Of a region whose first broker was alone so far. */
function clusterIdOf({ disk }: World, folder: string): RegionCluster | undefined {
  const file = `${folder}/broker/meta.properties`;
  if (!disk.exists(file)) return undefined;
  const clusterId = /^cluster\.id=([\w-]{22})$/m.exec(disk.readFile(file).toString('latin1'))?.[1];
  if (clusterId === undefined) throw new CliError('data-unreadable', `${file} has no cluster.id`);
  return { clusterId, voters: [{ id: 1 }] };
}

function readCluster({ disk }: World, file: string): RegionCluster {
  try {
    const { clusterId, voters } = JSON.parse(disk.readFile(file).toString('utf8')) as Partial<RegionCluster>;
    if (clusterId !== undefined && Array.isArray(voters) && voters.length > 0) return { clusterId, voters };
  } catch (error) {
    throw new CliError('data-unreadable', `${file}: ${(error as Error).message}`, { cause: error });
  }
  throw new CliError('data-unreadable', `${file} names no cluster and voters`);
}

/** A random uuid as Kafka writes it; like Kafka's it never begins with a dash, which command lines would trip over. */
function newUuid(random: Io['random']): string {
  for (;;) {
    const bytes = random.bytes(16);
    bytes[6] = (bytes[6]! & 0x0f) | 0x40;
    bytes[8] = (bytes[8]! & 0x3f) | 0x80;
    const text = bytes.toString('base64url');
    if (!text.startsWith('-')) return text;
  }
}
