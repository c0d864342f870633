/**
 * Fuzzing of `quorum-state`: `npm run fuzz -- quorum-state`. Only BrokerError may come out, and what is read reads the same
 * when it is written anew.
 */
import type { Disk } from '@meridian/io';
import { BrokerError } from '../errors.ts';
import { quorumStateText, readQuorumState } from './quorum-state-file.ts';

/** JSON.parse takes pages of V8's for names and errors, whatever the text is. */
export const baseBytes = 1_048_576;

const TEXTS = [
  '{"leaderId":2,"leaderEpoch":7,"votedId":3,"votedDirectoryId":"_4OMc1kMSX6etw9hsTsU_A","data_version":1}',
  '{"leaderId":-1,"leaderEpoch":0,"votedId":-1,"votedDirectoryId":"AAAAAAAAAAAAAAAAAAAAAA","data_version":1}\n',
  '{"clusterId":"","leaderId":2,"leaderEpoch":7,"votedId":-1,"appliedOffset":0,"currentVoters":[{"voterId":1}],"data_version":0}',
];

export function corpus(): Buffer[] {
  return TEXTS.map((text) => Buffer.from(text));
}

const diskWith = (content: Buffer): Disk =>
  ({
    exists: () => true,
    stat: () => ({ size: content.length, modifiedMs: 0, isFolder: false }),
    readFile: () => content,
  }) as Partial<Disk> as Disk;

export function fuzz(input: Buffer): unknown {
  try {
    const state = readQuorumState(diskWith(input), '/data')!;
    const again = readQuorumState(diskWith(Buffer.from(quorumStateText(state))), '/data');
    if (JSON.stringify(again) !== JSON.stringify(state))
      throw new Error(`${JSON.stringify(state)} is not what was written`);
    return state;
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error;
    return undefined;
  }
}
