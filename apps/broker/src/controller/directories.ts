/**
 * Log dirs as the metadata knows them: a uuid each, told by the brokers' registrations (those that are online) and by
 * every partition (the dir that holds each replica). Used by decisions and by what is told of topics (KIP-858).
 * Invariant: a replica whose dir is not online neither leads nor is asked to.
 */
import { ZERO_UUID } from '@meridian/protocol';
import type { MetadataImage, PartitionInfo } from './image.ts';

/** Kafka's ids that stand for no dir: not placed yet (`ZERO_UUID`), and placed before anybody told where. */
const MIGRATING = '00000000-0000-0000-0000-000000000002';

/** Whether the id names a dir, so that the replica can be nowhere else. */
export function isAssigned(directory: string | undefined): directory is string {
  return directory !== undefined && directory !== ZERO_UUID && directory !== MIGRATING;
}

/** A broker that tells of no dirs is an older one: nothing is known against it. */
export function isOnlineIn(directory: string | undefined, online: readonly string[]): boolean {
  return !isAssigned(directory) || online.length === 0 || online.includes(directory);
}

export function directoryOn(brokerId: number, { replicas, directories }: PartitionInfo): string | undefined {
  return directories[replicas.indexOf(brokerId)];
}

/** Whether the broker lives, with the dir that holds its replica. */
export function isReplicaOnline(image: MetadataImage, partition: PartitionInfo, brokerId: number): boolean {
  const broker = image.brokers.get(brokerId);
  return broker?.fenced === false && isOnlineIn(directoryOn(brokerId, partition), broker.directories);
}

/** Chooses dirs for the new partitions of one command, each time the broker's one with the fewest partitions. */
export class DirectoryChooser {
  readonly #image: MetadataImage;
  /** Partitions by dir, of the brokers that have several. */
  readonly #counts = new Map<number, Map<string, number>>();

  constructor(image: MetadataImage) {
    this.#image = image;
  }

  next(brokerId: number): string {
    const online = this.#image.brokers.get(brokerId)?.directories ?? [];
    if (online.length < 2) return online[0] ?? ZERO_UUID;
    const counts = this.#counts.get(brokerId) ?? this.#count(brokerId, online);
    let chosen = online[0]!;
    for (const directory of online) if (counts.get(directory)! < counts.get(chosen)!) chosen = directory;
    counts.set(chosen, counts.get(chosen)! + 1);
    return chosen;
  }

  #count(brokerId: number, online: readonly string[]): Map<string, number> {
    const counts = new Map(online.map((directory) => [directory, 0]));
    for (const { partitions } of this.#image.topicsById.values()) {
      for (const partition of partitions) {
        const directory = directoryOn(brokerId, partition);
        const count = directory === undefined ? undefined : counts.get(directory);
        if (count !== undefined) counts.set(directory!, count + 1);
      }
    }
    this.#counts.set(brokerId, counts);
    return counts;
  }
}
