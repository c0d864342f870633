/** DescribeQuorum of a cluster, and with ElectLeaders over the network on a cluster of one. */
import { DescribeQuorum, ElectLeaders, errorName, ZERO_UUID } from '@meridian/protocol';
import { expect, test } from 'vitest';
import type { QuorumDescription } from '../quorum/quorum-node.ts';
import { createTopic, startTestBroker } from '../testing/test-broker.ts';
import { createDescribeQuorumHandler } from './55-describe-quorum.ts';
import type { RequestHeader } from './handler.ts';

const METADATA = '__cluster_metadata';

test.each([0, 1, 2])('DescribeQuorum v%i: the one voter leads and has everything', async (version) => {
  const connection = await (await startTestBroker()).connect();
  const topics = [{ topicName: METADATA, partitions: [{ partitionIndex: 0 }] }];
  const answer = await connection.request(DescribeQuorum, version, { topics });
  const { leaderId, highWatermark, currentVoters, observers } = answer.topics[0]!.partitions[0]!;
  const [voter] = currentVoters;
  expect([answer.errorCode, leaderId, currentVoters.length, observers]).toEqual([0, 1, 1, []]);
  expect(voter!.replicaId).toBe(1);
  expect(voter!.logEndOffset).toBeGreaterThanOrEqual(highWatermark); // a record may be on its way to the disk
  expect(voter!.replicaDirectoryId === ZERO_UUID).toBe(version < 2);
  expect(voter!.lastFetchTimestamp === -1).toBe(version < 1);
  expect(answer.nodes.map(({ nodeId, listeners }) => [nodeId, listeners[0]?.port])).toEqual(
    version < 2 ? [] : [[1, 9093]],
  );
});

test.each([
  ['another topic', [{ topicName: 'orders', partitions: [{ partitionIndex: 0 }] }]],
  ['another partition', [{ topicName: METADATA, partitions: [{ partitionIndex: 1 }] }]],
  ['more partitions', [{ topicName: METADATA, partitions: [{ partitionIndex: 0 }, { partitionIndex: 1 }] }]],
])('there is no quorum for %s', async (_, topics) => {
  const connection = await (await startTestBroker()).connect();
  const answer = await connection.request(DescribeQuorum, 2, { topics });
  const codes = answer.topics.flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorName(errorCode)));
  expect(new Set(codes)).toEqual(new Set(['UNKNOWN_TOPIC_OR_PARTITION']));
  expect(codes.length).toBe(topics[0]!.partitions.length);
});

test.each([0, 1, 2])('ElectLeaders v%i: the one replica leads already', async (version) => {
  const broker = await startTestBroker();
  await createTopic(broker, 'orders');
  const connection = await broker.connect();
  const elect = async (asked: { topic: string; partitions: number[] }[] | null, electionType = 0) => {
    const request = { ...(version > 0 && { electionType }), topicPartitions: asked, timeoutMs: 1_000 };
    const answer = await connection.request(ElectLeaders, version, request);
    return answer.replicaElectionResults.map(({ topic, partitionResult }) => [
      topic,
      ...partitionResult.map(({ errorCode }) => errorName(errorCode)),
    ]);
  };
  const named = [
    { topic: 'orders', partitions: [0, 9] },
    { topic: 'absent', partitions: [0] },
  ];
  expect(await elect(named)).toEqual([
    ['orders', 'ELECTION_NOT_NEEDED', 'UNKNOWN_TOPIC_OR_PARTITION'],
    ['absent', 'UNKNOWN_TOPIC_OR_PARTITION'],
  ]);
  expect(await elect(null)).toEqual([['orders']]);
  if (version > 0)
    expect(await elect(named, 5)).toEqual([
      ['orders', 'INVALID_REQUEST', 'INVALID_REQUEST'],
      ['absent', 'INVALID_REQUEST'],
    ]);
});

test('voters and observers are told apart, and only the active controller tells', async () => {
  const directory = (id: number) => `00000000-0000-4000-8000-00000000000${id}`;
  const voter = (id: number) => ({
    id,
    directoryId: directory(id),
    endpoints: [{ name: 'INTERNAL', host: `node-${id}`, port: 9093 }],
    minKraftVersion: 0,
    maxKraftVersion: 1,
  });
  const progress = [1, 2, 3].map((id) => ({
    id,
    directoryId: directory(id),
    isVoter: id < 3,
    logEndOffset: 10 - id,
    lastFetchTimestamp: id,
    lastCaughtUpTimestamp: -1,
  }));
  const described: QuorumDescription = {
    leaderId: 1,
    leaderEpoch: 7,
    highWatermark: 8,
    voters: [voter(1), voter(2)],
    progress,
    kraftVersion: 1,
  };
  const ask = (quorum: QuorumDescription) => {
    const topics = [{ topicName: METADATA, partitions: [{ partitionIndex: 0 }] }];
    const header = { version: 2 } as RequestHeader<typeof DescribeQuorum>;
    return createDescribeQuorumHandler({ quorum: () => quorum }).handle({ topics }, header);
  };
  const told = (id: number) => ({ replicaId: id, replicaDirectoryId: directory(id), logEndOffset: 10 - id });
  expect(await ask(described)).toMatchObject({
    topics: [
      {
        partitions: [
          { leaderId: 1, leaderEpoch: 7, highWatermark: 8, currentVoters: [told(1), told(2)], observers: [told(3)] },
        ],
      },
    ],
    nodes: [
      { nodeId: 1, listeners: [{ host: 'node-1', port: 9093 }] },
      { nodeId: 2, listeners: [{ host: 'node-2', port: 9093 }] },
    ],
  });
  expect(await ask({ ...described, progress: [] })).toMatchObject({
    topics: [{ partitions: [{ errorCode: 6, currentVoters: [] }] }],
  });
});
