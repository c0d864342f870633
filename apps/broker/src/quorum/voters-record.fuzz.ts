/**
 * Fuzzing of what a leader answers to a Fetch of the metadata log: `npm run fuzz -- voters-record`. Whole batches with sound
 * checksums come out, or RecordBatchError or ProtocolError; voters that were read read the same when they are written anew.
 */
import { ProtocolError } from '@meridian/protocol';
import { RecordBatchError } from '@meridian/protocol/record-batch';
import type { Voter } from '@meridian/quorum';
import { leaderBatch } from './control-batches.ts';
import { decodeVoters, encodeVoters, fetchedBatches } from './voters-record.ts';

const voters: Voter[] = [1, 2].map((id) => ({
  ...{ id, directoryId: `00000000-0000-4000-8000-00000000000${id}` },
  endpoints: [{ name: 'INTERNAL', host: `node${id}`, port: 9_093 }],
  ...{ minKraftVersion: 0, maxKraftVersion: 1 },
}));
const place = (baseOffset: number) => ({ baseOffset, leaderEpoch: 2, timestamp: 5 });

export function corpus(): Buffer[] {
  const recorded = { voters, isFirst: true };
  const change = { kind: 'leaderChange', voters, grantingVoters: voters, recorded } as const;
  const first = leaderBatch(change, 1, place(0));
  const second = leaderBatch({ kind: 'voters', voters }, 1, place(3));
  return [first, Buffer.concat([first, second]), encodeVoters(voters)];
}

export function fuzz(input: Buffer): unknown {
  try {
    const batches = fetchedBatches(input);
    for (const { voters: read } of batches) {
      if (read === undefined) continue;
      const again = decodeVoters(encodeVoters(read));
      if (JSON.stringify(again) !== JSON.stringify(read)) throw new Error('voters read differently when written anew');
    }
    return batches.length;
  } catch (error) {
    if (error instanceof ProtocolError || error instanceof RecordBatchError) return undefined;
    throw error;
  }
}
