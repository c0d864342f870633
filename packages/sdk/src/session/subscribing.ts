/**
 * The subscriptions' part of the session machine: where each one stands, how much may be sent ahead of its reader,
 * and how it resumes. Called by `session.ts`.
 *
 * Resume: the last cursor that came, plus the coordinates received after it. What lies below the own position
 * (batches begin where they begin) is dropped here. Without a cursor it begins anew where it had begun, and what
 * that leaves out is told as a gap.
 *
 * Invariant: per origin and partition offsets are delivered in ascending order, each at most once, and what will
 * never be delivered is delivered as a gap.
 */
import { MeridianError } from '../errors.ts';
import type {
  Coordinates,
  Credits,
  CursorFrame,
  ErrorFrame,
  GapFrame,
  MessagesFrame,
  Origin,
  PartitionStatus,
  StatusFrame,
  SubscribedFrame,
  UndecodableFrame,
} from '../frames.ts';
import { LIMITS } from '../limits.ts';
import type { Delivery, Effect, Input, ReceivedBatch, SubscribeFrom } from './inputs-effects.ts';
import type { Session } from './session.ts';

interface Position {
  origin: Origin;
  /** The next offset that is wanted. */
  next: number;
  /** Of the last record received since the last cursor. */
  lastEpoch: number | undefined;
}

interface Subscription {
  topic: string;
  /** How it began; once a cursor has come, that is used. */
  from: SubscribeFrom;
  /** Of the subscribe frame that waits for its answer, or was answered. */
  id: number;
  active: boolean;
  cursor: string | undefined;
  positions: Map<string, Position>;
  /** Received and not yet consumed by the reader. */
  held: Credits;
  /** Consumed and not yet granted again. */
  owed: Credits;
}

export interface Subscribing {
  connected: boolean;
  byTopic: Map<string, Subscription>;
}

export function newSubscribing(): Subscribing {
  return { connected: false, byTopic: new Map() };
}

export function stepSubscribing(session: Session, input: Input, effects: Effect[]): void {
  followConnection(session, effects);
  const { subscribing } = session;
  switch (input.type) {
    case 'subscribe':
      return add(session, input, effects);
    case 'unsubscribe':
      return remove(session, input.topic, effects);
    case 'consumed':
      return consumed(session, input, effects);
    case 'batch':
      return takeBatch(session, input.batch, effects);
    case 'timer':
      if (input.timer === 'resubscribe' && subscribing.connected) askAgain(session, effects);
      return;
    case 'frame':
      return takeFrame(session, input, effects);
  }
}

function takeFrame(session: Session, input: Extract<Input, { type: 'frame' }>, effects: Effect[]): void {
  const { frame, bytes } = input;
  if (frame.type === 'error') return failed(session, frame, effects);
  const subscription = 'topic' in frame ? session.subscribing.byTopic.get(frame.topic) : undefined;
  if (subscription === undefined) return;
  if (frame.type === 'subscribed') subscribed(subscription, frame, effects);
  else if (!subscription.active)
    return; // still of the subscription before this one
  else if (frame.type === 'status') takeStatuses(subscription, frame, effects);
  else if (frame.type === 'messages') takeMessages(session, subscription, frame, bytes, effects);
  else if (frame.type === 'cursor') takeCursor(subscription, frame, effects);
  else if (frame.type === 'gap') skip(subscription, frame, effects);
  else if (frame.type === 'undecodable') {
    skip(subscription, frame, effects);
    subscription.held.bytes += bytes;
    consumed(session, { topic: frame.topic, messages: 0, bytes }, effects);
  }
}

function followConnection(session: Session, effects: Effect[]): void {
  const { subscribing, connection } = session;
  if (connection.failure !== undefined) {
    for (const { topic } of subscribing.byTopic.values()) {
      effects.push({ type: 'subscription-failed', topic, error: connection.failure });
    }
    subscribing.byTopic.clear();
  }
  const connected = connection.phase === 'connected';
  if (connected === subscribing.connected) return;
  subscribing.connected = connected;
  for (const subscription of subscribing.byTopic.values()) {
    subscription.active = false;
    if (connected) ask(session, subscription, effects);
  }
}

