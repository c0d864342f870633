/**
 * The publishes' part of the session machine: what waits for a connection or for a topic's partition count, what
 * is on the wire, and what becomes of each. Called by `session.ts`; each topic has an outbox (`outbox.ts`).
 *
 * An idempotent publish survives the connection as long as the publishing session does: the gateway that takes
 * the session on de-duplicates by sequence. Where it does not go on (another region, before its first answer),
 * what was sent and not answered is rejected as `outcome-unknown`, and what was not sent begins a new session.
 *
 * Invariant: every publish is settled exactly once, in `publishTimeoutMs` at the latest.
 */
import { MeridianError } from '../errors.ts';
import type { DescribedFrame, ErrorFrame, PublishedFrame } from '../frames.ts';
import { LIMITS } from '../limits.ts';
import { reconnectWithoutSession } from './connection.ts';
import type { Effect, Input } from './inputs-effects.ts';
import { acknowledge, type Lane, refuse, requeue, requeueAll, restart, takeNext } from './lane.ts';
import { insertById, newOutbox, type Outbox, type Publish, route } from './outbox.ts';
import type { Session } from './session.ts';

export interface Publishing {
  connected: boolean;
  all: Map<number, Publish>;
  outboxes: Map<string, Outbox>;
  inFlight: number;
  /** Known from the first idempotent answer on, until the session is given up. */
  producer: { id: number; epoch: number } | undefined;
  sweepArmed: boolean;
}

export function newPublishing(): Publishing {
  return { connected: false, all: new Map(), outboxes: new Map(), inFlight: 0, producer: undefined, sweepArmed: false };
}

export function stepPublishing(session: Session, input: Input, now: number, effects: Effect[]): void {
  const { publishing } = session;
  followConnection(session, input, effects);
  if (input.type === 'publish') enqueue(session, input, now, effects);
  else if (input.type === 'timer' && input.timer === 'sweep') sweep(session, now, effects);
  else if (input.type === 'frame' && publishing.connected) {
    const { frame } = input;
    if (frame.type === 'published') published(session, frame, effects);
    else if (frame.type === 'described') described(session, frame);
    else if (frame.type === 'error' && frame.id !== undefined) failed(session, frame, now, effects);
    else if (frame.type !== 'welcome') return; // the records' way: nothing to do for publishes
  } else if (input.type === 'batch' || input.type === 'consumed') return;
  if (publishing.connected) sendWhatMay(session, now, effects);
  armSweep(publishing, effects);
}

/** Sees by the phase that the connection came, went, or is over. */
function followConnection(session: Session, input: Input, effects: Effect[]): void {
  const { publishing, connection } = session;
  const { phase, failure } = connection;
  if (failure !== undefined) {
    for (const publish of publishing.all.values()) settle(session, publish, failure, effects);
    return;
  }
  if (publishing.connected && phase !== 'connected') lost(session, effects);
  if (!publishing.connected && phase === 'connected') {
    publishing.connected = true;
    const goesOn = input.type === 'frame' && input.frame.type === 'welcome' && input.frame.session !== undefined;
    if (!goesOn) restartLanes(session, effects);
  }
}

function lost(session: Session, effects: Effect[]): void {
  const { publishing } = session;
  publishing.connected = false;
  publishing.inFlight = 0;
  const error = new MeridianError('connection-lost', '', true);
  for (const publish of publishing.all.values()) {
    if (!publish.idempotent && publish.tries > 0) settle(session, publish, error, effects);
  }
  for (const outbox of publishing.outboxes.values()) {
    outbox.partitions = undefined; // asked again: the topic may have grown
    outbox.describeId = undefined;
    for (const lane of outbox.lanes.values()) requeueAll(lane);
  }
}

