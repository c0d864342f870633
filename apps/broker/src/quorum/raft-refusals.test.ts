/**
 * Requests that are wrong whatever the quorum's state is, sent to a leader of epoch 1 that is node 1: what is answered is what
 * the controller of Apache Kafka 4.3.1 answers, seen there byte by byte; exceptions are named.
 */
import { ERROR, type ErrorName } from '@meridian/protocol';
import { type RaftRequest, UNKNOWN_DIRECTORY } from '@meridian/quorum';
import { describe, expect, test } from 'vitest';
import { METADATA_TOPIC, METADATA_TOPIC_ID, type RaftView } from './raft-view.ts';
import { refusalAnswer, takeRequest } from './raft-wire.ts';

const clusterId = 'nLObPQoCRhOzypJdfJ6uOA';
const OTHER = '11111111-2222-3333-4444-555555555555';
const SELF = 'ff838c73-590c-497e-9eb7-0f61b13b14fc';
const view: RaftView = {
  ...{ clusterId, self: { id: 1, directoryId: SELF }, epoch: 1, leaderId: 1, listenerName: 'CONTROLLER' },
  leaderEndpoint: { host: '127.0.0.1', port: 35_437 },
};

const vote = {
  ...{ partitionIndex: 0, replicaEpoch: 1, replicaId: 9, replicaDirectoryId: OTHER, voterDirectoryId: SELF },
  ...{ lastOffsetEpoch: 0, lastOffset: 0, preVote: true },
};
const begin = { partitionIndex: 0, voterDirectoryId: SELF, leaderId: 1, leaderEpoch: 1 };
const end = { partitionIndex: 0, leaderId: 1, leaderEpoch: 1, preferredSuccessors: [], preferredCandidates: [] };
const fetch = {
  ...{ partition: 0, currentLeaderEpoch: 1, fetchOffset: 0, lastFetchedEpoch: 0, logStartOffset: -1 },
  ...{ partitionMaxBytes: 300, replicaDirectoryId: OTHER, highWatermark: -1 },
};
const snapshot = { partition: 0, currentLeaderEpoch: 1, snapshotId: { endOffset: 5, epoch: 1 }, position: 0 };
const topic = (partition: object, of: object = {}) => [
  { topicName: METADATA_TOPIC, name: METADATA_TOPIC, topicId: METADATA_TOPIC_ID, ...of, partitions: [partition] },
];
const listeners = [{ name: 'CONTROLLER', host: '127.0.0.1', port: 1 }];
const named = { clusterId, voterId: 9, voterDirectoryId: OTHER, timeoutMs: 1_000, listeners };
const levels = (minSupportedVersion: number, maxSupportedVersion: number) => ({
  kRaftVersionFeature: { minSupportedVersion, maxSupportedVersion },
});
const BODIES: Record<RaftRequest['api'], object> = {
  Vote: { clusterId, voterId: 1, topics: topic(vote) },
  BeginQuorumEpoch: { clusterId, voterId: 1, topics: topic(begin), leaderEndpoints: [] },
  EndQuorumEpoch: { clusterId, topics: topic(end), leaderEndpoints: [] },
  Fetch: { clusterId, replicaId: -1, replicaState: { replicaId: 9 }, maxWaitMs: 0, topics: topic(fetch) },
  FetchSnapshot: { clusterId, replicaId: 9, topics: topic(snapshot) },
  AddRaftVoter: { ...named, ackWhenCommitted: true },
  RemoveRaftVoter: named,
  UpdateRaftVoter: { ...named, currentLeaderEpoch: 1, ...levels(0, 1) },
};

/** The error of all of it, or of its partition; undefined if the machine is asked. */
function errorOf(api: RaftRequest['api'], change: object, from: RaftView = view): string | undefined {
  const taken = takeRequest(api, { ...BODIES[api], ...change }, from, 1);
  if (taken.kind === 'request' || taken.kind === 'addVoter') return undefined;
  const answer = refusalAnswer(api, taken, 1, from) as Record<'topics' | 'responses', { partitions: object[] }[]>;
  const [partition] = (answer.topics ?? answer.responses)?.[0]?.partitions ?? [];
  const { errorCode } = (partition ?? answer) as { errorCode: number };
  const name = Object.entries(ERROR).find(([, code]) => code === errorCode)![0];
  return partition === undefined ? name : `${name} of the partition`;
}

const FOREIGN = { clusterId: 'AAAAAAAAAAAAAAAAAAAAAA' };
const changed = (partition: object, change: object) => ({ topics: topic({ ...partition, ...change }) });
const INVALID: ErrorName = 'INVALID_REQUEST';
const INVALID_PARTITION = 'INVALID_REQUEST of the partition';

