/**
 * Writes a batch anew in another codec, as a topic's `compression.type` asks for: the broker calls it with a batch whose
 * records it has walked. What is not the codec's stays: producer, sequences, timestamps, the transaction bit.
 * Invariant: what comes out lies at offset deltas 0, 1, 2 …, whatever the producer wrote, as Apache Kafka's does.
 */
import { writeInt16, writeInt32, writeInt64 } from './bytes.ts';
import { ATTRIBUTE, BATCH_HEADER_BYTES, BATCH_OVERHEAD_BYTES, CODECS, type Codec, FIELD } from './header.ts';
import { type Crc32c, stampCrc } from './stamps.ts';
import type { RecordsSummary } from './validate.ts';
import { Cursor, varintBytes, writeVarint } from './varint.ts';

/** Bytes that a record grows by at most when its offset delta is written anew: the delta, and its length. */
const MAX_GROWTH_BYTES = 6;

export interface RecodeOptions {
  readonly codec: Codec;
  readonly compress: (codec: Codec, bytes: Uint8Array) => Uint8Array;
  readonly crc: Crc32c;
  /** Sets the timestamp type to LogAppendTime; else it is CreateTime. */
  readonly logAppendTimeMs?: number | undefined;
}

/** The batch at the start of `bytes`, of which `summary` tells. */
export function recodeBatch(bytes: Uint8Array, summary: RecordsSummary, options: RecodeOptions): Uint8Array {
  const { header, maxTimestamp } = summary;
  const { codec, logAppendTimeMs } = options;
  const plain = summary.isDense ? summary.plain.subarray(summary.plainFrom, endOf(summary)) : renumbered(summary);
  const packed = codec === 'none' ? plain : options.compress(codec, plain);
  const batch = new Uint8Array(BATCH_HEADER_BYTES + packed.length);
  batch.set(bytes.subarray(0, BATCH_HEADER_BYTES));
  batch.set(packed, BATCH_HEADER_BYTES);
  writeInt32(batch, FIELD.batchLength, batch.length - BATCH_OVERHEAD_BYTES);
  const timestampType = logAppendTimeMs === undefined ? 0 : ATTRIBUTE.logAppendTime;
  const attributes = CODECS.indexOf(codec) | timestampType | (header.attributes & ATTRIBUTE.transactional);
  writeInt16(batch, FIELD.attributes, attributes);
  writeInt64(batch, FIELD.maxTimestamp, logAppendTimeMs ?? maxTimestamp);
  stampCrc(batch, 0, options.crc);
  return batch;
}

const endOf = ({ plainFrom, plainBytes }: RecordsSummary): number => plainFrom + plainBytes;

/** The records one behind another, with offset deltas from 0 on. */
function renumbered(summary: RecordsSummary): Uint8Array {
  const { plain, plainFrom, plainBytes, header } = summary;
  const out = new Uint8Array(plainBytes + header.recordCount * MAX_GROWTH_BYTES);
  const cursor = new Cursor(plain, plainFrom, endOf(summary));
  let to = 0;
  for (let index = 0; index < header.recordCount; index++) {
    const length = cursor.int32();
    const from = cursor.at;
    cursor.byte(); // attributes
    cursor.int64(); // timestamp delta
    const deltaFrom = cursor.at;
    cursor.int32();
    const deltaEnd = cursor.at;
    to = writeVarint(out, to, length - (deltaEnd - deltaFrom) + varintBytes(index));
    out.set(plain.subarray(from, deltaFrom), to);
    to = writeVarint(out, to + deltaFrom - from, index);
    out.set(plain.subarray(deltaEnd, from + length), to);
    to += from + length - deltaEnd;
    cursor.at = from + length;
  }
  return out.subarray(0, to);
}
