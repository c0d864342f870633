/**
 * One record as an application sees it, whichever subprotocol brought it. Made by `decode.ts`, handed out by
 * subscriptions. Invariant: its coordinates are those of its birth, the same in every region.
 */
import type { Coordinates, JsonRecord, MessagesFrame, Origin } from './frames.ts';
import { bytesText, payloadBytes, payloadText } from './payload.ts';

export interface Message extends Coordinates {
  readonly topic: string;
  /** Milliseconds since the Unix epoch. */
  readonly timestamp: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly { readonly name: string; readonly value: Uint8Array | null }[];
  keyText(): string | null;
  /** The value as UTF-8 text; null for a tombstone. */
  text(): string | null;
  /** The value parsed as JSON; null for a tombstone. Throws a `SyntaxError` if it is not JSON. */
  json(): unknown;
}

type Place = Origin & { readonly topic: string; readonly epoch: number };

/** What both kinds share; `Place` is one object per frame. */
abstract class BaseMessage implements Omit<Message, 'key' | 'value' | 'headers'> {
  readonly place: Place;
  readonly offset: number;
  readonly timestamp: number;

  constructor(place: Place, offset: number, timestamp: number) {
    this.place = place;
    this.offset = offset;
    this.timestamp = timestamp;
  }
  get topic(): string {
    return this.place.topic;
  }
  get region(): string {
    return this.place.region;
  }
  get topicId(): string {
    return this.place.topicId;
  }
  get partition(): number {
    return this.place.partition;
  }
  get epoch(): number {
    return this.place.epoch;
  }
  abstract keyText(): string | null;
  abstract text(): string | null;
  json(): unknown {
    const text = this.text();
    return text === null ? null : JSON.parse(text);
  }
}

/** From a `messages` frame: bytes are made only when asked for. */
export class JsonMessage extends BaseMessage implements Message {
  readonly record: JsonRecord;

  constructor(frame: MessagesFrame, record: JsonRecord) {
    super(frame, record.offset, record.timestamp);
    this.record = record;
  }
  get key(): Uint8Array | null {
    return payloadBytes(this.record.key);
  }
  get value(): Uint8Array | null {
    return payloadBytes(this.record.value);
  }
  get headers(): Message['headers'] {
    return (this.record.headers ?? []).map(({ name, value }) => ({ name, value: payloadBytes(value) }));
  }
  keyText(): string | null {
    return payloadText(this.record.key);
  }
  text(): string | null {
    return payloadText(this.record.value);
  }
  override json(): unknown {
    const { value } = this.record;
    return value !== null && 'json' in value ? value.json : super.json();
  }
}

/** From a raw batch: key and value are views into it. */
export class BytesMessage extends BaseMessage implements Message {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: Message['headers'];

  constructor(
    place: Place,
    record: {
      offset: number;
      timestamp: number;
      key: Uint8Array | null;
      value: Uint8Array | null;
      headers: readonly { key: string; value: Uint8Array | null }[];
    },
  ) {
    super(place, record.offset, record.timestamp);
    this.key = record.key;
    this.value = record.value;
    this.headers = record.headers.length === 0 ? NONE : record.headers.map(({ key, value }) => ({ name: key, value }));
  }
  keyText(): string | null {
    return this.key === null ? null : bytesText(this.key);
  }
  text(): string | null {
    return this.value === null ? null : bytesText(this.value);
  }
}

const NONE: Message['headers'] = [];
