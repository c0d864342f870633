/**
 * The gateway's WebSocket protocol, version 1: what a client and the gateway say to each other on `/v1/ws`.
 * The gateway and the SDK both import these types, so neither can drift. Text frames are one JSON object each.
 * Subprotocol `meridian.v1.json` has text frames only. In `meridian.v1.bin` records travel as raw batches in
 * binary frames (`packBinary`), everything else stays JSON text.
 * Invariant: a `messages` or `batch` frame carries nothing that differs between subscribers, so that it is
 * built once and the same bytes are written to every socket.
 */

export { BinaryFrameError, packBinary, unpackBinary } from './binary-frames.ts';

export const SUBPROTOCOLS = { json: 'meridian.v1.json', bin: 'meridian.v1.bin' } as const;

/** Where a record was born; its identity in every region (offsets are in each record). */
export interface Origin {
  region: string;
  /** Topic id at the origin, canonical UUID text. */
  topicId: string;
  partition: number;
}

/** A record's whole identity: (origin region, topic id, partition, origin leader epoch, origin offset). */
export interface Coordinates extends Origin {
  epoch: number;
  offset: number;
}

/** A key, a value or a header's value: exactly one of the three; `null` stands for an absent one (tombstone). */
export type Payload = { json: unknown } | { text: string } | { base64: string } | null;

export interface Header {
  name: string;
  value: Payload;
}

export interface JsonRecord {
  offset: number;
  /** Milliseconds since the Unix epoch. */
  timestamp: number;
  key: Payload;
  value: Payload;
  headers?: Header[];
}

// ---- client → gateway ----

export type ClientFrame =
  | ConnectFrame
  | DescribeFrame
  | PublishFrame
  | SubscribeFrame
  | UnsubscribeFrame
  | CreditFrame
  | CursorRequestFrame
  | PingFrame;

/** The first frame, within `handshakeTimeoutMs`, unless the token came in the handshake; sent again to refresh the token. */
export interface ConnectFrame {
  type: 'connect';
  token?: string;
  /** `welcome.session` or `published.session` of an earlier connection: goes on with its producer id. */
  session?: string;
  client?: string;
}

/** Asks for a topic's partition count, so that a client can partition by itself. */
export interface DescribeFrame {
  type: 'describe';
  id: number;
  topic: string;
}

export interface PublishFrame {
  type: 'publish';
  /** Chosen by the client, answered with the same. */
  id: number;
  topic: string;
  /** Without it: murmur2 of the key, or the gateway's choice if there is no key. Required with `sequence`. */
  partition?: number;
  /** Makes it idempotent: counted by the session per (topic, partition), from 0, one per record, as Kafka counts it. */
  sequence?: number;
  key?: Payload;
  value: Payload;
  headers?: Header[];
  timestamp?: number;
}

export interface SubscribeFrame {
  type: 'subscribe';
  id: number;
  topic: string;
  from: 'earliest' | 'latest' | 'cursor';
  /** With `from: 'cursor'`. */
  cursor?: string;
  /**
   * Coordinates of records already processed after the cursor, the last one per origin and partition is enough;
   * can only advance it.
   */
  after?: Coordinates[];
  credits: Credits;
}

/**
 * How much may be sent ahead. A frame costs its records (a raw batch: its record count) and its own bytes as
 * sent; it goes out while both are above zero, so they may fall below zero by one frame.
 */
export interface Credits {
  messages: number;
  bytes: number;
}

export interface UnsubscribeFrame {
  type: 'unsubscribe';
  id: number;
  topic: string;
}

/** Adds to a subscription's credits. */
export interface CreditFrame extends Partial<Credits> {
  type: 'credit';
  topic: string;
}

export interface CursorRequestFrame {
  type: 'cursor';
  id: number;
  topic: string;
}

export interface PingFrame {
  type: 'ping';
  id: number;
}

// ---- gateway → client ----

