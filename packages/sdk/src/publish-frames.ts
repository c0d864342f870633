/**
 * A publish as it goes out: a JSON `publish` frame, or one record batch with its header for the binary subprotocol.
 * Used by `client.ts`.
 * Invariant: both carry the same bytes of key and value.
 */
import { writeBatch } from '@meridian/protocol/record-batch';
import type { PublishBatchHeader, PublishFrame } from './frames.ts';
import { contentBytes, toPayload } from './payload.ts';
import type { PublishToSend } from './session/inputs-effects.ts';

export function publishFrame({ id, topic, record, partition, sequence }: PublishToSend): PublishFrame {
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

/** The first idempotent publish of a session has no producer id yet; the gateway stamps it. */
export function publishBatch(
  { id, topic, record, partition, sequence, producer }: PublishToSend,
  now: number,
): { header: PublishBatchHeader; batch: Uint8Array } {
  if (partition === undefined) throw new Error('no partition');
  const headers = record.headers?.map(({ name, value }) => ({ key: name, value: contentBytes(value) })) ?? [];
  const batch = writeBatch({
    records: [
      { timestamp: record.timestamp ?? now, key: contentBytes(record.key), value: contentBytes(record.value), headers },
    ],
    ...(producer === undefined ? {} : { producerId: producer.id, producerEpoch: producer.epoch }),
    ...(sequence === undefined ? {} : { baseSequence: sequence }),
  });
  return { header: { id, topic, partition, ...(sequence === undefined ? {} : { sequence }) }, batch };
}
