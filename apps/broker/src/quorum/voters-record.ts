/**
 * Voters as the metadata log has them (VotersRecord, KIP-853) and as the machine knows them, both ways; and the batches of
 * the log as a Fetch brings them. Called by `raft-replies.ts`, and by the shell where it reads and writes the log itself.
 * Invariant: a batch that is handed on is whole and has the checksum that it says.
 */
import {
  CONTROL_RECORD_TYPE,
  ControlRecordKey,
  decodeMessage,
  encodeMessage,
  nativeCrc32c,
  VotersRecord,
} from '@meridian/protocol';
import { batchCrcValid, iterateBatches, RecordBatchError, readRecords } from '@meridian/protocol/record-batch';
import type { FetchedBatch, Voter, VoterSet } from '@meridian/quorum';

const VERSION = 0;

/** The value of the record. */
export function encodeVoters(voters: VoterSet): Buffer {
  return encodeMessage(VotersRecord, VERSION, {
    version: VERSION,
    voters: voters.map(({ id, directoryId, endpoints, minKraftVersion, maxKraftVersion }) => ({
      voterId: id,
      voterDirectoryId: directoryId,
      endpoints,
      kRaftVersionFeature: { minSupportedVersion: minKraftVersion, maxSupportedVersion: maxKraftVersion },
    })),
  });
}

export function decodeVoters(value: Buffer): Voter[] {
  return decodeMessage(VotersRecord, VERSION, value).voters.map((voter) => ({
    id: voter.voterId,
    directoryId: voter.voterDirectoryId,
    endpoints: voter.endpoints,
    minKraftVersion: voter.kRaftVersionFeature.minSupportedVersion,
    maxKraftVersion: voter.kRaftVersionFeature.maxSupportedVersion,
  }));
}

/** Views into `bytes`; whoever keeps them holds their memory. Throws RecordBatchError or ProtocolError. */
export function fetchedBatches(bytes: Buffer): FetchedBatch[] {
  return Array.from(iterateBatches(bytes, 'partial'), ({ header, bytes: batch }) => {
    if (!batchCrcValid(batch, nativeCrc32c))
      throw new RecordBatchError('wrong-crc', `batch at offset ${header.baseOffset}`);
    const { baseOffset, nextOffset, partitionLeaderEpoch: epoch, isControl } = header;
    return { baseOffset, nextOffset, epoch, voters: isControl ? votersIn(batch) : undefined, bytes: batch };
  });
}

/** The last that a control batch says of them. */
export function votersIn(batch: Buffer): Voter[] | undefined {
  let voters: Voter[] | undefined;
  for (const { key, value } of readRecords(batch)) {
    const { type } = decodeMessage(ControlRecordKey, 0, Buffer.from(key ?? []));
    if (type === CONTROL_RECORD_TYPE.KRAFT_VOTERS) voters = decodeVoters(Buffer.from(value ?? []));
  }
  return voters;
}
