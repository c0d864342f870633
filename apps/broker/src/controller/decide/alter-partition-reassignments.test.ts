/** Reassignments from their start to their end: completed by the leader, changed on the way, or called off. */
import { errorName } from '@meridian/protocol';
import { expect, test } from 'vitest';
import type { AlterPartitionReassignments } from '../commands.ts';
import { createTopics, fence, heartbeat, newTopic, partitionLine, type Scenario, scenario } from './scenario.ts';

function cluster(replicas = [1, 2, 3], minIsr = 2): Scenario {
  const at = scenario([1, 2, 3, 4, 5], { nodeId: 9 });
  at.image.features.set('eligible.leader.replicas.version', 1);
  const configs = [{ name: 'min.insync.replicas', value: String(minIsr) }];
  at.run(createTopics([newTopic('orders', { assignments: [{ partitionIndex: 0, brokerIds: replicas }], configs })]));
  return at;
}

function reassign(at: Scenario, replicas: number[] | null, rest: Partial<AlterPartitionReassignments> = {}): string {
  const topics = [{ name: 'orders', partitions: [{ partitionIndex: 0, replicas }] }];
  const asked = { kind: 'alterPartitionReassignments' as const, allowReplicationFactorChange: true, topics, ...rest };
  const [answer] = at.run(asked).topics.flatMap(({ partitions }) => partitions);
  return `${errorName(answer!.errorCode)}${answer!.errorMessage === null ? '' : `: ${answer!.errorMessage}`}`;
}

/** The leader asks for this in-sync set. */
function insync(at: Scenario, ...isr: number[]): string {
  const topic = at.image.topicsByName.get('orders')!;
  const { leader, leaderEpoch, partitionEpoch } = topic.partitions[0]!;
  const newIsr = isr.map((brokerId) => ({ brokerId, brokerEpoch: -1 }));
  const asked = { partitionIndex: 0, leaderEpoch, partitionEpoch, newIsr, leaderRecoveryState: 0 };
  const topics = [{ topicId: topic.id, partitions: [asked] }];
  const brokerEpoch = at.image.brokers.get(leader)!.epoch;
  const answer = at.run({ kind: 'alterPartition', brokerId: leader, brokerEpoch, topics });
  return errorName(answer.topics[0]!.partitions[0]!.errorCode);
}

const now = (at: Scenario): string => partitionLine(at, 'orders');

test('replicas that come in are added to the list, and those that go leave it when all that stay are in sync', () => {
  const at = cluster();
  expect(reassign(at, [4, 2, 3])).toBe('NONE');
  expect(now(at)).toBe('[4,2,3,1] led by 1 epoch 0 isr [1,2,3] adding [4] removing [1]');
  expect(insync(at, 1, 2, 3, 4)).toBe('NEW_LEADER_ELECTED');
  expect(now(at)).toBe('[4,2,3] led by 4 epoch 1 isr [2,3,4]');
  expect(at.image.topicsByName.get('orders')?.partitions[0]?.directories.length).toBe(3);
});

test('where the leader stays it goes on under a new epoch, because somebody has left the list', () => {
  const at = cluster();
  reassign(at, [1, 2, 4]);
  expect(insync(at, 1, 2, 4)).toBe('NONE');
  expect(now(at)).toBe('[1,2,4] led by 1 epoch 1 isr [1,2,4]');
});

test('another order, or fewer replicas, are there at once', () => {
  const at = cluster();
  reassign(at, [3, 1, 2]);
  expect(now(at)).toBe('[3,1,2] led by 1 epoch 0 isr [1,2,3]');
  reassign(at, [3, 2]);
  expect(now(at)).toBe('[3,2] led by 3 epoch 1 isr [2,3]');
  expect(reassign(at, [3, 2])).toBe('NONE');
  expect(at.written).toEqual([]);
});

test('a reassignment may be changed on its way: who was coming in still is, or goes again', () => {
  const at = cluster();
  reassign(at, [1, 2, 4]);
  reassign(at, [1, 4, 5]);
  expect(now(at)).toBe('[1,4,5,2,3] led by 1 epoch 0 isr [1,2,3] adding [4,5] removing [2,3]');
  reassign(at, [1, 2, 3]);
  expect(now(at)).toBe('[1,2,3] led by 1 epoch 1 isr [1,2,3]');
});

