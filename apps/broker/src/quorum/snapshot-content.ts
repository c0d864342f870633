/**
 * What lies in a snapshot of the metadata: batches that make an image from nothing, between a header and a footer (KIP-630).
 * Called by `snapshot-files.ts`; written and read as bytes, without a disk.
 * Invariant: a snapshot is taken whole or not at all; each of its batches has the checksum that it says.
 */
import { CONTROL_RECORD_TYPE, type MetadataRecord, nativeCrc32c, ProtocolError } from '@meridian/protocol';
import { batchCrcValid, iterateBatches, RecordBatchError } from '@meridian/protocol/record-batch';
import type { VoterSet } from '@meridian/quorum';
import { metadataBatch, recordsOf } from '../controller/metadata-batch.ts';
import { controlTypes, footerBatch, headerBatch } from './control-batches.ts';
import { votersIn } from './voters-record.ts';

export interface SnapshotParts {
  readonly epoch: number;
  /** Undefined at `kraft.version` 0, where the log has none. */
  readonly voters: VoterSet | undefined;
  /** Of the last batch that the snapshot stands for. */
  readonly lastTimestamp: number;
  readonly nowMs: number;
  /** Encoded metadata records, one batch each. */
  readonly batches: Iterable<readonly Buffer[]>;
}

/** Offsets count from 0 within the file, as Kafka's do. */
export function snapshotBuffers({ epoch, voters, lastTimestamp, nowMs, batches }: SnapshotParts): Buffer[] {
  const place = (baseOffset: number) => ({ baseOffset, leaderEpoch: epoch, timestamp: nowMs });
  const header = headerBatch(voters, lastTimestamp, place(0));
  let offset = voters === undefined ? 1 : 3;
  const buffers = [header];
  for (const values of batches) {
    if (values.length === 0) continue;
    buffers.push(metadataBatch(values, place(offset)));
    offset += values.length;
  }
  buffers.push(footerBatch(place(offset)));
  return buffers;
}

export interface CheckedSnapshot {
  readonly voters: VoterSet | undefined;
}

/** Why it is not to be trusted, or what it says of voters. Records are not decoded here. */
export function checkSnapshot(bytes: Buffer): CheckedSnapshot | string {
  try {
    return checked(bytes);
  } catch (error) {
    if (error instanceof RecordBatchError || error instanceof ProtocolError) return error.message;
    throw error;
  }
}

function checked(bytes: Buffer): CheckedSnapshot | string {
  let voters: VoterSet | undefined;
  let count = 0;
  let isEnded = false;
  for (const { at, header, bytes: batch } of iterateBatches(bytes)) {
    if (isEnded) return `something follows the footer, at byte ${at}`;
    if (!batchCrcValid(batch, nativeCrc32c)) return `wrong checksum of the batch at byte ${at}`;
    const types = header.isControl ? controlTypes(batch) : [];
    if ((count++ === 0) !== (types[0] === CONTROL_RECORD_TYPE.SNAPSHOT_HEADER))
      return `no header, or two, at byte ${at}`;
    if (types.length > 0) voters = votersIn(batch) ?? voters;
    isEnded = types.at(-1) === CONTROL_RECORD_TYPE.SNAPSHOT_FOOTER;
  }
  return isEnded ? { voters } : 'it has no footer';
}

/** Of a snapshot that has been checked. Throws ProtocolError for records that this release does not know. */
export function* recordsIn(bytes: Buffer): Generator<MetadataRecord> {
  for (const { header, bytes: batch } of iterateBatches(bytes)) if (!header.isControl) yield* recordsOf(batch);
}