function add(session: Session, input: Extract<Input, { type: 'subscribe' }>, effects: Effect[]): void {
  const { subscribing, connection } = session;
  const { topic, from } = input;
  if (connection.failure !== undefined) {
    return void effects.push({ type: 'subscription-failed', topic, error: connection.failure });
  }
  const subscription: Subscription = {
    topic,
    from,
    id: 0,
    active: false,
    cursor: typeof from === 'object' ? from.cursor : undefined,
    positions: new Map(),
    held: { messages: 0, bytes: 0 },
    owed: { messages: 0, bytes: 0 },
  };
  if (typeof from === 'object') {
    for (const at of from.after ?? []) {
      const origin = { region: at.region, topicId: at.topicId, partition: at.partition };
      subscription.positions.set(placeKey(at.region, at.partition), {
        origin,
        next: at.offset + 1,
        lastEpoch: at.epoch,
      });
    }
  }
  subscribing.byTopic.set(topic, subscription);
  if (subscribing.connected) ask(session, subscription, effects);
}

function ask(session: Session, subscription: Subscription, effects: Effect[]): void {
  session.lastRequestId += 2;
  subscription.id = session.lastRequestId;
  const { id, topic, cursor, from, held } = subscription;
  const window = windowOf(session);
  const credits = {
    messages: Math.max(1, window.messages - held.messages),
    bytes: Math.max(1, window.bytes - held.bytes),
  };
  subscription.owed = { messages: 0, bytes: 0 };
  const start =
    cursor === undefined
      ? { from: from as 'earliest' | 'latest' }
      : { from: 'cursor' as const, cursor, after: receivedSinceCursor(subscription) };
  effects.push({ type: 'send', frame: { type: 'subscribe', id, topic, credits, ...start } });
}

function askAgain(session: Session, effects: Effect[]): void {
  for (const subscription of session.subscribing.byTopic.values()) {
    if (subscription.id === 0) ask(session, subscription, effects);
  }
}

function receivedSinceCursor({ positions }: Subscription): Coordinates[] {
  const received = [...positions.values()].flatMap(({ origin, next, lastEpoch }) =>
    lastEpoch === undefined ? [] : [{ ...origin, epoch: lastEpoch, offset: next - 1 }],
  );
  return received.slice(0, LIMITS.maxAfterCoordinates);
}

function remove(session: Session, topic: string, effects: Effect[]): void {
  const { subscribing } = session;
  if (!subscribing.byTopic.delete(topic) || !subscribing.connected) return;
  session.lastRequestId += 2;
  effects.push({ type: 'send', frame: { type: 'unsubscribe', id: session.lastRequestId, topic } });
}

function subscribed(subscription: Subscription, frame: SubscribedFrame, effects: Effect[]): void {
  if (frame.id !== subscription.id) return;
  subscription.active = true;
  takeStatuses(subscription, frame, effects);
}

function takeStatuses(subscription: Subscription, frame: SubscribedFrame | StatusFrame, effects: Effect[]): void {
  const { type, partitions } = frame;
  deliver(effects, subscription.topic, { type: 'status', partitions, isLater: type === 'status' });
  for (const status of partitions) {
    // Of one that cannot be read nothing is known yet: the own position stays.
    if (status.status !== 'unavailable') takeStatus(subscription, status, effects);
  }
}

/** Where delivery begins. A gap moves the position, also back: an origin that lost records gives their offsets again. */
function takeStatus(subscription: Subscription, status: PartitionStatus, effects: Effect[]): void {
  const { region, topicId, partition, offset } = status;
  const origin = { region, topicId, partition };
  const known = subscription.positions.get(placeKey(region, partition));
  const before = known?.origin.topicId === topicId ? known : undefined;
  const isGap = status.status === 'gap';
  if (isGap) {
    const { from = before?.next ?? 0, to = offset, reason = 'retention' } = status;
    deliver(effects, subscription.topic, {
      type: 'gap',
      gap: { topic: subscription.topic, ...origin, from, to, reason },
    });
  } else if (before !== undefined && subscription.cursor === undefined && offset > before.next) {
    const gap = { topic: subscription.topic, ...origin, from: before.next, to: offset, reason: 'no-cursor' as const };
    deliver(effects, subscription.topic, { type: 'gap', gap });
  }
  const next = isGap ? offset : Math.max(offset, before?.next ?? 0);
  const lastEpoch = next === before?.next ? before.lastEpoch : undefined;
  subscription.positions.set(placeKey(region, partition), { origin, next, lastEpoch });
}

