/**
 * A digest of the batches of a range: of what their headers say and of their records' CRC, which is derived from the
 * batch's CRC without a pass over the records. Two regions whose digests are equal hold the same records; other digests
 * may have harmless reasons, and records are compared then.
 * Invariant: what a hop may change (leader epoch, producer, sequence, transactional bit) is not part of it.
 */
import { createHash } from 'node:crypto';
import { decompress, nativeCrc32c } from '@meridian/protocol';
import { BATCH_FIELD, BATCH_HEADER_BYTES, crcOfRest, plainRecords } from '@meridian/protocol/record-batch';
import type { ReadBatch } from './log-window.ts';

const ITEM_BYTES = 36;

/** The same of the records, whatever batches they lie in: a mirror into Apache Kafka makes larger ones of small ones. */
export class RecordsDigest {
  private readonly hash = createHash('sha256');

  /** `placeOf`: at its origin; undefined: it does not belong to the range. */
  add({ bytes }: Pick<ReadBatch, 'bytes'>, placeOf: (offset: number) => number | undefined): void {
    this.hash.update(plainRecords(bytes, placeOf, { decompress }));
  }

  /** Ends it. */
  text(): string {
    return this.hash.digest('base64');
  }
}

export class WindowDigest {
  private readonly hash = createHash('sha256');
  private readonly item = Buffer.alloc(ITEM_BYTES);

  /** `originBase`: where the batch begins at its origin. Batches without records move a log's end only. */
  add(originBase: number, { header, bytes }: Pick<ReadBatch, 'header' | 'bytes'>): void {
    if (header.recordCount === 0) return;
    const { item } = this;
    item.writeDoubleBE(originBase, 0);
    item.writeInt32BE(header.lastOffsetDelta, 8);
    item.writeInt32BE(header.recordCount, 12);
    item.writeDoubleBE(header.baseTimestamp, 16);
    item.writeDoubleBE(header.maxTimestamp, 24);
    item.writeUInt32BE(recordsCrc(bytes, header.crc, header.sizeInBytes), 32);
    this.hash.update(item);
  }

  /** Ends it. */
  text(): string {
    return this.hash.digest('base64');
  }
}

/** Of the bytes behind the header, as they lie: compressed or not. */
function recordsCrc(bytes: Buffer, crc: number, sizeInBytes: number): number {
  const crcOfHeader = nativeCrc32c(bytes, BATCH_FIELD.attributes, BATCH_HEADER_BYTES);
  return crcOfRest(crc, crcOfHeader, sizeInBytes - BATCH_HEADER_BYTES);
}
