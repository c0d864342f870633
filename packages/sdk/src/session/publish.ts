/**
 * What goes out as one frame and has one answer: a record, or, in the binary subprotocol, a batch of records for one
 * partition that were published in one turn or while the partition's window was full. Made by `publishing.ts`.
 * Invariant: once it was sent it stays what it is, so that a broker recognizes it when it comes again; only a batch
 * that was certainly not written is taken apart.
 */
import { LIMITS } from '../limits.ts';
import type { OutgoingRecord } from './inputs-effects.ts';

export interface Publish {
  /** The first record's. */
  readonly id: number;
  readonly topic: string;
  readonly idempotent: boolean;
  readonly entries: Entry[];
  /** Of keys, values and headers, as far as they are bytes already: 0 in the JSON subprotocol. */
  sizeInBytes: number;
  /** The first record's. */
  readonly deadlineMs: number;
  tries: number;
  partition: number | undefined;
  /** The first record's in the lane; `sentSequence` is the one it went out with last. */
  sequence: number | undefined;
  sentSequence: number | undefined;
  /** More records may join: not yet sent, not yet settled. */
  isOpen: boolean;
}

/** A record and what the application's promise is known by. */
export interface Entry {
  readonly id: number;
  readonly record: OutgoingRecord;
}

export function newPublish(topic: string, idempotent: boolean, entry: Entry, deadlineMs: number): Publish {
  return {
    id: entry.id,
    topic,
    idempotent,
    entries: [entry],
    sizeInBytes: recordBytes(entry.record),
    deadlineMs,
    tries: 0,
    partition: entry.record.partition,
    sequence: undefined,
    sentSequence: undefined,
    isOpen: true,
  };
}

/** True: the records of `later` are now in `publish`. They share its deadline, so the two may not lie far apart. */
export function join(publish: Publish | undefined, later: Publish): boolean {
  if (publish === undefined || !publish.isOpen) return false;
  if (publish.entries.length + later.entries.length > LIMITS.maxBatchRecords) return false;
  if (publish.sizeInBytes + later.sizeInBytes > LIMITS.maxBatchBytes) return false;
  if (later.deadlineMs - publish.deadlineMs > LIMITS.maxBatchSpanMs) return false;
  publish.entries.push(...later.entries);
  publish.sizeInBytes += later.sizeInBytes;
  return true;
}

/** Puts back what is to be sent again, at its old place. */
export function insertById(queue: Publish[], publish: Publish): void {
  const place = queue.findIndex((other) => other.id > publish.id);
  queue.splice(place < 0 ? queue.length : place, 0, publish);
}

/** A batch that was refused whole, as two that were never sent; `sequencePlus` adds to a sequence. */
export function halvesOf(publish: Publish, sequencePlus: (sequence: number, by: number) => number): Publish[] {
  const middle = publish.entries.length >> 1;
  const part = (entries: Entry[], by: number): Publish => ({
    ...publish,
    id: (entries[0] as Entry).id,
    entries,
    sizeInBytes: entries.reduce((sum, { record }) => sum + recordBytes(record), 0),
    tries: 0,
    sequence: publish.sequence === undefined ? undefined : sequencePlus(publish.sequence, by),
    sentSequence: undefined,
    isOpen: false,
  });
  return [part(publish.entries.slice(0, middle), 0), part(publish.entries.slice(middle), middle)];
}

function recordBytes({ key, value, headers = [] }: OutgoingRecord): number {
  const sizeOf = (content: unknown): number => (content instanceof Uint8Array ? content.length : 0);
  const ofHeaders = headers.reduce((sum, { name, value: content }) => sum + 3 * name.length + sizeOf(content) + 10, 0);
  return sizeOf(key) + sizeOf(value) + ofHeaders + LIMITS.recordOverheadBytes;
}
