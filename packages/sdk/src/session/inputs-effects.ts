/**
 * What goes into the session machine and what comes out. The shell (`client.ts`) turns sockets, timers and calls
 * into inputs and performs the effects, in order; tests and the simulator do the same without any socket.
 * Invariant: both are plain data. Randomness enters through `jitterMs` alone, which the shell multiplies.
 */

import type { MeridianError } from '../errors.ts';
import type { BatchHeader, ClientFrame, Coordinates, PublishedFrame, ServerFrame } from '../frames.ts';
import type { Content } from '../payload.ts';

export type ConnectionState = 'initialized' | 'connecting' | 'connected' | 'waiting' | 'closed' | 'failed';

/** A record on its way out. */
export interface OutgoingRecord {
  key?: Content;
  value: Content;
  headers?: readonly { name: string; value: Content }[];
  partition?: number;
  /** Milliseconds since the Unix epoch. */
  timestamp?: number;
}

export type SubscribeFrom = 'earliest' | 'latest' | { cursor: string; after?: readonly Coordinates[] };

export type TimerName =
  | 'handshake'
  | 'reconnect'
  | 'ping'
  | 'pong'
  | 'refresh'
  | 'connect-limit'
  | 'sweep'
  | 'gather'
  | 'resubscribe';

export type Input =
  | { type: 'start' }
  | { type: 'close' }
  | { type: 'token'; token: string }
  | { type: 'token-failed'; message: string }
  | { type: 'opened' }
  | { type: 'frame'; frame: ServerFrame; bytes: number }
  | { type: 'batch'; batch: ReceivedBatch }
  | { type: 'violation'; message: string }
  | { type: 'socket-closed'; code: number; reason: string }
  | { type: 'timer'; timer: TimerName }
  | { type: 'publish'; id: number; topic: string; record: OutgoingRecord; idempotent: boolean }
  | { type: 'subscribe'; topic: string; from: SubscribeFrom }
  | { type: 'unsubscribe'; topic: string }
  | { type: 'consumed'; topic: string; messages: number; bytes: number };

/** A binary frame: raw batches of one origin and partition; read no further than their headers. */
export interface ReceivedBatch {
  header: BatchHeader;
  batches: Uint8Array;
  records: number;
  firstOffset: number;
  /** Behind the last batch. */
  nextOffset: number;
  /** Of the whole frame. */
  bytes: number;
}

export type Effect =
  | { type: 'state'; state: ConnectionState; detail: string }
  | { type: 'get-token' }
  /** Replaces whatever socket there is; events of an older one are not passed on. */
  | { type: 'open'; url: string }
  | { type: 'close-socket'; code: number; reason: string }
  | { type: 'send'; frame: ClientFrame }
  | { type: 'send-publish'; publish: PublishToSend }
  /** After `delayMs` plus a random share of `jitterMs`; replaces the timer of that name. */
  | { type: 'arm'; timer: TimerName; delayMs: number; jitterMs: number }
  | { type: 'disarm'; timer: TimerName }
  /** The record is the `index`th of the batch that was answered. */
  | { type: 'published'; id: number; answer: PublishedFrame; index: number }
  | { type: 'publish-failed'; id: number; error: MeridianError }
  | { type: 'deliver'; topic: string; item: Delivery }
  | { type: 'subscription-failed'; topic: string; error: MeridianError };

/** The shell makes the frame that the subprotocol wants of it. */
export interface PublishToSend {
  id: number;
  topic: string;
  /** One, or a batch of them in the binary subprotocol. */
  records: readonly OutgoingRecord[];
  partition: number | undefined;
  sequence: number | undefined;
  producer: { id: number; epoch: number } | undefined;
}

type Frame<T extends ServerFrame['type']> = Extract<ServerFrame, { type: T }>;

/** What a subscription's reader meets, in this order. */
export type Delivery =
  /** Records below `fromOffset` were delivered before. */
  | { type: 'messages'; frame: Frame<'messages'>; fromOffset: number; bytes: number }
  | { type: 'batch'; batch: ReceivedBatch; fromOffset: number }
  /** `isLater`: of some partitions, after the answer to `subscribe`. */
  | { type: 'status'; partitions: Frame<'subscribed'>['partitions']; isLater: boolean }
  | { type: 'gap'; gap: Gap }
  | { type: 'undecodable'; frame: Frame<'undecodable'> }
  | { type: 'cursor'; cursor: string };

/** Origin offsets `from`..`to` (exclusive) that will not be delivered. `no-cursor`: the connection broke before the first cursor. */
export type Gap = Omit<Frame<'gap'>, 'type' | 'reason'> & { reason: Frame<'gap'>['reason'] | 'no-cursor' };
