/**
 * What the publishes' part of the session machine remembers, and how a publish leaves it. Used by `publishing.ts`,
 * which decides.
 * Invariant: what is on the wire, in `all`, and counted in `records` is changed here and at `enqueue` alone.
 */
import { MeridianError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Effect } from './inputs-effects.ts';
import { type Lane, requeueAll, restart } from './lane.ts';
import { countPlain, newOutbox, type Outbox } from './outbox.ts';
import type { Publish } from './publish.ts';
import type { Session } from './session.ts';

export interface Publishing {
  connected: boolean;
  /** What is not yet settled, in publishes and in records. */
  all: Map<number, Publish>;
  records: number;
  outboxes: Map<string, Outbox>;
  /** What was sent on this connection and is not yet answered, given up or not. */
  onWire: Map<number, Publish>;
  onWireBytes: number;
  /** Known from the first idempotent answer on, until the session is given up. */
  producer: { id: number; epoch: number } | undefined;
  sweepArmed: boolean;
  gatherArmed: boolean;
}

export function newPublishing(): Publishing {
  return {
    connected: false,
    all: new Map(),
    records: 0,
    outboxes: new Map(),
    onWire: new Map(),
    onWireBytes: 0,
    producer: undefined,
    sweepArmed: false,
    gatherArmed: false,
  };
}

export function outboxOf(publishing: Publishing, topic: string): Outbox {
  let outbox = publishing.outboxes.get(topic);
  if (outbox === undefined) publishing.outboxes.set(topic, (outbox = newOutbox(topic)));
  return outbox;
}

export function laneFor(publishing: Publishing, publish: Publish): Lane | undefined {
  if (!publish.idempotent || publish.partition === undefined) return undefined;
  return publishing.outboxes.get(publish.topic)?.lanes.get(publish.partition);
}

export function wireIsFree({ publishing, limits }: Session): boolean {
  const { onWire, onWireBytes } = publishing;
  return onWire.size < (limits?.maxInFlightPublishes ?? 1) && onWireBytes < LIMITS.maxInFlightBytes;
}

/** It was answered: the publish, if it was sent on this connection. */
export function takeOffWire(publishing: Publishing, id: number | undefined): Publish | undefined {
  const publish = id === undefined ? undefined : publishing.onWire.get(id);
  if (publish === undefined) return undefined;
  publishing.onWire.delete(publish.id);
  publishing.onWireBytes -= publish.sizeInBytes;
  if (!publish.idempotent) countPlain(outboxOf(publishing, publish.topic), publish, -1);
  return publish;
}

/** Takes it out of every queue, and tells. */
export function settle({ publishing }: Session, publish: Publish, error: MeridianError, effects: Effect[]): void {
  if (!publishing.all.delete(publish.id)) return;
  publishing.records -= publish.entries.length;
  publish.isOpen = false;
  const outbox = outboxOf(publishing, publish.topic);
  const drop = (list: Publish[]): void => {
    const at = list.indexOf(publish);
    if (at >= 0) list.splice(at, 1);
  };
  drop(outbox.unrouted);
  drop(outbox.plain);
  const lane = laneFor(publishing, publish);
  if (lane) {
    drop(lane.queued);
    drop(lane.inFlight);
  }
  for (const { id } of publish.entries) effects.push({ type: 'publish-failed', id, error });
}

/** The connection broke: what was sent without idempotence is of unknown outcome, the rest waits for the next one. */
export function lost(session: Session, effects: Effect[]): void {
  const { publishing } = session;
  publishing.connected = false;
  publishing.onWire.clear();
  publishing.onWireBytes = 0;
  const error = new MeridianError('connection-lost', '', true);
  for (const publish of publishing.all.values()) {
    if (!publish.idempotent && publish.tries > 0) settle(session, publish, error, effects);
  }
  for (const outbox of publishing.outboxes.values()) {
    outbox.partitions = undefined; // asked again: the topic may have grown
    outbox.describeId = undefined;
    outbox.plainOnWire.clear();
    for (const lane of outbox.lanes.values()) requeueAll(lane);
  }
}

/** The publishing session of before does not go on. */
export function restartLanes(session: Session, effects: Effect[]): void {
  const { publishing, connection } = session;
  publishing.producer = undefined;
  connection.publishSession = undefined;
  const error = new MeridianError('outcome-unknown', '', true);
  for (const outbox of publishing.outboxes.values()) {
    for (const lane of outbox.lanes.values()) {
      for (const publish of restart(lane)) settle(session, publish, error, effects);
    }
  }
}
