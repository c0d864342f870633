/** What a read tells of the partition beside its records. */
import { ERROR } from '@meridian/protocol';
import { expect, test } from 'vitest';
import type { Partition } from './partition.ts';
import { readPartition } from './read.ts';

const ASK = {
  partition: 0,
  currentLeaderEpoch: 4,
  fetchOffset: 0,
  lastFetchedEpoch: -1,
  partitionMaxBytes: 1,
  originEpochsFrom: -1,
};

test.each([
  [ERROR.FENCED_LEADER_EPOCH, true, { leaderId: 1, leaderEpoch: 5 }],
  [ERROR.FENCED_LEADER_EPOCH, false, undefined],
  [ERROR.NOT_LEADER_OR_FOLLOWER, true, { leaderId: 1, leaderEpoch: 5 }],
  [ERROR.UNKNOWN_LEADER_EPOCH, true, undefined],
])(
  'with error %i, the leader is told only to whom it helps and who understands it (%s)',
  (error, tellsLeader, told) => {
    const moved = { errorFor: () => error, currentLeader: { leaderId: 1, leaderEpoch: 5 } } as unknown as Partition;
    const options = {
      maxBytes: 1,
      minOneBatch: true,
      upTo: 'high watermark',
      tellsLeader,
      fromAnyReplica: false,
    } as const;
    expect(readPartition(moved, ASK, options)).toMatchObject({ errorCode: error, currentLeader: told });
  },
);