test('a reassignment that is called off goes back to the replicas from before', () => {
  const at = cluster();
  reassign(at, [4, 5, 3]);
  expect(insync(at, 1, 2, 3, 4)).toBe('NONE');
  expect(reassign(at, null)).toBe('NONE');
  expect(now(at)).toBe('[3,1,2] led by 1 epoch 1 isr [1,2,3]');
  expect(reassign(at, null)).toBe('NO_REASSIGNMENT_IN_PROGRESS: No partition reassignment is in progress.');
});

test('it is not called off where only new replicas have the data, unless unclean elections are allowed', () => {
  const at = cluster([1, 2], 1);
  reassign(at, [4, 5]);
  expect(insync(at, 1, 4)).toBe('NONE');
  fence(at, 1);
  expect(now(at)).toBe('[4,5,1,2] led by 4 epoch 1 isr [4] adding [4,5] removing [1,2]');
  expect(reassign(at, null)).toContain(
    'INVALID_REPLICA_ASSIGNMENT: Unable to revert partition assignment for orders:0',
  );
  const changes = [{ name: 'unclean.leader.election.enable', value: 'true' }];
  const resources = [{ resource: 'topic' as const, name: 'orders', changes }];
  at.run({ kind: 'alterConfigs', requester: 'client', validateOnly: false, resources });
  expect(reassign(at, null)).toBe('NONE');
  expect(now(at)).toBe('[1,2] led by 2 epoch 2 isr [2] recovering');
});

test('a replica that has all that is committed goes back cleanly though it is out of sync', () => {
  const at = cluster([1, 2], 2);
  reassign(at, [4, 5]);
  insync(at, 1, 2, 4);
  insync(at, 1, 4);
  insync(at, 1);
  reassign(at, [5, 4]);
  expect(now(at)).toBe('[5,4,1,2] led by 1 epoch 0 isr [1] elr [4] adding [4,5] removing [1,2]');
  fence(at, 1);
  expect(now(at)).toBe('[5,4,1,2] led by 4 epoch 1 isr [4] elr [1] adding [4,5] removing [1,2]');
  expect(reassign(at, null)).toBe('NONE');
  expect(now(at)).toBe('[1,2] led by -1 epoch 2 isr [] elr [1] last known [4]');
  at.run(heartbeat(at, 1));
  expect(now(at)).toBe('[1,2] led by 1 epoch 3 isr [1]');
});

test('the replication factor stays where that is asked for', () => {
  const at = cluster();
  const fixed = { allowReplicationFactorChange: false };
  expect(reassign(at, [1, 2], fixed)).toBe('INVALID_REPLICATION_FACTOR: The replication factor is changed from 3 to 2');
  expect(reassign(at, [1, 2, 4], fixed)).toBe('NONE');
  expect(reassign(at, [1, 2, 4, 3], fixed)).toBe(
    'INVALID_REPLICATION_FACTOR: The replication factor is changed from 3 to 4',
  );
  expect(reassign(at, [1, 2, 5], fixed)).toBe('NONE');
  expect(reassign(at, [1])).toBe('NONE');
  expect(now(at)).toBe('[1] led by 1 epoch 1 isr [1]');
});

test.each([
  [[], 'an empty replica list.'],
  [[1, 1], 'the broker 1 more than once.'],
  [[1, 8], 'broker 8, but no such broker is registered.'],
])('replicas [%s] are refused', (replicas, why) => {
  const at = cluster();
  expect(reassign(at, replicas)).toBe(`INVALID_REPLICA_ASSIGNMENT: The manual partition assignment includes ${why}`);
  expect(at.written).toEqual([]);
});

test('what is not there, or named twice, is refused by itself', () => {
  const at = cluster();
  const partition = { partitionIndex: 0, replicas: [1, 2, 4] };
  const topics = [
    { name: 'absent', partitions: [partition] },
    { name: 'orders', partitions: [{ ...partition, partitionIndex: 9 }, partition, partition] },
    { name: 'empty', partitions: [] },
  ];
  const answer = at.run({ kind: 'alterPartitionReassignments', allowReplicationFactorChange: true, topics });
  const told = answer.topics.flatMap(({ name, partitions }) =>
    partitions.map((p) => `${name} ${errorName(p.errorCode)}`),
  );
  expect(told).toEqual([
    'absent UNKNOWN_TOPIC_OR_PARTITION',
    'orders UNKNOWN_TOPIC_OR_PARTITION',
    'orders NONE',
    'orders INVALID_REQUEST',
  ]);
});
