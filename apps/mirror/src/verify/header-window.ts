/**
 * Reads the headers of a range's batches, without their records, from brokers of ours that can send them so: enough for a
 * digest, and a small part of what the range would be on the wire. Called by `partition-verifier.ts`.
 * Invariant: what is between `from` and `next` has been read as a whole, or is not there.
 */
import type { CallOptions, Client } from '@meridian/client';
import type { Timers } from '@meridian/io';
import {
  ERROR,
  errorName,
  Fetch,
  HEADERS_ONLY_LEVEL,
  isRetriable,
  MIRROR_FEATURE,
  type ResponseOf,
} from '@meridian/protocol';
import { BATCH_HEADER_BYTES, type BatchHeader, peekBatchHeader } from '@meridian/protocol/record-batch';
import { type LogPlace, OutOfLog, type WindowBounds } from './log-window.ts';

export interface HeaderBatch {
  readonly header: BatchHeader;
  /** Of the header. */
  readonly bytes: Buffer;
}

export interface HeaderWindow {
  readonly batches: readonly HeaderBatch[];
  /** Of the batches, with what was not read. */
  readonly sizeInBytes: number;
  /** Where the last batch ends, which may be behind what was wanted. */
  readonly next: number;
}

type Answer = ResponseOf<typeof Fetch>['responses'][number]['partitions'][number];

/** First version that names topics by id. */
const BY_ID = 13;
const RETRY_MS = 50;

export class HeaderReader {
  private readonly client: Client;
  private readonly timers: Pick<Timers, 'sleep'>;

  constructor(client: Client, timers: Pick<Timers, 'sleep'>) {
    this.client = client;
    this.timers = timers;
  }

  /**
   * Undefined: the leader cannot send them so. Rejects as `readWindow` does. `maxBytes`: of batches; `isWhole`: it bounds one
   * answer and not all of them.
   */
  async read(
    place: LogPlace,
    { from, to, maxBytes, timeoutMs }: WindowBounds,
    isWhole = false,
  ): Promise<HeaderWindow | undefined> {
    const batches: HeaderBatch[] = [];
    let [next, sizeInBytes] = [from, 0];
    while (next < to && (isWhole || sizeInBytes < maxBytes)) {
      const answer = await this.ask(place, next, { maxBytes, timeoutMs });
      if (answer === undefined) return undefined;
      const more = headersIn(place, answer, next);
      next = more.length === 0 ? Math.min(answer.highWatermark, to) : next; // without a batch up to its end: a hole
      for (const batch of more) {
        const { baseOffset, nextOffset, sizeInBytes: size } = batch.header;
        next = baseOffset < to ? nextOffset : Math.max(next, to);
        if (baseOffset >= to) break;
        batches.push(batch);
        sizeInBytes += size;
      }
    }
    return { batches, sizeInBytes, next };
  }

  /** Of the leader, again while there is none, or it is another one or does not know yet that there is more. */
  private async ask(
    place: LogPlace,
    fetchOffset: number,
    { maxBytes, timeoutMs }: Pick<WindowBounds, 'maxBytes' | 'timeoutMs'>,
  ): Promise<Answer | undefined> {
    const { client, timers } = this;
    const { topic, topicId, partition } = place;
    const call: CallOptions = { timeoutMs };
    for (let waitedMs = 0; ; waitedMs += RETRY_MS) {
      const leader = await client.leaderOf(topic, partition, call);
      if (!(await client.supports(leader, MIRROR_FEATURE, call, HEADERS_ONLY_LEVEL))) return undefined;
      const partitions = [{ partition, fetchOffset, partitionMaxBytes: maxBytes }];
      const body = { maxWaitMs: 0, minBytes: 0, maxBytes, topics: [{ topicId, topic, partitions }], headersOnly: true };
      const answer = await client.send(Fetch, body, leader, { ...call, minVersion: BY_ID });
      const part = answer.responses[0]?.partitions[0];
      const errorCode = part?.errorCode ?? answer.errorCode;
      const isThere = part !== undefined && errorCode === ERROR.NONE;
      if (isThere && !part.headersOnly) return undefined;
      if (isThere && part.highWatermark > fetchOffset) return part;
      if (errorCode === ERROR.OFFSET_OUT_OF_RANGE) throw new OutOfLog(nameOf(place), part?.logStartOffset ?? -1);
      if (isThere && waitedMs >= timeoutMs) throw new Error(`${nameOf(place)} ends at ${part.highWatermark}`);
      const isFinal = errorCode === ERROR.UNKNOWN_TOPIC_ID || !isRetriable(errorCode) || waitedMs >= timeoutMs;
      if (!isThere && isFinal) throw new Error(`${nameOf(place)}: ${errorName(errorCode)}`);
      await timers.sleep(RETRY_MS);
      await client.metadata([topic], { ...call, maxAgeMs: 0 });
    }
  }
}

function headersIn(place: LogPlace, { records }: Answer, from: number): HeaderBatch[] {
  const bytes = records?.[0] ?? Buffer.alloc(0);
  const batches: HeaderBatch[] = [];
  let next = from;
  for (let at = 0; at < bytes.length; at += BATCH_HEADER_BYTES) {
    const header = peekBatchHeader(bytes, at);
    if (header.nextOffset <= next || (at > 0 && header.baseOffset < next))
      throw new Error(`${nameOf(place)}: a batch ${header.baseOffset}..${header.lastOffset} where ${next} is next`);
    batches.push({ header, bytes: Buffer.from(bytes.subarray(at, at + BATCH_HEADER_BYTES)) });
    next = header.nextOffset;
  }
  return batches;
}

const nameOf = ({ topic, partition }: LogPlace): string => `${topic}-${partition}`;
