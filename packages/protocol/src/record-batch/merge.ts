/**
 * Makes one batch of several that follow one another: of a record only its deltas of offset and timestamp are written anew
 * (and its length, where these take other bytes than before); everything else is copied, in runs as long as possible. For
 * a mirror into Apache Kafka, which takes one batch of a partition with each request.
 * Invariant: a reader finds the same records at the same offsets; of a part whose CRC or structure is wrong none is taken.
 */
import { writeInt16, writeInt32, writeInt64 } from './bytes.ts';
import { RecordBatchError } from './errors.ts';
import {
  BATCH_HEADER_BYTES,
  BATCH_OVERHEAD_BYTES,
  type BatchHeader,
  CODECS,
  type Codec,
  FIELD,
  readBatchHeader,
} from './header.ts';
import { NOT_WRITTEN, PartWriter } from './part-writer.ts';
import { type Decompress, openPayload } from './payload.ts';
import { batchCrcValid, type Crc32c, stampProducer } from './stamps.ts';
import type { Cursor } from './varint.ts';

export interface MergedBatch {
  /** How many of the parts it holds, from the first on. With fewer than two there is no batch. */
  readonly parts: number;
  readonly bytes: Uint8Array;
}

export interface MergeOptions {
  readonly crc: Crc32c;
  /** Without these, compressed parts end it. With them, all parts are of one codec, and the whole is packed in it again. */
  readonly decompress?: Decompress | undefined;
  readonly compress?: ((codec: Codec, bytes: Uint8Array) => Uint8Array) | undefined;
}

const NO_PRODUCER = { producerId: -1, producerEpoch: -1, baseSequence: -1 };

/**
 * Writes into `out` as many of the parts, each a batch, as fit there unpacked and follow one another: as one batch, of no
 * producer, which lies in `out` unless it is compressed. The first part that lacks records within its offsets, or is
 * damaged, or of another codec, ends it.
 */
export function mergeBatches(parts: readonly Uint8Array[], out: Uint8Array, options: MergeOptions): MergedBatch {
  const merging = new Merging(out, options);
  let count = 0;
  while (count < parts.length && merging.add(parts[count]!)) count++;
  return { parts: count, bytes: count < 2 ? out.subarray(0, 0) : merging.end() };
}

class Merging {
  private readonly out: Uint8Array;
  private readonly options: MergeOptions;
  private first: BatchHeader | undefined;
  private to = BATCH_HEADER_BYTES;
  private recordCount = 0;
  private maxTimestamp = Number.NEGATIVE_INFINITY;

  constructor(out: Uint8Array, options: MergeOptions) {
    this.out = out;
    this.options = options;
  }

  /** False: what follows cannot become part of it. */
  add(part: Uint8Array): boolean {
    try {
      const header = readBatchHeader(part);
      const first = this.first ?? header;
      if (header.baseOffset !== first.baseOffset + this.recordCount || header.codec !== first.codec) return false;
      if (!isMovable(header) || !batchCrcValid(part, this.options.crc)) return false;
      const payload = this.payloadOf(part, header);
      const place = { index: this.recordCount, shiftMs: header.baseTimestamp - first.baseTimestamp };
      const to = new PartWriter(payload, place, this.out, this.to).write(header.recordCount);
      if (to === NOT_WRITTEN) return false;
      this.first = first;
      this.to = to;
      this.recordCount += header.recordCount;
      this.maxTimestamp = Math.max(this.maxTimestamp, header.maxTimestamp);
      return true;
    } catch (error) {
      if (error instanceof RecordBatchError) return false;
      throw error;
    }
  }

  end(): Uint8Array {
    const { compress } = this.options;
    const { codec } = this.first!;
    if (codec === 'none') return this.headed(this.out.subarray(0, this.to));
    const packed = compress!(codec, this.out.subarray(BATCH_HEADER_BYTES, this.to));
    const bytes = new Uint8Array(BATCH_HEADER_BYTES + packed.length);
    bytes.set(packed, BATCH_HEADER_BYTES);
    return this.headed(bytes);
  }

  private payloadOf(part: Uint8Array, header: BatchHeader): Cursor {
    const { decompress, compress } = this.options;
    const maxDecompressedBytes = this.out.length - this.to;
    return openPayload(part, header, compress === undefined ? {} : { decompress, maxDecompressedBytes });
  }

  private headed(bytes: Uint8Array): Uint8Array {
    const { baseOffset, partitionLeaderEpoch, baseTimestamp, codec } = this.first!;
    writeInt64(bytes, FIELD.baseOffset, baseOffset);
    writeInt32(bytes, FIELD.batchLength, bytes.length - BATCH_OVERHEAD_BYTES);
    writeInt32(bytes, FIELD.partitionLeaderEpoch, partitionLeaderEpoch);
    bytes[FIELD.magic] = 2;
    writeInt16(bytes, FIELD.attributes, CODECS.indexOf(codec));
    writeInt32(bytes, FIELD.lastOffsetDelta, this.recordCount - 1);
    writeInt64(bytes, FIELD.baseTimestamp, baseTimestamp);
    writeInt64(bytes, FIELD.maxTimestamp, this.maxTimestamp);
    writeInt32(bytes, FIELD.recordCount, this.recordCount);
    stampProducer(bytes, 0, NO_PRODUCER, this.options.crc);
    return bytes;
  }
}

/** Its records are there, all of them, and each bears the time that it has. */
function isMovable({ isControl, hasLogAppendTime, recordCount, lastOffsetDelta }: BatchHeader): boolean {
  return !isControl && !hasLogAppendTime && recordCount > 0 && recordCount === lastOffsetDelta + 1;
}
