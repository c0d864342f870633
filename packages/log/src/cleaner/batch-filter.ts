/**
 * Decides what is left of one batch, by Apache Kafka's rules:
 *
 *   record behind the map's last offset                     → stays
 *   record without key, or with a newer one of its key      → goes
 *   tombstone: first met, the batch gets a delete horizon (now + delete.retention.ms); past the horizon → goes
 *   aborted data                                            → goes;  marker of nothing → gets a horizon, then goes
 *   batch left without records                              → goes, unless it is its producer's last: then it stays, empty
 */
import { compress, decompress, nativeCrc32c } from '@meridian/protocol';
import {
  type BatchHeader,
  deleteHorizonMs,
  emptiedBatch,
  type KeepRecord,
  retainRecords,
  rewriteBatch,
} from '@meridian/protocol/record-batch';
import type { OffsetMap } from './offset-map.ts';
import type { TransactionFates } from './transaction-fates.ts';

/** What the newest batch of a producer is known by. */
export interface LastBatch {
  readonly producerEpoch: number;
  /** −1 when nothing but a marker is known of it. */
  readonly lastDataOffset: number;
}

export interface BatchFilterOptions {
  readonly map: OffsetMap;
  readonly fates: TransactionFates;
  readonly lastBatches: ReadonlyMap<number, LastBatch>;
  readonly nowMs: number;
  readonly deleteRetentionMs: number;
}

export class BatchFilter {
  private readonly options: BatchFilterOptions;
  constructor(options: BatchFilterOptions) {
    this.options = options;
  }

  /** The batch itself if all of it stays, another one, or undefined. */
  apply(bytes: Uint8Array, header: BatchHeader): Uint8Array | undefined {
    const { fates, nowMs } = this.options;
    const horizonMs = deleteHorizonMs(header);
    const mayDiscard = fates.mayDiscard(bytes, header);
    const isPastHorizon = horizonMs !== undefined && horizonMs <= nowMs;
    if (mayDiscard && (!header.isControl || isPastHorizon)) return this.empty(bytes, header);
    if (header.recordCount === 0) return this.empty(bytes, header);
    const keep = header.isControl ? () => true : this.keepNewest(horizonMs === undefined || !isPastHorizon);
    const retained = retainRecords(bytes, header, keep, { decompress });
    if (retained.recordCount === 0) return this.empty(bytes, header);
    const needsHorizon = horizonMs === undefined && (header.isControl ? mayDiscard : retained.hasTombstones);
    if (retained.recordCount === header.recordCount && !needsHorizon) return bytes;
    return rewriteBatch(bytes, header, retained, {
      deleteHorizonMs: needsHorizon ? nowMs + this.options.deleteRetentionMs : undefined,
      compress,
      crc: nativeCrc32c,
    });
  }

  private keepNewest(keepTombstones: boolean): KeepRecord {
    const { map } = this.options;
    return (offset, key, hasValue) => {
      if (offset > map.latestOffset) return true;
      return key !== null && (hasValue || keepTombstones) && offset >= map.get(key);
    };
  }

  private empty(bytes: Uint8Array, header: BatchHeader): Uint8Array | undefined {
    if (!this.isLastOfProducer(header)) return undefined;
    return header.recordCount === 0 ? bytes : emptiedBatch(bytes, header, nativeCrc32c);
  }

  private isLastOfProducer(header: BatchHeader): boolean {
    if (header.producerId < 0) return false;
    const last = this.options.lastBatches.get(header.producerId);
    if (last === undefined) return false;
    if (last.lastDataOffset >= 0) return header.lastOffset === last.lastDataOffset;
    return header.isControl && header.producerEpoch === last.producerEpoch;
  }
}