describe('as by Apache Kafka', () => {
  test.each(Object.keys(BODIES) as RaftRequest['api'][])(
    '%s is taken as it stands, and not of a foreign cluster',
    (api) => {
      expect(errorOf(api, {})).toBeUndefined();
      expect(errorOf(api, { clusterId: null })).toBeUndefined();
      expect(errorOf(api, FOREIGN)).toBe('INCONSISTENT_CLUSTER_ID');
    },
  );

  test.each(['Vote', 'BeginQuorumEpoch', 'EndQuorumEpoch', 'Fetch'] as const)('%s is of one partition', (api) => {
    const [only] = (BODIES[api] as { topics: [{ partitions: object[] }] }).topics;
    const other = { partitionIndex: 1, partition: 1 };
    for (const topics of [
      [],
      [{ ...only, partitions: [] }],
      [only, only],
      [{ ...only, topicName: 'x', topicId: OTHER }],
      [{ ...only, partitions: [{ ...only.partitions[0], ...other }] }],
      [{ ...only, partitions: [only.partitions[0], only.partitions[0]] }],
    ]) {
      expect(errorOf(api, { topics })).toBe(INVALID);
    }
  });

  test.each<[string, RaftRequest['api'], object, string | undefined]>([
    ['a pre-vote in the epoch of the log', 'Vote', changed(vote, { lastOffsetEpoch: 1 }), undefined],
    ['a pre-vote of a log ahead', 'Vote', changed(vote, { lastOffsetEpoch: 2 }), INVALID_PARTITION],
    [
      'a vote in the epoch of the log',
      'Vote',
      changed(vote, { lastOffsetEpoch: 1, preVote: false }),
      INVALID_PARTITION,
    ],
    ['a log that ends below zero', 'Vote', changed(vote, { lastOffset: -1 }), INVALID_PARTITION],
    ['a stale pre-vote', 'Vote', changed(vote, { replicaEpoch: 0 }), undefined],
    ['a stale vote', 'Vote', changed(vote, { replicaEpoch: 0, preVote: false }), INVALID_PARTITION],
    ['a vote for nobody', 'Vote', changed(vote, { replicaId: -1 }), INVALID_PARTITION],
    ['a stale vote for nobody', 'Vote', changed(vote, { replicaId: -1, replicaEpoch: 0 }), undefined],
    ['a stale lead', 'BeginQuorumEpoch', changed(begin, { leaderEpoch: 0 }), undefined],
    ['a lead of nobody', 'BeginQuorumEpoch', changed(begin, { leaderId: -1 }), INVALID_PARTITION],
    ['an end of nobody', 'EndQuorumEpoch', changed(end, { leaderId: -1 }), INVALID_PARTITION],
    ['a fetch from below zero', 'Fetch', changed(fetch, { fetchOffset: -1 }), INVALID_PARTITION],
    ['a fetch that waits for less than nothing', 'Fetch', { maxWaitMs: -1 }, INVALID_PARTITION],
    ['a fetch without an epoch', 'Fetch', changed(fetch, { lastFetchedEpoch: -1 }), INVALID_PARTITION],
    ['a fetch from a later epoch', 'Fetch', changed(fetch, { lastFetchedEpoch: 2 }), INVALID_PARTITION],
    ['a fetch of another epoch', 'Fetch', changed(fetch, { currentLeaderEpoch: 2 }), undefined],
    ['a fetch of nobody', 'Fetch', { replicaState: { replicaId: -1 } }, undefined],
    ['a new voter without an id', 'AddRaftVoter', { voterId: -1 }, INVALID],
    ['a new voter without a directory', 'AddRaftVoter', { voterDirectoryId: UNKNOWN_DIRECTORY }, INVALID],
    ['a new voter without an endpoint', 'AddRaftVoter', { listeners: [] }, INVALID],
    ['a lost voter without a directory', 'RemoveRaftVoter', { voterDirectoryId: UNKNOWN_DIRECTORY }, INVALID],
    ['a stale update', 'UpdateRaftVoter', { currentLeaderEpoch: 0 }, 'FENCED_LEADER_EPOCH'],
    ['an update from ahead', 'UpdateRaftVoter', { currentLeaderEpoch: 2 }, 'UNKNOWN_LEADER_EPOCH'],
    ['an update without an endpoint', 'UpdateRaftVoter', { listeners: [] }, INVALID],
    ['an update of levels that cannot be', 'UpdateRaftVoter', levels(1, 0), INVALID],
  ])('%s', (_name, api, change, error) => {
    expect(errorOf(api, change)).toBe(error);
  });

  test('a change of voters is for the leader', () => {
    const following: RaftView = { ...view, leaderId: 2 };
    for (const api of ['AddRaftVoter', 'RemoveRaftVoter', 'UpdateRaftVoter'] as const) {
      expect(errorOf(api, { voterId: -1 }, following)).toBe('NOT_LEADER_OR_FOLLOWER');
    }
  });

  test('a refused update says who leads, and where', () => {
    const taken = takeRequest('UpdateRaftVoter', { ...BODIES.UpdateRaftVoter, ...FOREIGN }, view, 1);
    if (taken.kind !== 'refused') throw new Error('it was taken');
    expect(refusalAnswer('UpdateRaftVoter', taken, 0, view)).toEqual({
      errorCode: ERROR.INCONSISTENT_CLUSTER_ID,
      currentLeader: { leaderId: 1, leaderEpoch: 1, host: '127.0.0.1', port: 35_437 },
    });
  });
});

describe('otherwise than Apache Kafka 4.3.1', () => {
  test('whose controller ends when a snapshot is asked for in an empty list', () => {
    expect(errorOf('FetchSnapshot', { topics: [] })).toBe(INVALID);
    expect(errorOf('FetchSnapshot', { topics: [{ name: METADATA_TOPIC, partitions: [] }] })).toBe(INVALID);
  });

  test('which says UNKNOWN_SERVER_ERROR where it means another partition', () => {
    expect(errorOf('FetchSnapshot', { topics: topic(snapshot, { name: 'x' }) })).toBe(
      'UNKNOWN_TOPIC_OR_PARTITION of the partition',
    );
    expect(errorOf('FetchSnapshot', changed(snapshot, { partition: 3 }))).toBe(
      'UNKNOWN_TOPIC_OR_PARTITION of the partition',
    );
  });
});
