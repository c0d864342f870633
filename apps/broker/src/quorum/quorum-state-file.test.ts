/** `quorum-state`: Apache Kafka's own files are read, ours is byte for byte one of them, and damage is never taken for nothing. */
import { createSimWorld } from '@meridian/io/sim';
import { type ElectionState, UNKNOWN_DIRECTORY } from '@meridian/quorum';
import { describe, expect, test } from 'vitest';
import { quorumStateText, readQuorumState, writeQuorumState } from './quorum-state-file.ts';

const FOLDER = '/data/__cluster_metadata-0';
const DIRECTORY = 'ff838c73-590c-497e-9eb7-0f61b13b14fc';

function disk(text?: string) {
  const { disk } = createSimWorld({ seed: 1 }).node('controller').boot();
  disk.makeFolder(FOLDER);
  if (text !== undefined) disk.replaceFile(`${FOLDER}/quorum-state`, Buffer.from(text));
  return disk;
}

const V0_REST = '"appliedOffset":0,"currentVoters":[{"voterId":1},{"voterId":2},{"voterId":3}],"data_version":0}';

describe('as Apache Kafka 4.3.1 writes it', () => {
  const voted = { id: 3, directoryId: DIRECTORY };
  const vote = '"votedId":3,"votedDirectoryId":"_4OMc1kMSX6etw9hsTsU_A","data_version":1}';
  const none = '"votedId":-1,"votedDirectoryId":"AAAAAAAAAAAAAAAAAAAAAA","data_version":1}';

  test.each<[string, string, ElectionState]>([
    ['a vote', `{"leaderId":-1,"leaderEpoch":7,${vote}`, { epoch: 7, leaderId: -1, voted }],
    ['a leader', `{"leaderId":2,"leaderEpoch":7,${none}`, { epoch: 7, leaderId: 2, voted: undefined }],
    ['a leader and a vote', `{"leaderId":2,"leaderEpoch":7,${vote}`, { epoch: 7, leaderId: 2, voted }],
    ['an epoch', `{"leaderId":-1,"leaderEpoch":7,${none}`, { epoch: 7, leaderId: -1, voted: undefined }],
  ])('%s is read, and written like this', (_name, text, state) => {
    expect(readQuorumState(disk(text), FOLDER)).toEqual(state);
    expect(quorumStateText(state)).toBe(text);
  });

  test('the older version is read: it knows no directories', () => {
    const led = `{"clusterId":"","leaderId":2,"leaderEpoch":7,"votedId":-1,${V0_REST}`;
    expect(readQuorumState(disk(led), FOLDER)).toEqual({ epoch: 7, leaderId: 2, voted: undefined });
    const text = `{"clusterId":"","leaderId":-1,"leaderEpoch":7,"votedId":3,${V0_REST}`;
    const voted = { id: 3, directoryId: UNKNOWN_DIRECTORY };
    expect(readQuorumState(disk(text), FOLDER)).toEqual({ epoch: 7, leaderId: -1, voted });
  });
});

test('what was written is there after a loss of power', () => {
  const node = createSimWorld({ seed: 1 }).node('controller');
  const { disk } = node.boot();
  disk.makeFolder(FOLDER);
  disk.syncFolder('/data');
  disk.syncFolder('/');
  const state = { epoch: 9, leaderId: -1, voted: { id: 2, directoryId: DIRECTORY } };
  writeQuorumState(disk, FOLDER, state);
  node.powerLoss();
  expect(readQuorumState(node.boot().disk, FOLDER)).toEqual(state);
});

test('a node without the file has never taken part', () => {
  expect(readQuorumState(disk(), FOLDER)).toBeUndefined();
});

const WHOLE = { leaderId: 1, leaderEpoch: 2, votedId: -1, votedDirectoryId: 'AAAAAAAAAAAAAAAAAAAAAA', data_version: 1 };

describe('a damaged file is refused, and the operator is told what to do', () => {
  test.each<[string, string]>([
    ['empty', ''],
    ['of zeros', '\0'.repeat(100)],
    ['cut off', '{"leaderId":1,"leaderEpoch":2,"vot'],
    ['a list', '[1]'],
    ['null', 'null'],
    ['without a version', JSON.stringify({ ...WHOLE, data_version: undefined })],
    ['of a version below the first', JSON.stringify({ ...WHOLE, data_version: -1 })],
    ['without an epoch', JSON.stringify({ ...WHOLE, leaderEpoch: undefined })],
    ['of a negative epoch', JSON.stringify({ ...WHOLE, leaderEpoch: -1 })],
    ['of an epoch beyond 32 bits', JSON.stringify({ ...WHOLE, leaderEpoch: 2 ** 31 })],
    ['with a leader that is text', JSON.stringify({ ...WHOLE, leaderId: '1' })],
    ['with half a vote', JSON.stringify({ ...WHOLE, votedId: 1.5 })],
    ['without whom it voted for', JSON.stringify({ ...WHOLE, votedId: undefined })],
    ['with a directory that is none', JSON.stringify({ ...WHOLE, votedDirectoryId: 'AAAA' })],
    ['without the directory', JSON.stringify({ ...WHOLE, votedDirectoryId: undefined })],
    ['of a megabyte', JSON.stringify({ ...WHOLE, more: 'x'.repeat(1_000_000) })],
  ])('%s', (_name, text) => {
    const read = () => readQuorumState(disk(text), FOLDER);
    expect(read).toThrow(expect.objectContaining({ name: 'BrokerError', code: 'quorum-state-damaged' }));
    expect(read).toThrow(/restore the file/);
  });

  test('one of a newer release says that', () => {
    const text = JSON.stringify({ ...WHOLE, data_version: 2 });
    expect(() => readQuorumState(disk(text), FOLDER)).toThrow(expect.objectContaining({ code: 'folder-newer' }));
  });
});
