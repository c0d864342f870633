/** Elections of one partition as a table: who may lead, and what is told of it. */
import { expect, test } from 'vitest';
import type { PartitionInfo } from '../image.ts';
import { type Circumstances, partitionChange, type Targets } from './partition-change.ts';

const PARTITION: PartitionInfo = {
  index: 0,
  leader: 1,
  leaderEpoch: 5,
  partitionEpoch: 9,
  replicas: [1, 2, 3],
  isr: [1, 2, 3],
  addingReplicas: [],
  removingReplicas: [],
  leaderRecoveryState: 0,
  eligibleLeaderReplicas: [],
  lastKnownElr: [],
  directories: ['a', 'b', 'c'],
};
const LEADERLESS = { leader: -1, isr: [], eligibleLeaderReplicas: [] };

function changed(
  partition: Partial<PartitionInfo>,
  { alive = [1, 2, 3], ...around }: Partial<Circumstances> & { alive?: number[] },
  targets: Targets = {},
): object | undefined {
  const circumstances: Circumstances = {
    topicId: 'topic',
    partition: { ...PARTITION, ...partition },
    mayLead: (id) => alive.includes(id),
    election: 'online',
    hasElr: true,
    minIsr: 2,
    directoryFor: (id) => `new ${id}`,
    ...around,
  };
  const record = partitionChange(circumstances, targets);
  if (record === undefined) return undefined;
  const { type, topicId, partitionId, ...rest } = record;
  expect([type, topicId, partitionId]).toEqual(['PartitionChangeRecord', 'topic', 0]);
  return rest;
}

test('nothing is written where nothing changes', () => {
  expect(changed({}, {})).toBeUndefined();
  expect(changed({ leader: -1, isr: [1] }, { alive: [2, 3] })).toBeUndefined();
  expect(changed({ ...LEADERLESS, lastKnownElr: [1] }, { alive: [] })).toBeUndefined();
});

test('a set that shrinks without its leader moves no leader epoch, and one that loses it does', () => {
  expect(changed({}, {}, { isr: [1, 2] })).toEqual({ isr: [1, 2] });
  expect(changed({}, { alive: [2, 3] }, { isr: [2, 3] })).toEqual({ isr: [2, 3], leader: 2 });
});

test('the leader stays even if another replica is preferred, but for an election of the preferred one', () => {
  expect(changed({ leader: 2 }, {})).toBeUndefined();
  expect(changed({ leader: 2 }, { election: 'preferred' })).toEqual({ leader: 1 });
  expect(changed({ leader: 2 }, { election: 'preferred', alive: [2, 3] })).toBeUndefined();
  expect(changed({ leader: 1 }, { election: 'preferred', alive: [3] })).toEqual({ leader: 3 });
});

test('the in-sync set comes before eligible replicas, and these before the last leader', () => {
  const eligible = { ...LEADERLESS, eligibleLeaderReplicas: [3, 2], lastKnownElr: [1] };
  expect(changed({ leader: -1, isr: [2], eligibleLeaderReplicas: [1] }, {})).toEqual({ leader: 2 });
  expect(changed(eligible, {})).toEqual({ leader: 2, isr: [2], eligibleLeaderReplicas: [3], lastKnownElr: [] });
  expect(changed(eligible, { alive: [1] })).toBeUndefined();
  expect(changed(eligible, { alive: [1], election: 'unclean' })).toEqual({
    leader: 1,
    isr: [1],
    eligibleLeaderReplicas: [],
    lastKnownElr: [],
    leaderRecoveryState: 1,
  });
});

test('who led last leads again only where an unclean election is allowed, or there is no other replica', () => {
  const last = { ...LEADERLESS, lastKnownElr: [2] };
  const led = { leader: 2, isr: [2], lastKnownElr: [] };
  expect(changed(last, {})).toBeUndefined();
  expect(changed(last, { election: 'unclean' })).toEqual({ ...led, leaderRecoveryState: 1 });
  expect(changed({ ...last, replicas: [2], directories: ['b'] }, {})).toEqual(led);
  expect(changed({ ...last, lastKnownElr: [2, 3] }, { election: 'unclean' })).toMatchObject({ leader: 1 });
});

test('an eligible replica that leads and may commit alone leaves nobody else eligible', () => {
  const eligible = { ...LEADERLESS, eligibleLeaderReplicas: [2, 3] };
  const led = { leader: 2, isr: [2], eligibleLeaderReplicas: [] };
  expect(changed(eligible, { minIsr: 1 })).toEqual(led);
});

test('without eligible replicas the last one stays in the set, and nothing else is remembered', () => {
  const alone = { isr: [1], eligibleLeaderReplicas: [2], lastKnownElr: [3] };
  const forgotten = { eligibleLeaderReplicas: [], lastKnownElr: [] };
  expect(changed(alone, { hasElr: false, alive: [] }, { isr: [] })).toEqual({ leader: -1, ...forgotten });
});

test('with them the set may be empty: the last one is eligible, the last leader remembered', () => {
  const left = { isr: [], eligibleLeaderReplicas: [1], lastKnownElr: [1], leader: -1 };
  expect(changed({ isr: [1] }, { alive: [] }, { isr: [] })).toEqual(left);
  expect(changed({ isr: [1] }, { alive: [] }, { isr: [], lost: 1 })).toEqual({
    ...left,
    eligibleLeaderReplicas: undefined,
  });
});

test('a replica that comes in has a dir, and one that goes takes its own along', () => {
  expect(changed({}, {}, { replicas: [1, 2, 3, 4], adding: [4] })).toEqual({
    replicas: [1, 2, 3, 4],
    addingReplicas: [4],
    directories: ['a', 'b', 'c', 'new 4'],
  });
  expect(changed({}, {}, { replicas: [3, 1], isr: [1, 3] })).toEqual({
    leader: 1,
    replicas: [3, 1],
    isr: [1, 3],
    directories: ['c', 'a'],
  });
});

test('a leader that leads anew has a new epoch, and no leader has none', () => {
  expect(changed({}, {}, { anew: true })).toEqual({ leader: 1 });
  expect(changed({ leader: -1, isr: [1] }, { alive: [] }, { anew: true })).toBeUndefined();
});
