/**
 * The publishes' part of the session machine: what waits for a connection or for a topic's partition count, what
 * is on the wire, and what becomes of each. Called by `session.ts`; each topic has an outbox (`outbox.ts`).
 *
 * In the binary subprotocol records for one partition share a batch (`publish.ts`): those of one turn, and those that
 * come while five batches are on the wire.
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
import { acknowledge, refuse, requeue, split, takeNext } from './lane.ts';
import { type Outbox, route, takePlain } from './outbox.ts';
import { halvesOf, insertById, newPublish, type Publish } from './publish.ts';
import {
  laneFor,
  lost,
  outboxOf,
  type Publishing,
  restartLanes,
  settle,
  takeOffWire,
  wireIsFree,
} from './publish-state.ts';
import type { Session } from './session.ts';

export function stepPublishing(session: Session, input: Input, now: number, effects: Effect[]): void {
  const { publishing } = session;
  followConnection(session, input, effects);
  if (input.type === 'publish') {
    enqueue(session, input, now, effects);
    if (gathers(session, effects)) return armSweep(publishing, effects);
  } else if (input.type === 'timer' && input.timer === 'gather') publishing.gatherArmed = false;
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

/** In the binary subprotocol what is published in one turn goes out together, at its end. */
function gathers({ publishing, options }: Session, effects: Effect[]): boolean {
  if (options.subprotocol !== 'bin' || !publishing.connected) return false;
  if (!publishing.gatherArmed) effects.push({ type: 'arm', timer: 'gather', delayMs: 0, jitterMs: 0 });
  publishing.gatherArmed = true;
  return true;
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

function enqueue(session: Session, input: Extract<Input, { type: 'publish' }>, now: number, effects: Effect[]): void {
  const { publishing, options, connection } = session;
  const { id, topic, record, idempotent } = input;
  const full =
    publishing.records >= LIMITS.maxQueuedPublishes ? new MeridianError('queue-full', topic, true) : undefined;
  const error = connection.failure ?? full;
  if (error !== undefined) return void effects.push({ type: 'publish-failed', id, error });
  const publish = newPublish(topic, idempotent, { id, record }, now + options.publishTimeoutMs);
  publishing.all.set(id, publish);
  publishing.records += 1;
  outboxOf(publishing, topic).unrouted.push(publish);
}

function sendWhatMay(session: Session, now: number, effects: Effect[]): void {
  const { publishing } = session;
  const isBinary = session.options.subprotocol === 'bin';
  const window = isBinary ? LIMITS.maxInFlightPerPartition : Number.POSITIVE_INFINITY;
  for (const outbox of publishing.outboxes.values()) {
    const forget = ({ id }: Publish): boolean => publishing.all.delete(id);
    if (route(outbox, isBinary, forget)) describe(session, outbox, effects);
    while (outbox.plain.length > 0 && wireIsFree(session) && now >= outbox.plainHeldUntilMs) {
      const publish = takePlain(outbox, window);
      if (publish === undefined) break;
      publish.tries += 1;
      publish.isOpen = false;
      send(session, publish, effects);
    }
    for (const lane of outbox.lanes.values()) {
      while (wireIsFree(session) && mayUseSession(session)) {
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
  publishing.onWire.set(publish.id, publish);
  publishing.onWireBytes += publish.sizeInBytes;
  const { id, topic, entries, partition, sequence } = publish;
  const records = entries.map(({ record }) => record);
  const producer = publish.idempotent ? publishing.producer : undefined;
  effects.push({ type: 'send-publish', publish: { id, topic, records, partition, sequence, producer } });
}

function published(session: Session, frame: PublishedFrame, effects: Effect[]): void {
  const { publishing, connection } = session;
  const publish = takeOffWire(publishing, frame.id);
  if (frame.session !== undefined) connection.publishSession = frame.session;
  if (frame.producerId !== undefined && frame.producerEpoch !== undefined) {
    publishing.producer = { id: frame.producerId, epoch: frame.producerEpoch };
  }
  if (publish === undefined || !publishing.all.delete(publish.id)) return; // given up before
  publishing.records -= publish.entries.length;
  const lane = laneFor(publishing, publish);
  if (lane) acknowledge(lane, publish);
  for (const [index, { id }] of publish.entries.entries())
    effects.push({ type: 'published', id, answer: frame, index });
}

function described({ publishing }: Session, frame: DescribedFrame): void {
  const outbox = publishing.outboxes.get(frame.topic);
  if (outbox?.describeId === frame.id) outbox.partitions = frame.partitions;
  if (outbox) outbox.describeId = undefined;
}

function failed(session: Session, frame: ErrorFrame, now: number, effects: Effect[]): void {
  const { publishing } = session;
  const publish = takeOffWire(publishing, frame.id);
  if (publish === undefined) return describeFailed(session, frame, effects);
  if (!publishing.all.has(publish.id)) return; // given up before
  const isOneRecordsFault = frame.code === 'too-large' || frame.code === 'bad-request';
  if (isOneRecordsFault && publish.entries.length > 1 && publish.tries === 1) return halve(session, publish, now);
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

/** A batch that is refused for good was not written: its records are tried apart, so that the bad one fails alone. */
function halve({ publishing }: Session, publish: Publish, now: number): void {
  const lane = laneFor(publishing, publish);
  const halves = lane ? split(lane, publish, now) : halvesOf(publish, () => 0);
  publishing.all.delete(publish.id);
  for (const half of halves) {
    publishing.all.set(half.id, half);
    if (lane === undefined) insertById(outboxOf(publishing, publish.topic).plain, half);
  }
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
