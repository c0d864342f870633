/**
 * The batches of the metadata log as KRaft writes them: data batches whose record values are metadata records, and the
 * control batch that opens every epoch. Called by `metadata-log.ts`.
 */
import {
  CONTROL_RECORD_TYPE,
  ControlRecordKey,
  decodeMetadataRecord,
  encodeMessage,
  LeaderChangeMessage,
  type MetadataRecord,
} from '@meridian/protocol';
import { type NewRecord, readRecords, writeBatch } from '@meridian/protocol/record-batch';

export interface BatchPlace {
  readonly baseOffset: number;
  readonly leaderEpoch: number;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
}

/** A batch of encoded metadata records: applied together or, torn by a crash, not at all. */
export function metadataBatch(values: readonly Buffer[], place: BatchPlace): Buffer {
  return batch(
    values.map((value) => ({ timestamp: place.timestamp, value })),
    place,
    false,
  );
}

/** The first batch of an epoch: who leads it, and who voted. */
export function leaderChangeBatch(leaderId: number, voterIds: readonly number[], place: BatchPlace): Buffer {
  const voters = voterIds.map((voterId) => ({ voterId }));
  const key = encodeMessage(ControlRecordKey, 0, { type: CONTROL_RECORD_TYPE.LEADER_CHANGE });
  const value = encodeMessage(LeaderChangeMessage, 0, { version: 0, leaderId, voters, grantingVoters: voters });
  return batch([{ timestamp: place.timestamp, key, value }], place, true);
}

function batch(records: readonly NewRecord[], { baseOffset, leaderEpoch }: BatchPlace, control: boolean): Buffer {
  const bytes = writeBatch({ records, baseOffset, leaderEpoch, control });
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The metadata records of one data batch. */
export function recordsOf(bytes: Uint8Array): MetadataRecord[] {
  return Array.from(readRecords(bytes), ({ value }) => decodeMetadataRecord(Buffer.from(value ?? [])));
}
