/**
 * Makes of an origin's batch one that Apache Kafka takes from a client: own producer and sequence, neither transactional
 * nor LogAppendTime. The shell calls it for each `produce`. Invariant: a whole batch keeps its records' bytes, compressed
 * as they came; only one of which records are missing is taken apart.
 */
import {
  ATTRIBUTE,
  BATCH_FIELD,
  batchAttributes,
  type Codec,
  type Crc32c,
  type PayloadOptions,
  readBatchHeader,
  readRecords,
  stampBaseOffset,
  stampProducer,
  writeBatch,
} from '@meridian/protocol/record-batch';
import type { ProduceEffect, Segment } from './rebased-messages.ts';

export interface RebaseOptions extends PayloadOptions {
  readonly crc: Crc32c;
  readonly compress: (codec: Codec, bytes: Uint8Array) => Uint8Array;
}

type Rebased = Pick<ProduceEffect, 'segments' | 'isWhole' | 'producerId' | 'producerEpoch' | 'baseSequence'>;

/** What comes out shares no bytes with `bytes`, which other readers may hold and a resend needs unchanged. */
export function rebaseBatch(bytes: Uint8Array, produce: Rebased, options: RebaseOptions): Uint8Array {
  const batch = produce.isWhole && !hasAppendTime(bytes) ? Uint8Array.from(bytes) : rewritten(bytes, produce, options);
  const attributes = batchAttributes(batch) & ~(ATTRIBUTE.transactional | ATTRIBUTE.logAppendTime);
  batch[BATCH_FIELD.attributes] = attributes >> 8;
  batch[BATCH_FIELD.attributes + 1] = attributes;
  stampBaseOffset(batch, 0, 0);
  stampProducer(batch, 0, produce, options.crc);
  return batch;
}

/** The append time of such a batch stands in its header only; as CreateTime each record has to bear it. */
const hasAppendTime = (bytes: Uint8Array): boolean => (batchAttributes(bytes) & ATTRIBUTE.logAppendTime) !== 0;

function rewritten(bytes: Uint8Array, { segments }: Rebased, options: RebaseOptions): Uint8Array {
  const { codec } = readBatchHeader(bytes);
  const records = [...readRecords(bytes, options)].filter(({ offset }) => segments.some((each) => holds(each, offset)));
  return writeBatch({ records, codec, compress: options.compress, crc: options.crc });
}

const holds = ({ originStart, count }: Segment, offset: number): boolean =>
  offset >= originStart && offset < originStart + count;

/** The records of a batch as segments: without looking into it if it is dense. */
export function segmentsOf(bytes: Uint8Array, options: PayloadOptions): Segment[] {
  const { baseOffset, recordCount, lastOffsetDelta } = readBatchHeader(bytes);
  if (recordCount === lastOffsetDelta + 1) return [{ originStart: baseOffset, count: recordCount }];
  const segments: { originStart: number; count: number }[] = [];
  for (const { offset } of readRecords(bytes, options)) {
    const last = segments.at(-1);
    if (last !== undefined && last.originStart + last.count === offset) last.count++;
    else segments.push({ originStart: offset, count: 1 });
  }
  return segments;
}
