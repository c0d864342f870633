/**
 * What waits to be published to one topic: routed to partitions where the client has to choose them (idempotent
 * publishes, raw batches), otherwise left to the gateway. Called by `publishing.ts`.
 * Invariant: publishes of one kind and partition leave in the order in which they came.
 */
import { partitionForKey } from '@meridian/protocol/record-batch';
import { LIMITS } from '../limits.ts';
import { contentBytes } from '../payload.ts';
import { type Lane, newLane } from './lane.ts';
import { join, type Publish } from './publish.ts';

export interface Outbox {
  topic: string;
  partitions: number | undefined;
  describeId: number | undefined;
  /** Not yet routed to a partition. */
  unrouted: Publish[];
  /** Without idempotence, ready to go out. */
  plain: Publish[];
  plainHeldUntilMs: number;
  /** The newest of each partition in `plain`. */
  newestPlain: Map<number, Publish>;
  /** How many of each partition are on the wire. */
  plainOnWire: Map<number | undefined, number>;
  lanes: Map<number, Lane>;
  sticky: { partition: number; left: number };
}

export function newOutbox(topic: string): Outbox {
  return {
    topic,
    partitions: undefined,
    describeId: undefined,
    unrouted: [],
    plain: [],
    plainHeldUntilMs: 0,
    newestPlain: new Map(),
    plainOnWire: new Map(),
    lanes: new Map(),
    sticky: { partition: 0, left: LIMITS.stickyRecords },
  };
}

/**
 * Routes what can be; true: the topic's partition count has to be asked for, and is not being asked for yet.
 * `onJoined` is told what has become a part of another publish.
 */
export function route(outbox: Outbox, isBinary: boolean, onJoined: (publish: Publish) => void): boolean {
  if (outbox.unrouted.length === 0) return false;
  const rest: Publish[] = [];
  for (const publish of outbox.unrouted) {
    if (publish.idempotent || isBinary) publish.partition ??= partitionOf(publish, outbox);
    if (publish.partition === undefined && (publish.idempotent || isBinary)) rest.push(publish);
    else if (isBinary && join(newestOf(outbox, publish), publish)) onJoined(publish);
    else queue(outbox, publish);
  }
  outbox.unrouted = rest;
  return rest.length > 0 && outbox.describeId === undefined;
}

/** The next without idempotence of which less than `window` are on the wire to its partition, now counted as such. */
export function takePlain(outbox: Outbox, window: number): Publish | undefined {
  const at = outbox.plain.findIndex(({ partition }) => (outbox.plainOnWire.get(partition) ?? 0) < window);
  if (at < 0) return undefined;
  const publish = (at === 0 ? outbox.plain.shift() : outbox.plain.splice(at, 1)[0]) as Publish;
  countPlain(outbox, publish, 1);
  return publish;
}

export function countPlain(outbox: Outbox, { partition }: Publish, by: number): void {
  outbox.plainOnWire.set(partition, (outbox.plainOnWire.get(partition) ?? 0) + by);
}

function newestOf(outbox: Outbox, { partition = -1, idempotent }: Publish): Publish | undefined {
  return idempotent ? laneOf(outbox, partition).queued.at(-1) : outbox.newestPlain.get(partition);
}

function queue(outbox: Outbox, publish: Publish): void {
  const { partition = -1 } = publish;
  if (publish.idempotent) return void laneOf(outbox, partition).queued.push(publish);
  outbox.plain.push(publish);
  if (partition >= 0) outbox.newestPlain.set(partition, publish);
}

/** The key's, as Kafka's producers choose it; for records without a key one for a while, then the next. */
function partitionOf({ entries }: Publish, outbox: Outbox): number | undefined {
  if (outbox.partitions === undefined) return undefined;
  const key = contentBytes(entries[0]?.record.key);
  if (key !== null) return partitionForKey(key, outbox.partitions);
  const { sticky } = outbox;
  if (sticky.left === 0) {
    sticky.partition += 1;
    sticky.left = LIMITS.stickyRecords;
  }
  sticky.left -= 1;
  return sticky.partition % outbox.partitions;
}

function laneOf(outbox: Outbox, partition: number): Lane {
  let lane = outbox.lanes.get(partition);
  if (lane === undefined) outbox.lanes.set(partition, (lane = newLane(partition)));
  return lane;
}