function takeMessages(
  session: Session,
  subscription: Subscription,
  frame: MessagesFrame,
  bytes: number,
  effects: Effect[],
): void {
  const position = positionOf(subscription, frame);
  const messages = frame.records.length;
  subscription.held.messages += messages;
  subscription.held.bytes += bytes;
  const last = frame.records[messages - 1];
  if (last === undefined || last.offset < position.next) {
    return consumed(session, { topic: subscription.topic, messages, bytes }, effects);
  }
  deliver(effects, subscription.topic, { type: 'messages', frame, fromOffset: position.next, bytes });
  position.next = last.offset + 1;
  position.lastEpoch = frame.epoch;
}

function takeBatch(session: Session, batch: ReceivedBatch, effects: Effect[]): void {
  const subscription = session.subscribing.byTopic.get(batch.header.topic);
  if (subscription === undefined || !subscription.active) return;
  const position = positionOf(subscription, batch.header);
  const { records: messages, bytes, nextOffset } = batch;
  subscription.held.messages += messages;
  subscription.held.bytes += bytes;
  if (nextOffset <= position.next) return consumed(session, { topic: subscription.topic, messages, bytes }, effects);
  deliver(effects, subscription.topic, { type: 'batch', batch, fromOffset: position.next });
  position.next = nextOffset;
  position.lastEpoch = batch.header.epoch;
}

function takeCursor(subscription: Subscription, frame: CursorFrame, effects: Effect[]): void {
  subscription.cursor = frame.cursor;
  for (const position of subscription.positions.values()) position.lastEpoch = undefined;
  deliver(effects, subscription.topic, { type: 'cursor', cursor: frame.cursor });
}

/** A gap or an undecodable batch: the position moves behind it. */
function skip(subscription: Subscription, frame: GapFrame | UndecodableFrame, effects: Effect[]): void {
  const position = positionOf(subscription, frame);
  if (frame.type === 'gap') {
    const { type: _, ...gap } = frame;
    position.next = frame.to;
    position.lastEpoch = undefined;
    return deliver(effects, subscription.topic, { type: 'gap', gap });
  }
  if (frame.to <= position.next) return;
  position.next = frame.to;
  position.lastEpoch = frame.epoch;
  deliver(effects, subscription.topic, { type: 'undecodable', frame });
}

function failed(session: Session, frame: ErrorFrame, effects: Effect[]): void {
  const { byTopic } = session.subscribing;
  for (const subscription of byTopic.values()) {
    if (frame.id === undefined || subscription.id !== frame.id || subscription.active) continue;
    if (frame.retryable) {
      subscription.id = 0;
      const delayMs = frame.retryAfterMs ?? LIMITS.subscribeRetryMs;
      effects.push({ type: 'arm', timer: 'resubscribe', delayMs, jitterMs: LIMITS.subscribeRetryMs });
    } else {
      byTopic.delete(subscription.topic);
      const error = new MeridianError(frame.code, frame.message);
      effects.push({ type: 'subscription-failed', topic: subscription.topic, error });
    }
  }
}

/** The reader is done with these: their credits are granted again, half a window at a time. */
function consumed(session: Session, done: { topic: string } & Credits, effects: Effect[]): void {
  const subscription = session.subscribing.byTopic.get(done.topic);
  if (subscription === undefined) return;
  const { held, owed, topic } = subscription;
  held.messages -= done.messages;
  held.bytes -= done.bytes;
  owed.messages += done.messages;
  owed.bytes += done.bytes;
  const window = windowOf(session);
  if (!subscription.active || (owed.messages * 2 < window.messages && owed.bytes * 2 < window.bytes)) return;
  effects.push({ type: 'send', frame: { type: 'credit', topic, messages: owed.messages, bytes: owed.bytes } });
  subscription.owed = { messages: 0, bytes: 0 };
}

function windowOf({ limits }: Session): Credits {
  return {
    messages: Math.min(LIMITS.creditMessages, limits?.maxCreditMessages ?? LIMITS.creditMessages),
    bytes: Math.min(LIMITS.creditBytes, limits?.maxCreditBytes ?? LIMITS.creditBytes),
  };
}

/** A topic that was re-created at its origin has another id: its offsets begin anew. */
function positionOf(subscription: Subscription, { region, topicId, partition }: Origin): Position {
  const key = placeKey(region, partition);
  let position = subscription.positions.get(key);
  if (position === undefined || position.origin.topicId !== topicId) {
    position = { origin: { region, topicId, partition }, next: 0, lastEpoch: undefined };
    subscription.positions.set(key, position);
  }
  return position;
}

const placeKey = (region: string, partition: number): string => `${region}/${partition}`;

function deliver(effects: Effect[], topic: string, item: Delivery): void {
  effects.push({ type: 'deliver', topic, item });
}
