/**
 * A publish as it goes out: a JSON `publish` frame of one record, or a batch of records with its header for the binary
 * subprotocol.
 * Used by `client.ts`.
 * Invariant: both carry the same bytes of key and value.
 */
import { type NewRecord, writeBatch } from '@meridian/protocol/record-batch';
import type { PublishBatchHeader, PublishFrame } from './frames.ts';
import { contentBytes, toPayload } from './payload.ts';
import type { OutgoingRecord, PublishToSend } from './session/inputs-effects.ts';

export function publishFrame({ id, topic, records, partition, sequence }: PublishToSend): PublishFrame {
  const [record] = records;
  if (record === undefined) throw new Error('no record');
  const { key, value, headers, timestamp } = record;
  return {
    type: 'publish',
    id,
    topic,
    value: toPayload(value),
    ...(key === undefined || key === null ? {} : { key: toPayload(key) }),
    ...(headers === undefined
      ? {}
      : { headers: headers.map((header) => ({ name: header.name, value: toPayload(header.value) })) }),
    ...(partition === undefined ? {} : { partition }),
    ...(sequence === undefined ? {} : { sequence }),
    ...(timestamp === undefined ? {} : { timestamp }),
  };
}

/** A record of the binary subprotocol, encoded when it is published, so that it can be measured and cannot change. */
export function encodeRecord(record: OutgoingRecord, now: number): OutgoingRecord {
  const { key, value, headers = [], partition, timestamp = now } = record;
  return {
    key: contentBytes(key),
    value: contentBytes(value),
    headers: headers.map((header) => ({ name: header.name, value: contentBytes(header.value) })),
    timestamp,
    ...(partition === undefined ? {} : { partition }),
  };
}

/** Of records that are encoded. The first idempotent publish of a session has no producer id yet; the gateway stamps it. */
export function publishBatch({ id, topic, records, partition, sequence, producer }: PublishToSend): {
  header: PublishBatchHeader;
  batch: Uint8Array;
} {
  if (partition === undefined) throw new Error('no partition');
  const batch = writeBatch({
    records: records.map(toNewRecord),
    ...(producer === undefined ? {} : { producerId: producer.id, producerEpoch: producer.epoch }),
    ...(sequence === undefined ? {} : { baseSequence: sequence }),
  });
  return { header: { id, topic, partition, ...(sequence === undefined ? {} : { sequence }) }, batch };
}

function toNewRecord({ key, value, headers = [], timestamp = 0 }: OutgoingRecord): NewRecord {
  return {
    timestamp,
    key: contentBytes(key),
    value: contentBytes(value),
    headers: headers.map((header) => ({ key: header.name, value: contentBytes(header.value) })),
  };
}
