/**
 * Fuzzing of snapshots as they come from a leader: `npm run fuzz -- snapshot-content`. They are refused with a reason or
 * whole; of a whole one, only ProtocolError and RecordBatchError may come out of its records.
 */
import { encodeMetadataRecord, ProtocolError } from '@meridian/protocol';
import { RecordBatchError } from '@meridian/protocol/record-batch';
import type { Voter } from '@meridian/quorum';
import { checkSnapshot, recordsIn, snapshotBuffers } from './snapshot-content.ts';

const voter = (id: number): Voter => ({
  ...{ id, directoryId: `00000000-0000-4000-8000-00000000000${id}` },
  endpoints: [{ name: 'INTERNAL', host: 'localhost', port: 9_093 }],
  ...{ minKraftVersion: 0, maxKraftVersion: 1 },
});
const record = encodeMetadataRecord({ type: 'FeatureLevelRecord', name: 'metadata.version', featureLevel: 30 });

export function corpus(): Buffer[] {
  const parts = { epoch: 3, lastTimestamp: 1, nowMs: 2 };
  return [
    Buffer.concat(snapshotBuffers({ ...parts, voters: undefined, batches: [] })),
    Buffer.concat(snapshotBuffers({ ...parts, voters: [voter(1), voter(2)], batches: [[record], [record, record]] })),
  ];
}

export function fuzz(input: Buffer): unknown {
  const checked = checkSnapshot(input);
  if (typeof checked === 'string') return undefined;
  try {
    return [...recordsIn(input)].length;
  } catch (error) {
    if (error instanceof ProtocolError || error instanceof RecordBatchError) return undefined;
    throw error;
  }
}