/** The publishing session of before does not go on. */
function restartLanes(session: Session, effects: Effect[]): void {
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

function enqueue(session: Session, input: Extract<Input, { type: 'publish' }>, now: number, effects: Effect[]): void {
  const { publishing, options, connection } = session;
  const { id, topic, record, idempotent } = input;
  const full =
    publishing.all.size >= LIMITS.maxQueuedPublishes ? new MeridianError('queue-full', topic, true) : undefined;
  const error = connection.failure ?? full;
  if (error !== undefined) return void effects.push({ type: 'publish-failed', id, error });
  const publish: Publish = {
    id,
    topic,
    record,
    idempotent,
    deadlineMs: now + options.publishTimeoutMs,
    tries: 0,
    partition: record.partition,
    sequence: undefined,
    sentSequence: undefined,
  };
  publishing.all.set(id, publish);
  outboxOf(publishing, topic).unrouted.push(publish);
}

function outboxOf(publishing: Publishing, topic: string): Outbox {
  let outbox = publishing.outboxes.get(topic);
  if (outbox === undefined) publishing.outboxes.set(topic, (outbox = newOutbox(topic)));
  return outbox;
}

function sendWhatMay(session: Session, now: number, effects: Effect[]): void {
  const { publishing } = session;
  const max = session.limits?.maxInFlightPublishes ?? 1;
  for (const outbox of publishing.outboxes.values()) {
    if (route(outbox, session.options.subprotocol === 'bin')) describe(session, outbox, effects);
    while (outbox.plain.length > 0 && publishing.inFlight < max && now >= outbox.plainHeldUntilMs) {
      const publish = outbox.plain.shift() as Publish;
      publish.tries += 1;
      send(session, publish, effects);
    }
    for (const lane of outbox.lanes.values()) {
      while (publishing.inFlight < max && mayUseSession(session)) {
        const publish = takeNext(lane, now);
        if (publish === undefined) break;
        send(session, publish, effects);
      }
    }
  }
}

/** Until the session has its first answer, one idempotent publish alone is on the wire: less to be unsure of. */
function mayUseSession({ publishing }: Session): boolean {
  if (publishing.producer !== undefined) return true;
  return ![...publishing.outboxes.values()].some((outbox) =>
    [...outbox.lanes.values()].some((lane) => lane.inFlight.length > 0),
  );
}

function describe(session: Session, outbox: Outbox, effects: Effect[]): void {
  session.lastRequestId += 2;
  outbox.describeId = session.lastRequestId;
  effects.push({ type: 'send', frame: { type: 'describe', id: outbox.describeId, topic: outbox.topic } });
}

function send({ publishing }: Session, publish: Publish, effects: Effect[]): void {
  publishing.inFlight += 1;
  const { id, topic, record, partition, sequence } = publish;
  const producer = publish.idempotent ? publishing.producer : undefined;
  effects.push({ type: 'send-publish', publish: { id, topic, record, partition, sequence, producer } });
}

function published(session: Session, frame: PublishedFrame, effects: Effect[]): void {
  const { publishing, connection } = session;
  publishing.inFlight = Math.max(0, publishing.inFlight - 1);
  if (frame.session !== undefined) connection.publishSession = frame.session;
  if (frame.producerId !== undefined && frame.producerEpoch !== undefined) {
    publishing.producer = { id: frame.producerId, epoch: frame.producerEpoch };
  }
  const publish = publishing.all.get(frame.id);
  if (publish === undefined) return; // given up before
  const lane = laneFor(publishing, publish);
  if (lane) acknowledge(lane, publish);
  publishing.all.delete(publish.id);
  effects.push({ type: 'published', id: publish.id, answer: frame });
}

function described({ publishing }: Session, frame: DescribedFrame): void {
  const outbox = publishing.outboxes.get(frame.topic);
  if (outbox?.describeId === frame.id) outbox.partitions = frame.partitions;
  if (outbox) outbox.describeId = undefined;
}

function failed(session: Session, frame: ErrorFrame, now: number, effects: Effect[]): void {
  const { publishing } = session;
  const publish = publishing.all.get(frame.id as number);
  if (publish === undefined || publish.tries === 0) return describeFailed(session, frame, effects);
  publishing.inFlight = Math.max(0, publishing.inFlight - 1);
  const error = new MeridianError(frame.code, frame.message, frame.retryable);
  const lane = laneFor(publishing, publish);
  if (lane === undefined) return plainFailed(session, publish, frame, now, effects);
  if (frame.retryable || (frame.code === 'out-of-order-sequence' && lane.heldUntilMs !== undefined)) {
    return requeue(lane, publish, now, frame.retryAfterMs);
  }
  if (publish.tries > 1) {
    const detail = `${frame.code}: ${frame.message}, after an earlier try.`;
    return giveSessionUp(session, publish, new MeridianError('outcome-unknown', detail, true), effects);
  }
  if (frame.code === 'out-of-order-sequence' || frame.code === 'fenced-producer') {
    return giveSessionUp(session, publish, error, effects);
  }
  refuse(lane, publish, now);
  settle(session, publish, error, effects);
}

/** `limit-exceeded` was refused before anything was written, and may be tried again; of the rest nobody can be sure. */
function plainFailed(session: Session, publish: Publish, frame: ErrorFrame, now: number, effects: Effect[]): void {
  if (frame.code !== 'limit-exceeded') {
    return settle(session, publish, new MeridianError(frame.code, frame.message, frame.retryable), effects);
  }
  const outbox = outboxOf(session.publishing, publish.topic);
  publish.tries = 0;
  insertById(outbox.plain, publish);
  outbox.plainHeldUntilMs = now + (frame.retryAfterMs ?? LIMITS.publishRetryMs);
}

function describeFailed(session: Session, frame: ErrorFrame, effects: Effect[]): void {
  for (const outbox of session.publishing.outboxes.values()) {
    if (outbox.describeId !== frame.id) continue;
    outbox.describeId = undefined;
    if (frame.retryable) continue; // the next sweep asks again
    const error = new MeridianError(frame.code, frame.message);
    for (const publish of [...outbox.unrouted]) settle(session, publish, error, effects);
  }
}

/** What was sent may have been written or not, and its sequence cannot be used again: a new session has to begin. */
function giveSessionUp(session: Session, publish: Publish, error: MeridianError, effects: Effect[]): void {
  settle(session, publish, error, effects);
  restartLanes(session, effects);
  reconnectWithoutSession(session, effects);
  lost(session, effects);
}

function sweep(session: Session, now: number, effects: Effect[]): void {
  const { publishing } = session;
  publishing.sweepArmed = false;
  for (const publish of [...publishing.all.values()]) {
    if (publish.deadlineMs > now || !publishing.all.has(publish.id)) continue;
    if (publish.tries === 0) settle(session, publish, new MeridianError('not-sent', publish.topic, true), effects);
    else if (!publish.idempotent) settle(session, publish, new MeridianError('timeout', publish.topic, true), effects);
    else giveSessionUp(session, publish, new MeridianError('outcome-unknown', publish.topic, true), effects);
  }
}

/** While anything waits, a tick looks at deadlines and at what is held. */
function armSweep(publishing: Publishing, effects: Effect[]): void {
  if (publishing.sweepArmed || publishing.all.size === 0) return;
  publishing.sweepArmed = true;
  effects.push({ type: 'arm', timer: 'sweep', delayMs: LIMITS.publishSweepMs, jitterMs: 0 });
}

/** Takes it out of every queue, and tells. */
function settle({ publishing }: Session, publish: Publish, error: MeridianError, effects: Effect[]): void {
  if (!publishing.all.delete(publish.id)) return;
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
  effects.push({ type: 'publish-failed', id: publish.id, error });
}

function laneFor(publishing: Publishing, publish: Publish): Lane | undefined {
  if (!publish.idempotent || publish.partition === undefined) return undefined;
  return publishing.outboxes.get(publish.topic)?.lanes.get(publish.partition);
}
