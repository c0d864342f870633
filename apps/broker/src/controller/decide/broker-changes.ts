/**
 * What follows for the partitions when a broker may lead no more, or may again, or may have lost what it had. Used by the
 * decisions on registrations, heartbeats, fencing and log dirs.
 * Invariant: a broker that is the only one known to have all that is committed is never forgotten: it stays in sync, or
 * eligible, without leading.
 */
import { directoryOn, isOnlineIn } from '../directories.ts';
import type { BrokerInfo, MetadataImage, PartitionInfo, Topic } from '../image.ts';
import { NO_LEADER, type PartitionChange } from './partition-change.ts';
import type { PartitionChanger } from './partition-changer.ts';

/** Every partition of which `choose` wants something, changed. */
export function changesWhere(
  image: MetadataImage,
  choose: (partition: PartitionInfo, topic: Topic) => PartitionChange | undefined,
): PartitionChange[] {
  const changes: PartitionChange[] = [];
  for (const topic of image.topicsById.values()) {
    for (const partition of topic.partitions) {
      const change = choose(partition, topic);
      if (change !== undefined) changes.push(change);
    }
  }
  return changes;
}

/** The broker leaves all in-sync sets, and others lead. It keeps what it has, so it may be eligible. */
export function leaveInSync(image: MetadataImage, changer: PartitionChanger, brokerId: number): PartitionChange[] {
  return changesWhere(image, (partition, topic) =>
    partition.isr.includes(brokerId)
      ? changer.change(topic, partition, { isr: without(partition.isr, brokerId) })
      : undefined,
  );
}

/** Partitions without a leader may have one, now that a broker lives. */
export function findLeaders(image: MetadataImage, changer: PartitionChanger): PartitionChange[] {
  return changesWhere(image, (partition, topic) =>
    partition.leader === NO_LEADER ? changer.change(topic, partition) : undefined,
  );
}

/** Where a broker finds itself when it starts. */
export interface Start {
  readonly brokerId: number;
  /** Its last process stopped cleanly, so it has all that it had. */
  readonly isClean: boolean;
  /** The log dirs that are online. */
  readonly directories: readonly string[];
  /** Those of them that it has never had: empty disks, mostly in place of others. */
  readonly newDirectories: readonly string[];
  /** Dirs in which replicas were found, by `topic id-index`, where the metadata says otherwise. */
  readonly found: ReadonlyMap<string, string>;
}

/**
 * The broker starts and is fenced at first: it leaves the in-sync sets. What it may have lost (all, if its last process
 * did not stop cleanly; what lay in a log dir that is not there) makes it ineligible, too, where there is somebody else.
 * Replicas that went with a disk, and that nobody counts on, begin anew on the disk in its place.
 */
export function startFenced(image: MetadataImage, changer: PartitionChanger, start: Start): PartitionChange[] {
  const { brokerId, isClean, newDirectories } = start;
  let replaced = 0;
  return changesWhere(image, (partition, topic) => {
    if (!partition.replicas.includes(brokerId)) return undefined;
    const { directory, directories } = whereabouts(start, topic, partition);
    const counted = [...partition.isr, ...partition.eligibleLeaderReplicas];
    const isThere = isOnlineIn(directory, start.directories);
    const hasOthers = counted.some((id) => id !== brokerId && image.brokers.has(id));
    const isCountedOn = counted.includes(brokerId) && (!hasOthers || (isClean && isThere));
    const placed = isThere || isCountedOn ? undefined : newDirectories[replaced++ % newDirectories.length];
    return changer.change(topic, partition, {
      isr: without(partition.isr, brokerId),
      lost: isCountedOn ? undefined : brokerId,
      directories: placed === undefined ? directories : new Map([[brokerId, placed]]),
    });
  });
}

/** A broker that is alone starts: it leads at once, under new epochs, what only it can lead. */
export function startAlone(image: MetadataImage, changer: PartitionChanger, start: Start): PartitionChange[] {
  return changesWhere(image, (partition, topic) => {
    if (!partition.replicas.includes(start.brokerId)) return undefined;
    return changer.change(topic, partition, { anew: true, ...whereabouts(start, topic, partition) });
  });
}

function whereabouts({ brokerId, found }: Start, topic: Topic, partition: PartitionInfo) {
  const directory = found.size === 0 ? undefined : found.get(`${topic.id}-${partition.index}`);
  if (directory === undefined) return { directory: directoryOn(brokerId, partition), directories: undefined };
  return { directory, directories: new Map([[brokerId, directory]]) };
}

/**
 * Log dirs have failed: what lay in them is neither led nor in sync. Who has all that is committed is not forgotten, so the
 * broker leads again when the dir comes back with a later start.
 */
export function loseDirectories(
  image: MetadataImage,
  changer: PartitionChanger,
  { id, directories }: BrokerInfo,
  online: readonly string[],
): PartitionChange[] {
  return changesWhere(image, (partition, topic) => {
    const directory = directoryOn(id, partition);
    const hasFailed = isOnlineIn(directory, directories) && !isOnlineIn(directory, online);
    if (!hasFailed || !partition.isr.includes(id)) return undefined;
    return changer.change(topic, partition, { isr: without(partition.isr, id) });
  });
}

export function leadsAny(image: MetadataImage, brokerId: number): boolean {
  for (const { partitions } of image.topicsById.values()) {
    if (partitions.some(({ leader }) => leader === brokerId)) return true;
  }
  return false;
}

export function without(ids: readonly number[], id: number): readonly number[] {
  return ids.filter((each) => each !== id);
}
