/**
 * Where the replicas of new partitions go, whether placed by us or given by hand. Called by the decisions that create
 * topics and partitions.
 * Invariant: a partition's replicas are distinct registered brokers, its first leader is one that is active.
 */
import { ERROR, type MetadataRecordInput } from '@meridian/protocol';
import type { DirectoryChooser } from '../directories.ts';
import type { BrokerInfo, MetadataImage } from '../image.ts';
import { Refusal } from './decision.ts';

/**
 * Replicas for `count` partitions, striped over the racks and over the brokers in them from a random start (`random` in
 * [0, 1)), so that leaders and followers spread evenly. Fenced brokers come last in their rack and never lead.
 */
export function placeReplicas(
  image: MetadataImage,
  count: number,
  replicationFactor: number,
  random: () => number,
): number[][] {
  const brokers = [...image.brokers.values()].sort((a, b) => a.id - b.id);
  const active = brokers.filter(isActive);
  const why = whyNotPlaceable(brokers, active, replicationFactor);
  if (why !== null) {
    const detail = `Unable to replicate the partition ${replicationFactor} time(s): ${why}`;
    throw new Refusal(ERROR.INVALID_REPLICATION_FACTOR, detail);
  }
  const racks = racksOf(brokers);
  const start = Math.floor(random() * active.length);
  return Array.from({ length: count }, (_, partition) => {
    const orders = rackOrders(racks, start + partition);
    const replicas: number[] = [];
    for (let turn = 0; replicas.length < replicationFactor; turn++) {
      replicas.push(...orders.flatMap((order) => order[turn] ?? []));
    }
    return replicas.slice(0, replicationFactor);
  });
}

interface Rack {
  readonly active: readonly number[];
  readonly others: readonly number[];
}

function isActive({ fenced, inControlledShutdown }: BrokerInfo): boolean {
  return !fenced && !inControlledShutdown;
}

/** By name; brokers without one share a rack. */
function racksOf(brokers: readonly BrokerInfo[]): Rack[] {
  const names = [...new Set(brokers.map(({ rack }) => rack ?? ''))].sort();
  return names.map((name) => {
    const inRack = brokers.filter(({ rack }) => (rack ?? '') === name);
    const ids = (wanted: boolean) => inRack.filter((each) => isActive(each) === wanted).map(({ id }) => id);
    return { active: ids(true), others: ids(false) };
  });
}

/** The brokers of each rack in the order in which they are taken for the nth partition; the first one's first leads. */
function rackOrders(racks: readonly Rack[], nth: number): (readonly number[])[] {
  const leading = racks.filter(({ active }) => active.length > 0);
  const round = Math.floor(nth / leading.length);
  const orders = rotate(leading, nth).map(({ active, others }, place) => {
    // Each round over a rack's brokers shifts its followers by one more, so that two leaders don't share all of theirs.
    const shift = Math.floor(round / active.length);
    const first = (round + place + (place > 0 ? shift : 0)) % active.length;
    return [active[first]!, ...rotate(without(active, first), first + shift), ...rotate(others, nth)];
  });
  const fenced = racks.filter(({ active }) => active.length === 0).map(({ others }) => rotate(others, nth));
  return [...orders, ...fenced];
}

function whyNotPlaceable(
  brokers: readonly BrokerInfo[],
  active: readonly BrokerInfo[],
  replicationFactor: number,
): string | null {
  if (active.length === 0) return 'All brokers are currently fenced.';
  if (replicationFactor <= brokers.length) return null;
  return `The target replication factor of ${replicationFactor} cannot be reached because only ${brokers.length} broker(s) are registered or some brokers have all their log directories cordoned.`;
}

function without<T>(items: readonly T[], index: number): T[] {
  return items.filter((_, i) => i !== index);
}

function rotate<T>(items: readonly T[], by: number): T[] {
  if (items.length === 0) return [];
  const at = by % items.length;
  return [...items.slice(at), ...items.slice(0, at)];
}

/** Refuses a list of replicas given by hand that is empty, repeats a broker, names an unknown one or has another size. */
export function checkAssignment(image: MetadataImage, brokerIds: readonly number[], replicationFactor?: number): void {
  const refuse = (why: string): never => {
    throw new Refusal(ERROR.INVALID_REPLICA_ASSIGNMENT, `The manual partition assignment includes ${why}`);
  };
  if (brokerIds.length === 0) refuse('an empty replica list.');
  const sorted = [...brokerIds].sort((a, b) => a - b);
  sorted.forEach((id, i) => {
    if (!image.brokers.has(id)) refuse(`broker ${id}, but no such broker is registered.`);
    if (id === sorted[i - 1]) refuse(`the broker ${id} more than once.`);
  });
  if (replicationFactor !== undefined && brokerIds.length !== replicationFactor) {
    refuse(
      `a partition with ${brokerIds.length} replica(s), but this is not consistent with previous partitions, which have ${replicationFactor} replica(s).`,
    );
  }
}

/** The record of a new partition, led by its first replica that is neither fenced nor shutting down. */
export function newPartitionRecord(
  image: MetadataImage,
  topicId: string,
  partitionId: number,
  replicas: readonly number[],
  directories: DirectoryChooser,
): MetadataRecordInput {
  const isr = replicas.filter((id) => isActive(image.brokers.get(id)!));
  if (isr.length === 0) {
    throw new Refusal(
      ERROR.INVALID_REPLICA_ASSIGNMENT,
      `All brokers specified in the manual partition assignment for partition ${partitionId} are fenced or in controlled shutdown.`,
    );
  }
  return {
    type: 'PartitionRecord',
    partitionId,
    topicId,
    replicas,
    isr,
    removingReplicas: [],
    addingReplicas: [],
    leader: isr[0]!,
    leaderEpoch: 0,
    partitionEpoch: 0,
    directories: replicas.map((id) => directories.next(id)),
  };
}
