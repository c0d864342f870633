/**
 * The idempotent publishes of one topic and partition: at most five on the wire, in sequence, as Kafka's producer
 * does. A publish takes as many sequences as it has records. (One until the first is acknowledged: a broker that does not know the producer takes any sequence.)
 * Called by `publishing.ts`; `outbox.ts` fills it.
 *
 *   queued --send--> in flight --acknowledged--> gone
 *   in flight --retryable error, or out of order behind one--> queued again, same sequence; the lane is held until
 *     all in flight have been answered and the back-off is over, so that the order stays
 *   in flight --refused for good--> gone; those behind it move up by its sequences
 *   in flight --refused for one record of many--> queued again as two halves, same sequences
 *
 * Invariant: what is sent, read in order of sending, has consecutive sequences from the first unacknowledged on.
 */
import { LIMITS } from '../limits.ts';
import { halvesOf, insertById, type Publish } from './publish.ts';

const SEQUENCES = 2 ** 31;

export interface Lane {
  partition: number;
  nextSequence: number;
  /** In order; those that were sent before stand in front and keep their sequence. */
  queued: Publish[];
  /** In order of sending. */
  inFlight: Publish[];
  /** Set by a failure: nothing is sent before `inFlight` is empty and the time has come. */
  heldUntilMs: number | undefined;
  failures: number;
  /** Something was acknowledged: the broker knows the producer here, and refuses what is out of order. */
  isOpen: boolean;
}

export function newLane(partition: number): Lane {
  return { partition, nextSequence: 0, queued: [], inFlight: [], heldUntilMs: undefined, failures: 0, isOpen: false };
}

/** The next publish that may go out now, already counted as in flight. */
export function takeNext(lane: Lane, now: number): Publish | undefined {
  if (lane.heldUntilMs !== undefined) {
    if (lane.inFlight.length > 0 || now < lane.heldUntilMs) return undefined;
    lane.heldUntilMs = undefined;
  }
  if (lane.inFlight.length >= (lane.isOpen ? LIMITS.maxInFlightPerPartition : 1)) return undefined;
  const publish = lane.queued.shift();
  if (publish === undefined) return undefined;
  if (publish.sequence === undefined) {
    publish.sequence = lane.nextSequence;
    lane.nextSequence = plus(lane.nextSequence, publish.entries.length);
  }
  publish.sentSequence = publish.sequence;
  publish.tries += 1;
  publish.isOpen = false;
  lane.inFlight.push(publish);
  return publish;
}

export function acknowledge(lane: Lane, publish: Publish): void {
  const behind = without(lane, publish);
  lane.failures = 0;
  lane.isOpen = true;
  const by = ((publish.sentSequence ?? 0) - (publish.sequence ?? 0) + SEQUENCES) % SEQUENCES;
  if (by !== 0) move(lane, behind, by); // it had moved up while on the wire, yet was taken under its old sequence
}

/** The record was certainly not written: those behind it take its place. */
export function refuse(lane: Lane, publish: Publish, now: number): void {
  move(lane, without(lane, publish), SEQUENCES - publish.entries.length);
  if (lane.inFlight.length > 0) hold(lane, now, 0);
}

/** The batch was certainly not written, for the sake of one record maybe: it goes out again in two. */
export function split(lane: Lane, publish: Publish, now: number): Publish[] {
  lane.inFlight = lane.inFlight.filter((other) => other !== publish);
  const halves = halvesOf(publish, plus);
  for (const half of halves) insertById(lane.queued, half);
  if (lane.inFlight.length > 0) hold(lane, now, 0);
  return halves;
}

/** It will be sent again, when the lane is no longer held. */
export function requeue(lane: Lane, publish: Publish, now: number, retryAfterMs: number | undefined): void {
  const at = lane.inFlight.indexOf(publish);
  if (at < 0) return;
  lane.inFlight.splice(at, 1);
  insertById(lane.queued, publish);
  lane.failures += 1;
  const backoffMs = Math.min(LIMITS.publishRetryMaxMs, LIMITS.publishRetryMs * 2 ** Math.min(lane.failures - 1, 10));
  hold(lane, now, retryAfterMs ?? backoffMs);
}

/** The connection broke: everything in flight goes back to the front. */
export function requeueAll(lane: Lane): void {
  lane.queued.unshift(...lane.inFlight);
  lane.inFlight = [];
  lane.heldUntilMs = undefined;
  lane.failures = 0;
}

/** A new publishing session: takes out what an older one has sent, and counts from 0. */
export function restart(lane: Lane): Publish[] {
  requeueAll(lane);
  const sent = lane.queued.filter((publish) => publish.tries > 0);
  lane.queued = lane.queued.filter((publish) => publish.tries === 0);
  for (const publish of lane.queued) publish.sequence = undefined; // halves of a refused batch had one
  lane.nextSequence = 0;
  lane.isOpen = false;
  return sent;
}

/** Removes it from wherever it stands; returns those behind it that have a sequence. */
function without(lane: Lane, publish: Publish): Publish[] {
  lane.inFlight = lane.inFlight.filter((other) => other !== publish);
  lane.queued = lane.queued.filter((other) => other !== publish);
  return [...lane.inFlight, ...lane.queued].filter((other) => other.sequence !== undefined && other.id > publish.id);
}

function move(lane: Lane, publishes: readonly Publish[], by: number): void {
  for (const publish of publishes) publish.sequence = plus(publish.sequence ?? 0, by);
  lane.nextSequence = plus(lane.nextSequence, by);
}

function hold(lane: Lane, now: number, delayMs: number): void {
  lane.heldUntilMs = Math.max(lane.heldUntilMs ?? 0, now + delayMs);
}

const plus = (sequence: number, by: number): number => (sequence + by) % SEQUENCES;
