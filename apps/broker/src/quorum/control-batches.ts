/**
 * Control batches of the metadata log and its snapshots as KRaft writes them: what opens an epoch, changes of voters, the
 * header and the footer of a snapshot. Called by the metadata log and by the snapshot files.
 */
import {
  CONTROL_RECORD_TYPE,
  ControlRecordKey,
  decodeMessage,
  encodeMessage,
  KRaftVersionRecord,
  LeaderChangeMessage,
  SnapshotFooterRecord,
  SnapshotHeaderRecord,
} from '@meridian/protocol';
import { readRecords, writeBatch } from '@meridian/protocol/record-batch';
import type { LeaderBatch, ReplicaKey, VoterSet } from '@meridian/quorum';
import { type BatchPlace, metadataBatch } from '../controller/metadata-batch.ts';
import { encodeVoters } from './voters-record.ts';

/** From this `kraft.version` on, voters stand in the log and have directories. */
export const RECONFIGURABLE = 1;

interface ControlRecord {
  readonly type: number;
  readonly value: Buffer;
}

export function leaderBatch(batch: LeaderBatch, leaderId: number, place: BatchPlace): Buffer {
  switch (batch.kind) {
    case 'proposal':
      return metadataBatch(batch.proposal as readonly Buffer[], place);
    case 'voters':
      return controlBatch([votersRecord(batch.voters)], place);
    case 'leaderChange': {
      const records = [leaderChange(leaderId, batch)];
      if (batch.recorded?.isFirst === true) records.push(kraftVersion());
      if (batch.recorded !== undefined) records.push(votersRecord(batch.recorded.voters));
      return controlBatch(records, place);
    }
  }
}

/** What a snapshot begins with; `voters` where they may change. */
export function headerBatch(voters: VoterSet | undefined, lastTimestamp: number, place: BatchPlace): Buffer {
  const header = { version: 0, lastContainedLogTimestamp: lastTimestamp };
  const records: ControlRecord[] = [
    { type: CONTROL_RECORD_TYPE.SNAPSHOT_HEADER, value: encodeMessage(SnapshotHeaderRecord, 0, header) },
  ];
  if (voters !== undefined) records.push(kraftVersion(), votersRecord(voters));
  return controlBatch(records, place);
}

export function footerBatch(place: BatchPlace): Buffer {
  const value = encodeMessage(SnapshotFooterRecord, 0, { version: 0 });
  return controlBatch([{ type: CONTROL_RECORD_TYPE.SNAPSHOT_FOOTER, value }], place);
}

/** Types of the records of a control batch, in order. */
export function controlTypes(batch: Uint8Array): number[] {
  return Array.from(readRecords(batch), ({ key }) => decodeMessage(ControlRecordKey, 0, Buffer.from(key ?? [])).type);
}

/** Whom the leader change in a control batch names as voters; undefined if there is none. */
export function voterIdsIn(batch: Uint8Array): number[] | undefined {
  for (const { key, value } of readRecords(batch)) {
    const { type } = decodeMessage(ControlRecordKey, 0, Buffer.from(key ?? []));
    if (type !== CONTROL_RECORD_TYPE.LEADER_CHANGE) continue;
    return decodeMessage(LeaderChangeMessage, 0, Buffer.from(value ?? [])).voters.map(({ voterId }) => voterId);
  }
  return undefined;
}

/** In version 0, without directories, at every `kraft.version`: Apache Kafka's tools read no other. */
function leaderChange(
  leaderId: number,
  { voters, grantingVoters }: Extract<LeaderBatch, { kind: 'leaderChange' }>,
): ControlRecord {
  const named = ({ id }: ReplicaKey) => ({ voterId: id });
  const message = { version: 0, leaderId, voters: voters.map(named), grantingVoters: grantingVoters.map(named) };
  return { type: CONTROL_RECORD_TYPE.LEADER_CHANGE, value: encodeMessage(LeaderChangeMessage, 0, message) };
}

function kraftVersion(): ControlRecord {
  const value = encodeMessage(KRaftVersionRecord, 0, { version: 0, kRaftVersion: RECONFIGURABLE });
  return { type: CONTROL_RECORD_TYPE.KRAFT_VERSION, value };
}

const votersRecord = (voters: VoterSet): ControlRecord => ({
  type: CONTROL_RECORD_TYPE.KRAFT_VOTERS,
  value: encodeVoters(voters),
});

function controlBatch(records: readonly ControlRecord[], { baseOffset, leaderEpoch, timestamp }: BatchPlace): Buffer {
  const keyed = records.map(({ type, value }) => ({
    timestamp,
    key: encodeMessage(ControlRecordKey, 0, { type }),
    value,
  }));
  const bytes = writeBatch({ records: keyed, baseOffset, leaderEpoch, control: true });
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
