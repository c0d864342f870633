/**
 * Requests made once and sent many times: produce requests of one batch, and fetch requests along a log whose layout is
 * known because this bench filled it. Plain (`none`) batches of 100 byte or 1 KiB records.
 */
import { Fetch, Produce, ZERO_UUID } from '@meridian/protocol';
import { writeBatch } from '@meridian/protocol/record-batch';
import { frameOf } from './raw-connection.ts';

export const PRODUCE_VERSION = 9;
export const FETCH_VERSION = 12;
const TIMEOUT_MS = 30_000;

export interface Payload {
  readonly batch: Buffer;
  readonly recordCount: number;
}

/** As many records of `valueBytes` as fit into `batchBytes`, at least one. */
export function payloadOf(valueBytes: number, batchBytes: number): Payload {
  const timestamp = Date.now();
  const value = Buffer.alloc(valueBytes, 'meridian');
  const make = (count: number) =>
    Buffer.from(writeBatch({ records: Array.from({ length: count }, () => ({ timestamp, value })) }));
  const one = make(1).length;
  const each = make(1001).length - make(1000).length;
  const recordCount = 1 + Math.max(0, Math.floor((batchBytes - one) / each));
  return { batch: make(recordCount), recordCount };
}

export function produceFrame(topic: string, partition: number, payload: Payload, acks: number): Buffer {
  const partitionData = [{ index: partition, records: [payload.batch] }];
  const topicData = [{ name: topic, topicId: ZERO_UUID, partitionData }];
  return frameOf(Produce, PRODUCE_VERSION, { acks, timeoutMs: TIMEOUT_MS, topicData });
}

export interface FetchPlace {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

export function fetchFrame(place: FetchPlace, maxBytes: number, maxWaitMs: number): Buffer {
  const partitions = [{ partition: place.partition, fetchOffset: place.offset, partitionMaxBytes: maxBytes }];
  return frameOf(Fetch, FETCH_VERSION, {
    maxWaitMs,
    minBytes: 1,
    maxBytes,
    sessionEpoch: -1,
    topics: [{ topic: place.topic, topicId: ZERO_UUID, partitions }],
  });
}

/** Where the partition's error code lies in an answer with one topic (a short name) and one partition. */
export const produceErrorAt = (topic: string): number => 4 + 1 + 1 + 1 + topic.length + 1 + 4;
export const fetchErrorAt = (topic: string): number => 4 + 1 + 4 + 2 + 4 + 1 + 1 + topic.length + 1 + 4;
