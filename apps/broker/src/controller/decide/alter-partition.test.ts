/** AlterPartition: Apache Kafka's checks one by one, and what a leader hears of what became of its wish. */
import { errorName } from '@meridian/protocol';
import { expect, test } from 'vitest';
import type { AlteredPartition, AlterPartition } from '../commands.ts';
import {
  createTopics,
  fence,
  heartbeat,
  newTopic,
  partitionLine,
  registration,
  type Scenario,
  scenario,
  uuidNumber,
} from './scenario.ts';

function cluster(): Scenario {
  const at = scenario([1, 2, 3], { nodeId: 9 });
  at.image.features.set('eligible.leader.replicas.version', 1);
  const configs = [{ name: 'min.insync.replicas', value: '2' }];
  at.run(createTopics([newTopic('orders', { assignments: [{ partitionIndex: 0, brokerIds: [1, 2, 3] }], configs })]));
  return at;
}

function epochOf(at: Scenario, brokerId: number): number {
  return at.image.brokers.get(brokerId)?.epoch ?? -1;
}

function asking(
  at: Scenario,
  isr: readonly number[],
  rest: Partial<AlteredPartition> = {},
  asker: Partial<AlterPartition> = {},
): AlterPartition {
  const topic = at.image.topicsByName.get('orders')!;
  const { leaderEpoch, partitionEpoch, leader } = topic.partitions[0]!;
  const newIsr = isr.map((brokerId) => ({ brokerId, brokerEpoch: epochOf(at, brokerId) }));
  const asked = { partitionIndex: 0, leaderEpoch, partitionEpoch, newIsr, leaderRecoveryState: 0, ...rest };
  const topics = [{ topicId: topic.id, partitions: [asked] }];
  return { kind: 'alterPartition', brokerId: leader, brokerEpoch: epochOf(at, leader), topics, ...asker };
}

function answer(at: Scenario, ...given: Parameters<typeof asking> extends [unknown, ...infer R] ? R : never): string {
  const { errorCode, topics } = at.run(asking(at, ...given));
  return errorName(topics[0]?.partitions[0]?.errorCode ?? errorCode);
}

test('the leader shrinks and expands the in-sync set; the answer is the partition as it is then', () => {
  const at = cluster();
  const shrunk = at.run(asking(at, [1, 2])).topics[0]!.partitions[0];
  expect(shrunk).toEqual({
    partitionIndex: 0,
    errorCode: 0,
    leaderId: 1,
    leaderEpoch: 0,
    isr: [1, 2],
    leaderRecoveryState: 0,
    partitionEpoch: 1,
  });
  expect(at.written).toEqual(['partition 0 isr [1,2]']);
  at.run(asking(at, [1]));
  expect(partitionLine(at, 'orders')).toBe('[1,2,3] led by 1 epoch 0 isr [1] elr [2]');
  at.run(asking(at, [3, 1]));
  expect(partitionLine(at, 'orders')).toBe('[1,2,3] led by 1 epoch 0 isr [3,1]');
  expect(answer(at, [3, 1])).toBe('NONE');
  expect(at.written).toEqual([]);
});

test.each<[string, readonly number[], Partial<AlteredPartition>, Partial<AlterPartition>, string]>([
  ['a partition that is not there', [1], { partitionIndex: 7 }, {}, 'UNKNOWN_TOPIC_OR_PARTITION'],
  ['a leader epoch from the future', [1], { leaderEpoch: 1 }, {}, 'NOT_CONTROLLER'],
  ['a partition epoch from the future', [1], { partitionEpoch: 1 }, {}, 'NOT_CONTROLLER'],
  ['a leader epoch that is over', [1], { leaderEpoch: -1 }, {}, 'FENCED_LEADER_EPOCH'],
  ['a partition epoch that is over', [1], { partitionEpoch: -1 }, {}, 'INVALID_UPDATE_VERSION'],
  ['nobody', [], {}, {}, 'INVALID_REQUEST'],
  ['a set without the leader', [2, 3], {}, {}, 'INVALID_REQUEST'],
  ['somebody who is no replica', [1, 4], {}, {}, 'INVALID_REQUEST'],
  ['somebody twice', [1, 2, 2], {}, {}, 'INVALID_REQUEST'],
  ['a recovery that nobody asked for', [1], { leaderRecoveryState: 1 }, {}, 'INVALID_REQUEST'],
  ['a recovery of no known kind', [1], { leaderRecoveryState: 2 }, {}, 'INVALID_REQUEST'],
  ['an epoch of a broker’s earlier life', [1], {}, { brokerEpoch: 999 }, 'STALE_BROKER_EPOCH'],
  ['a broker that nobody knows', [1], {}, { brokerId: 8 }, 'BROKER_ID_NOT_REGISTERED'],
])('%s is refused', (_, isr, rest, asker, error) => {
  const at = cluster();
  expect(answer(at, isr, rest, asker)).toBe(error);
  expect(at.written).toEqual([]);
});

