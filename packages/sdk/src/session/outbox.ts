/**
 * What waits to be published to one topic: routed to partitions where the client has to choose them (idempotent
 * publishes, raw batches), otherwise left to the gateway. Called by `publishing.ts`.
 * Invariant: publishes of one kind and partition leave in the order in which they came.
 */
import { partitionForKey } from '@meridian/protocol/record-batch';
import { contentBytes } from '../payload.ts';
import type { OutgoingRecord } from './inputs-effects.ts';
import { type Lane, newLane } from './lane.ts';

export interface Publish {
  id: number;
  topic: string;
  record: OutgoingRecord;
  idempotent: boolean;
  deadlineMs: number;
  tries: number;
  partition: number | undefined;
  /** The lane's; `sentSequence` is the one it went out with last. */
  sequence: number | undefined;
  sentSequence: number | undefined;
}

export interface Outbox {
  topic: string;
  partitions: number | undefined;
  describeId: number | undefined;
  /** Not yet routed to a partition. */
  unrouted: Publish[];
  /** Without idempotence, ready to go out. */
  plain: Publish[];
  plainHeldUntilMs: number;
  lanes: Map<number, Lane>;
  nextPartition: number;
}

export function newOutbox(topic: string): Outbox {
  return {
    topic,
    partitions: undefined,
    describeId: undefined,
    unrouted: [],
    plain: [],
    plainHeldUntilMs: 0,
    lanes: new Map(),
    nextPartition: 0,
  };
}

/** Routes what can be; true: the topic's partition count has to be asked for, and is not being asked for yet. */
export function route(outbox: Outbox, isBinary: boolean): boolean {
  if (outbox.unrouted.length === 0) return false;
  const rest: Publish[] = [];
  for (const publish of outbox.unrouted) {
    if (publish.idempotent || isBinary) publish.partition ??= partitionOf(publish, outbox);
    if (publish.partition === undefined && (publish.idempotent || isBinary)) rest.push(publish);
    else if (publish.idempotent) laneOf(outbox, publish.partition as number).queued.push(publish);
    else outbox.plain.push(publish);
  }
  outbox.unrouted = rest;
  return rest.length > 0 && outbox.describeId === undefined;
}

/** Puts back what is to be sent again, at its old place. */
export function insertById(queue: Publish[], publish: Publish): void {
  const place = queue.findIndex((other) => other.id > publish.id);
  queue.splice(place < 0 ? queue.length : place, 0, publish);
}

/** The key's, as Kafka's producers choose it; one after another for records without a key. */
function partitionOf({ record }: Publish, outbox: Outbox): number | undefined {
  if (outbox.partitions === undefined) return undefined;
  const key = contentBytes(record.key);
  if (key !== null) return partitionForKey(key, outbox.partitions);
  outbox.nextPartition = (outbox.nextPartition + 1) % outbox.partitions;
  return outbox.nextPartition;
}

function laneOf(outbox: Outbox, partition: number): Lane {
  let lane = outbox.lanes.get(partition);
  if (lane === undefined) outbox.lanes.set(partition, (lane = newLane(partition)));
  return lane;
}
