/**
 * A subscription as the application holds it: an async iterator over messages, notices on the way, and a position
 * to resume from. Fed by `client.ts` with the machine's deliveries, in order.
 * Invariant: `cursor()` covers exactly what the iterator has handed out; a gap that nobody listens to ends the
 * iteration with an error, so none passes silently.
 */
import type { Decompress } from '@meridian/protocol/record-batch';
import { MeridianError } from './errors.ts';
import type { Coordinates, PartitionStatus, UndecodableFrame } from './frames.ts';
import type { Message } from './message.ts';
import { batchMessages, messagesOf } from './received-frames.ts';
import type { Delivery, Gap } from './session/inputs-effects.ts';

export interface SubscriptionHost {
  decompress: Decompress | undefined;
  consumed(messages: number, bytes: number): void;
  unsubscribe(): void;
}

/** What the iterator is in the middle of. */
interface Current {
  messages: Iterator<Message | UndecodableFrame, void, undefined>;
  records: number;
  bytes: number;
}

export class Subscription implements AsyncIterable<Message>, AsyncIterator<Message, undefined> {
  readonly topic: string;
  /** Records that were expected and will not come; told when the iterator reaches the place. */
  onGap: ((gap: Gap) => void) | undefined;
  /** Where delivery begins, per origin and partition: after each (re)subscribing, and later for what was unavailable. */
  onStatus: ((partitions: readonly PartitionStatus[]) => void) | undefined;
  /** A batch that cannot be decoded; iteration goes on behind it. */
  onUndecodable: ((frame: UndecodableFrame) => void) | undefined;
  /** The last `subscribed` answer, and what has been told since. */
  status: readonly PartitionStatus[] = [];

  readonly #host: SubscriptionHost;
  #queue: Delivery[] = [];
  #head = 0;
  #current: Current | undefined;
  #waiting:
    | { resolve: (result: IteratorResult<Message, undefined>) => void; reject: (error: Error) => void }
    | undefined;
  #ended: { error: Error | undefined } | undefined;
  #cursor: string | undefined;
  #after = new Map<string, Coordinates>();

  constructor(topic: string, host: SubscriptionHost) {
    this.topic = topic;
    this.#host = host;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** One `next` at a time, as `for await` does. */
  next(): Promise<IteratorResult<Message, undefined>> {
    if (this.#waiting !== undefined)
      return Promise.reject(new Error('next() was called before the last one was answered'));
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#answer();
    });
  }

  return(): Promise<IteratorResult<Message, undefined>> {
    if (this.#ended === undefined) this.#host.unsubscribe();
    this.end(undefined);
    return Promise.resolve({ done: true, value: undefined });
  }

  close(): void {
    void this.return();
  }

  /** What `subscribe(topic, { from })` takes to go on behind the last message that was handed out; undefined at first. */
  cursor(): { cursor: string; after: Coordinates[] } | undefined {
    return this.#cursor === undefined ? undefined : { cursor: this.#cursor, after: [...this.#after.values()] };
  }

  /** Called by the client with what the machine delivers. */
  take(item: Delivery): void {
    if (item.type === 'status') {
      this.status = item.isLater ? merged(this.status, item.partitions) : item.partitions;
      this.onStatus?.(item.partitions);
      return;
    }
    this.#queue.push(item);
    if (this.#waiting !== undefined) this.#answer();
  }

  /** Called by the client when nothing follows; what was delivered before can still be read. */
  end(error: Error | undefined): void {
    if (this.#ended === undefined) this.#ended = { error };
    this.#answer();
  }

  #answer(): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    try {
      const message = this.#nextMessage();
      if (message === undefined && this.#ended === undefined) return;
      this.#waiting = undefined;
      if (message !== undefined) waiting.resolve({ done: false, value: message });
      else if (this.#ended?.error) waiting.reject(this.#ended.error);
      else waiting.resolve({ done: true, value: undefined });
    } catch (error) {
      this.#waiting = undefined;
      this.#host.unsubscribe();
      this.#ended = { error: undefined };
      waiting.reject(error as Error);
    }
  }

  #nextMessage(): Message | undefined {
    for (;;) {
      const found = this.#current?.messages.next();
      if (found?.value) {
        const { value } = found;
        if ('type' in value) {
          this.onUndecodable?.(value);
          this.#advance({ ...value, offset: value.to - 1 });
          continue;
        }
        this.#advance(value);
        return value;
      }
      this.#finish();
      const item = this.#dequeue();
      if (item === undefined) return undefined;
      this.#begin(item);
    }
  }

  #begin(item: Delivery): void {
    if (item.type === 'messages') {
      const messages = messagesOf(item.frame, item.fromOffset);
      this.#current = { messages, records: item.frame.records.length, bytes: item.bytes };
    } else if (item.type === 'batch') {
      const messages = batchMessages(item.batch, item.fromOffset, this.#host.decompress);
      this.#current = { messages, records: item.batch.records, bytes: item.batch.bytes };
    } else if (item.type === 'cursor') {
      this.#cursor = item.cursor;
      this.#after.clear();
    } else if (item.type === 'undecodable') {
      this.onUndecodable?.(item.frame);
      this.#advance({ ...item.frame, offset: item.frame.to - 1 });
    } else if (item.type === 'gap') {
      this.#tellGap(item.gap);
    }
  }

  #tellGap(gap: Gap): void {
    this.#after.delete(placeKey(gap));
    if (this.onGap !== undefined) return this.onGap(gap);
    const place = `${gap.region} ${gap.topic}-${gap.partition}`;
    throw new MeridianError('gap', `${place}: offsets ${gap.from} to ${gap.to} (${gap.reason}).`);
  }

  /** The reader is done with the frame: its credits go back. */
  #finish(): void {
    if (this.#current === undefined) return;
    const { records, bytes } = this.#current;
    this.#current = undefined;
    this.#host.consumed(records, bytes);
  }

  #dequeue(): Delivery | undefined {
    const item = this.#queue[this.#head];
    if (item === undefined) return undefined;
    this.#head += 1;
    if (this.#head === this.#queue.length || this.#head > 1_024) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  #advance({ region, topicId, partition, epoch, offset }: Coordinates): void {
    const key = `${region}/${partition}`;
    const at = this.#after.get(key);
    if (at !== undefined && at.topicId === topicId) {
      at.epoch = epoch;
      at.offset = offset;
    } else this.#after.set(key, { region, topicId, partition, epoch, offset });
  }
}

function merged(before: readonly PartitionStatus[], later: readonly PartitionStatus[]): PartitionStatus[] {
  const changed = new Set(later.map(placeKey));
  return [...before.filter((status) => !changed.has(placeKey(status))), ...later];
}

const placeKey = ({ region, partition }: { region: string; partition: number }): string => `${region}/${partition}`;
