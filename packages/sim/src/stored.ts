/**
 * What the brokers hold when a run is over, read as any Kafka client would: every partition from its start to its high
 * watermark, batches and records.
 */
import type { Client } from '@meridian/client';
import { decompress } from '@meridian/protocol';
import { iterateBatches, type Rec, readBatchHeader, readRecords } from '@meridian/protocol/record-batch';

export interface StoredPartition {
  /** Where the brokers are. */
  at: string;
  topic: string;
  partition: number;
  batches: Buffer[];
  records: { offset: number; value: string }[];
}

export function countRecords(partitions: readonly StoredPartition[]): number {
  return partitions.reduce((sum, { records }) => sum + records.length, 0);
}

/** Reads one partition to its end. */
export async function readStored(
  client: Client,
  at: string,
  topic: string,
  partition: number,
): Promise<StoredPartition> {
  const stored: StoredPartition = { at, topic, partition, batches: [], records: [] };
  const [end] = await client.listOffsets([{ topic, partition, timestamp: -1 }]);
  if (end === undefined || end.errorCode !== 0) throw new Error(`${at} ${topic}-${partition}: error ${end?.errorCode}`);
  if (end.offset === 0) return stored;
  const fetcher = client.fetcher();
  await new Promise<void>((done, fail) => {
    const handle = fetcher.add({
      topic,
      partition,
      offset: 0,
      onBatches: ({ buffers, nextOffset }) => {
        for (const buffer of buffers) takeBatches(stored, buffer);
        if (nextOffset < end.offset) return;
        handle.remove();
        done();
      },
      onError: ({ detail }) => fail(new Error(`${at} ${topic}-${partition}: ${detail}`)),
    });
  });
  fetcher.close();
  return stored;
}

function takeBatches(stored: StoredPartition, buffer: Buffer): void {
  for (const { at, size } of batchPlaces(buffer)) {
    const batch = Buffer.from(buffer.subarray(at, at + size));
    stored.batches.push(batch);
    if (readBatchHeader(batch).isControl) continue;
    for (const { offset, value } of readRecords(batch, { decompress }) as Iterable<Rec>)
      stored.records.push({ offset, value: Buffer.from(value ?? []).toString() });
  }
}

function* batchPlaces(buffer: Buffer): Generator<{ at: number; size: number }> {
  let at = 0;
  for (const view of iterateBatches(buffer)) {
    const size = view.header.sizeInBytes;
    yield { at, size };
    at += size;
  }
}
