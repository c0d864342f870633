/** Record batches and produce requests for the tests of this app. */
import { decompress, type Produce, type RequestInput, ZERO_UUID } from '@meridian/protocol';
import { iterateBatches, readRecords, type WriteBatchOptions, writeBatch } from '@meridian/protocol/record-batch';

/** The simulated world's clock begins here. */
const TIMESTAMP_MS = Date.UTC(2026, 0, 1);

export function batchOf(values: readonly string[], options: Partial<WriteBatchOptions> = {}): Buffer {
  const records = values.map((value) => ({ timestamp: TIMESTAMP_MS, value: Buffer.from(value) }));
  return Buffer.from(writeBatch({ records, ...options }));
}

type Data = RequestInput<typeof Produce>['topicData'][number]['partitionData'][number];

export function produceOf(
  name: string,
  records: Buffer | null,
  options: { acks?: number; index?: number; timeoutMs?: number; mirror?: Data['mirror'] } = {},
): RequestInput<typeof Produce> {
  const { acks = -1, index = 0, timeoutMs = 5_000, mirror = null } = options;
  const partitionData = [{ index, records: records && [records], mirror }];
  return { acks, timeoutMs, topicData: [{ name, topicId: ZERO_UUID, partitionData }] };
}

/** The values in the order in which they lie in the batches. */
export function valuesOf(buffers: readonly Buffer[] | null): string[] {
  return (buffers ?? [])
    .flatMap((buffer) => [...iterateBatches(buffer)])
    .flatMap((view) => [...readRecords(view.bytes, { decompress })])
    .map((record) => Buffer.from(record.value ?? []).toString());
}
