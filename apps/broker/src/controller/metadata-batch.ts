/**
 * The data batches of the metadata log and its snapshots, as KRaft writes them: the values of their records are metadata
 * records. Called by `quorum/`.
 */
import { decodeMetadataRecord, type MetadataRecord } from '@meridian/protocol';
import { readRecords, writeBatch } from '@meridian/protocol/record-batch';

export interface BatchPlace {
  readonly baseOffset: number;
  readonly leaderEpoch: number;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
}

/** A batch of encoded metadata records: applied together or, torn by a crash, not at all. */
export function metadataBatch(values: readonly Buffer[], place: BatchPlace): Buffer {
  const { baseOffset, leaderEpoch, timestamp } = place;
  const records = values.map((value) => ({ timestamp, value }));
  const bytes = writeBatch({ records, baseOffset, leaderEpoch, control: false });
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The metadata records of one data batch. */
export function recordsOf(bytes: Uint8Array): MetadataRecord[] {
  return Array.from(readRecords(bytes), ({ value }) => decodeMetadataRecord(Buffer.from(value ?? [])));
}
