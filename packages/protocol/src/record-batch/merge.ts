/**
 * Makes one batch of several that follow one another: of a record only its deltas of offset and timestamp are written anew
 * (and its length, where these take other bytes than before); everything else is copied, in runs as long as possible. For
 * a mirror into Apache Kafka, which takes one batch of a partition with each request.
 * Invariant: a reader finds the same records at the same offsets; of a part whose CRC or structure is wrong none is taken.
 */
import { writeInt16, writeInt32, writeInt64 } from './bytes.ts';
import { RecordBatchError } from './errors.ts';
import { BATCH_HEADER_BYTES, BATCH_OVERHEAD_BYTES, type BatchHeader, FIELD, readBatchHeader } from './header.ts';
import { NOT_WRITTEN, PartWriter } from './part-writer.ts';
import { openPayload } from './payload.ts';
import { batchCrcValid, type Crc32c, stampProducer } from './stamps.ts';

export interface MergedBatch {
  /** How many of the parts it holds, from the first on. With fewer than two there is no batch. */
  readonly parts: number;
  readonly sizeInBytes: number;
}

const NO_PRODUCER = { producerId: -1, producerEpoch: -1, baseSequence: -1 };

/**
 * Writes into `out` as many of the parts, each a batch, as fit and follow one another: as one batch, of no producer. The
 * first part that is compressed, lacks records within its offsets, or is damaged ends it.
 */
export function mergeBatches(parts: readonly Uint8Array[], out: Uint8Array, crc: Crc32c): MergedBatch {
  const merging = new Merging(out);
  let count = 0;
  while (count < parts.length && merging.add(parts[count]!, crc)) count++;
  return { parts: count, sizeInBytes: count < 2 ? 0 : merging.end(crc) };
}

class Merging {
  private readonly out: Uint8Array;
  private first: BatchHeader | undefined;
  private to = BATCH_HEADER_BYTES;
  private recordCount = 0;
  private maxTimestamp = Number.NEGATIVE_INFINITY;

  constructor(out: Uint8Array) {
    this.out = out;
  }

  /** False: what follows cannot become part of it. */
  add(part: Uint8Array, crc: Crc32c): boolean {
    try {
      const header = readBatchHeader(part);
      const first = this.first ?? header;
      if (header.baseOffset !== first.baseOffset + this.recordCount || !isPlain(header)) return false;
      if (!batchCrcValid(part, crc)) return false;
      const place = { index: this.recordCount, shiftMs: header.baseTimestamp - first.baseTimestamp };
      const to = new PartWriter(openPayload(part, header, {}), place, this.out, this.to).write(header.recordCount);
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

  /** The header; returns the size. */
  end(crc: Crc32c): number {
    const { out, first, to } = this;
    writeInt64(out, FIELD.baseOffset, first!.baseOffset);
    writeInt32(out, FIELD.batchLength, to - BATCH_OVERHEAD_BYTES);
    writeInt32(out, FIELD.partitionLeaderEpoch, first!.partitionLeaderEpoch);
    out[FIELD.magic] = 2;
    writeInt16(out, FIELD.attributes, 0);
    writeInt32(out, FIELD.lastOffsetDelta, this.recordCount - 1);
    writeInt64(out, FIELD.baseTimestamp, first!.baseTimestamp);
    writeInt64(out, FIELD.maxTimestamp, this.maxTimestamp);
    writeInt32(out, FIELD.recordCount, this.recordCount);
    stampProducer(out, 0, NO_PRODUCER, crc);
    return to;
  }
}

/** Its records are there to be moved, all of them, and each has the time that it bears. */
function isPlain({ codec, isControl, hasLogAppendTime, recordCount, lastOffsetDelta }: BatchHeader): boolean {
  return codec === 'none' && !isControl && !hasLogAppendTime && recordCount > 0 && recordCount === lastOffsetDelta + 1;
}