export type ServerFrame =
  | WelcomeFrame
  | DescribedFrame
  | PublishedFrame
  | SubscribedFrame
  | StatusFrame
  | UnsubscribedFrame
  | MessagesFrame
  | UndecodableFrame
  | CursorFrame
  | GapFrame
  | DrainFrame
  | PongFrame
  | ErrorFrame;

export interface WelcomeFrame {
  type: 'welcome';
  region: string;
  tenant: string;
  subject: string;
  /** Set when the connect frame named a session and it goes on. */
  session?: string;
  /** When the token expires, ms since the Unix epoch; send `connect` with a new one before that. */
  expiresAt: number;
  limits: Limits;
}

export interface Limits {
  /** The largest frame the gateway takes. */
  maxFrameBytes: number;
  maxSubscriptions: number;
  /** Publishes not yet answered. */
  maxInFlightPublishes: number;
  maxCreditMessages: number;
  maxCreditBytes: number;
  cursorEveryMs: number;
  cursorEveryMessages: number;
  /** The gateway closes a connection from which it hears nothing for this long. */
  idleTimeoutMs: number;
}

export interface DescribedFrame {
  type: 'described';
  id: number;
  topic: string;
  topicId: string;
  partitions: number;
}

export interface PublishedFrame extends Coordinates {
  type: 'published';
  id: number;
  /** True when the broker had these records already (same producer id, epoch and sequence). */
  duplicate?: boolean;
  /** On the first idempotent publish: the session's producer, and the text that lets another connection go on with it. */
  producerId?: number;
  producerEpoch?: number;
  session?: string;
}

/** A `cursor` frame follows at once, so that a client can resume from the first moment on. */
export interface SubscribedFrame {
  type: 'subscribed';
  id: number;
  topic: string;
  partitions: PartitionStatus[];
}

/** What became of the requested position: one per origin and partition. */
export interface PartitionStatus extends Origin {
  /**
   * `exact`: delivery starts at `offset`. `behind`: this region's copy ends before `offset`. `gap`: records are gone.
   * `unavailable`: the region cannot read the partition at present; a `status` frame follows when it can.
   */
  status: 'exact' | 'behind' | 'gap' | 'unavailable';
  /** The next offset that will be delivered; with `unavailable` the one asked for, 0 if that was no offset. */
  offset: number;
  /** With `behind`: how many records the copy has yet to receive before delivery begins. */
  behindBy?: number;
  /** With `gap`: the origin offsets `from`..`to`, `to` exclusive, will not be delivered. */
  from?: number;
  to?: number;
  /** With `gap`: `retention`, `recreated` (another topic id) or `diverged` (the origin lost the records). */
  reason?: GapReason;
}

/** Later word on some partitions of a subscription: what was unavailable can be read again, or what appeared cannot yet. */
export interface StatusFrame {
  type: 'status';
  topic: string;
  partitions: PartitionStatus[];
}

export type GapReason = 'retention' | 'recreated' | 'diverged';

export interface UnsubscribedFrame {
  type: 'unsubscribed';
  id: number;
  topic: string;
}

/** Records of one epoch, of one or several batches; the JSON subprotocol. A client drops what lies below its own position. */
export interface MessagesFrame extends Origin {
  type: 'messages';
  topic: string;
  epoch: number;
  records: JsonRecord[];
}

/**
 * A batch that cannot be decoded (JSON subprotocol), or is none (both; epoch −1); delivery goes on behind it.
 * `to` is exclusive.
 */
export interface UndecodableFrame extends Origin {
  type: 'undecodable';
  topic: string;
  epoch: number;
  from: number;
  to: number;
  reason: string;
}

export interface CursorFrame {
  type: 'cursor';
  topic: string;
  cursor: string;
  /** Set when it answers a request. */
  id?: number;
}

/** Records went missing while subscribed (retention overtook the reader, the copy was re-created). `to` is exclusive. */
export interface GapFrame extends Origin {
  type: 'gap';
  topic: string;
  from: number;
  to: number;
  reason: GapReason;
}