test('a topic that is not there, and who does not lead, are refused', () => {
  const at = cluster();
  const command = asking(at, [1]);
  const [{ partitions }] = command.topics as [AlterPartition['topics'][number]];
  const unknown = at.run({ ...command, topics: [{ topicId: uuidNumber(4), partitions }] });
  expect(errorName(unknown.topics[0]!.partitions[0]!.errorCode)).toBe('UNKNOWN_TOPIC_ID');
  expect(answer(at, [1, 2], {}, { brokerId: 2, brokerEpoch: epochOf(at, 2) })).toBe('INVALID_REQUEST');
  expect(at.run({ ...command, topics: [] })).toEqual({ errorCode: 0, topics: [] });
});

test('who is fenced, shuts down, has started anew or is on an offline disk does not join', () => {
  const at = cluster();
  fence(at, 3);
  expect(answer(at, [1, 2, 3])).toBe('INELIGIBLE_REPLICA');
  at.run({ ...registration(3), incarnationId: uuidNumber(3) });
  at.run(heartbeat(at, 3));
  const newIsr = [1, 2, 3].map((brokerId) => ({
    brokerId,
    brokerEpoch: epochOf(at, brokerId) - (brokerId === 3 ? 1 : 0),
  }));
  expect(answer(at, [], { newIsr })).toBe('INELIGIBLE_REPLICA');
  at.image.brokers.set(3, { ...at.image.brokers.get(3)!, directories: [uuidNumber(66)] });
  expect(answer(at, [1, 2, 3])).toBe('INELIGIBLE_REPLICA');
  at.image.brokers.set(3, { ...at.image.brokers.get(3)!, directories: [uuidNumber(803)] });
  expect(answer(at, [], { newIsr: newIsr.map(({ brokerId }) => ({ brokerId, brokerEpoch: -1 })) })).toBe('NONE');
  at.run(heartbeat(at, 2, { wantShutDown: true }));
  expect(answer(at, [1, 2, 3])).toBe('INELIGIBLE_REPLICA');
});

test('a leader that was elected uncleanly recovers before anybody joins it', () => {
  const at = cluster();
  const topic = at.image.topicsByName.get('orders')!;
  at.image.putPartition(topic, { ...topic.partitions[0]!, isr: [1], leaderRecoveryState: 1 });
  at.image.seal();
  expect(answer(at, [1, 2], { leaderRecoveryState: 1 })).toBe('INVALID_REQUEST');
  expect(answer(at, [1], { leaderRecoveryState: 1 })).toBe('NONE');
  expect(answer(at, [1, 2])).toBe('NONE');
  expect(partitionLine(at, 'orders')).toBe('[1,2,3] led by 1 epoch 0 isr [1,2]');
});

test('one partition is altered once by a request', () => {
  const at = cluster();
  const [{ topicId, partitions }] = asking(at, [1, 2]).topics as [AlterPartition['topics'][number]];
  const topics = [{ topicId, partitions: [...partitions, ...partitions] }];
  const { topics: answers } = at.run({ ...asking(at, []), topics });
  expect(answers[0]!.partitions.map(({ errorCode }) => errorName(errorCode))).toEqual(['NONE', 'INVALID_REQUEST']);
});