/** The gateway is going down: the last cursors have been sent; reconnect after `delayMs`. */
export interface DrainFrame {
  type: 'drain';
  delayMs: number;
}

export interface PongFrame {
  type: 'pong';
  id: number;
}

export interface ErrorFrame {
  type: 'error';
  /** The request that failed, if it had an id. */
  id?: number;
  code: ErrorCode;
  message: string;
  retryable: boolean;
  retryAfterMs?: number;
}

/** One table: close codes and what the client does. 4000–4099 stop, 4100–4199 back off and come back, 4200–4299 come back at once. */
export const CLOSE_CODES = {
  normal: 1000,
  draining: 1012,
  overloaded: 1013,
  invalidToken: 4000,
  forbidden: 4001,
  badRequest: 4002,
  unsupportedVersion: 4003,
  connectionLimit: 4004,
  tokenExpired: 4100,
  slowConsumer: 4101,
  noPong: 4103,
  handshakeTimeout: 4104,
} as const;

/** Codes of `error` frames and of HTTP problem documents. */
export const ERROR_CODES = {
  'bad-request': {
    retryable: false,
    status: 400,
    meaning: 'The request is not understood; `message` says what is wrong with it.',
  },
  unauthorized: { retryable: false, status: 401, meaning: 'No token, or one that is not valid here.' },
  forbidden: { retryable: false, status: 403, meaning: 'The token does not allow it.' },
  'unknown-topic': { retryable: false, status: 404, meaning: 'No such topic, and it may not be created by use.' },
  'too-large': { retryable: false, status: 413, meaning: 'The record, frame or body is larger than the limit.' },
  'bad-cursor': {
    retryable: false,
    status: 400,
    meaning: 'The cursor was changed, is of another tenant or topic, or its key has been retired.',
  },
  'already-subscribed': { retryable: false, status: 409, meaning: 'One subscription per topic and connection.' },
  'not-subscribed': { retryable: false, status: 409, meaning: 'No subscription of that topic on this connection.' },
  'too-many-subscriptions': {
    retryable: false,
    status: 429,
    meaning: 'The connection has `maxSubscriptions` of them; end one, or open another connection.',
  },
  'limit-exceeded': {
    retryable: true,
    status: 429,
    meaning: 'More than a limit of `welcome`, or of the tenant, allows; the message says which. Try again with less.',
  },
  'out-of-order-sequence': {
    retryable: false,
    status: 409,
    meaning: 'A sequence was left out: an earlier publish of this session and partition is missing.',
  },
  'fenced-producer': {
    retryable: false,
    status: 409,
    meaning: 'The publishing session was taken over or has expired: begin a new one.',
  },
  unavailable: { retryable: true, status: 503, meaning: 'The region cannot serve it at present.' },
  timeout: {
    retryable: true,
    status: 504,
    meaning: 'The brokers did not answer in time; a record may have been written.',
  },
  internal: { retryable: true, status: 500, meaning: 'A fault of the gateway; it is in its log.' },
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

// ---- binary frames (meridian.v1.bin) ----

/**
 * A binary frame is: u8 kind, u32 big-endian header length, the header as JSON text, then Kafka record batches (v2)
 * as they lie in the log. Kind 1, gateway → client: `BatchHeader`. Kind 2, client → gateway: `PublishBatchHeader`
 * and exactly one batch of one record or more, whose `baseOffset` is 0; with `sequence` set, its producer id, epoch and
 * base sequence are the session's. It is taken or refused whole, and answered with the coordinates of its first record.
 */
export const BINARY_KINDS = { batch: 1, publish: 2 } as const;

export interface BatchHeader extends Origin {
  topic: string;
  epoch: number;
}

export interface PublishBatchHeader {
  id: number;
  topic: string;
  partition: number;
  /** First record's sequence. The first idempotent publish of a session has producer id −1 in its batch; the gateway stamps it. */
  sequence?: number;
}
