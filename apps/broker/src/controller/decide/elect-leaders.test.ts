/** Elections that somebody asked for, on two brokers. */
import { errorName } from '@meridian/protocol';
import { expect, test } from 'vitest';
import type { ElectLeaders } from '../commands.ts';
import { createTopics, newTopic, scenario } from './scenario.ts';

function electing() {
  const at = scenario([1, 2]);
  const assignments = [{ partitionIndex: 0, brokerIds: [1, 2] }];
  at.run(createTopics([newTopic('orders', { assignments })]));
  const change = (leader: number, isr?: number[]): void => {
    const topic = at.image.topicsByName.get('orders')!;
    at.image.putPartition(topic, { ...topic.partitions[0]!, leader, ...(isr && { isr }) });
    at.image.seal();
  };
  const fence = (id: number) => at.image.brokers.set(id, { ...at.image.brokers.get(id)!, fenced: true });
  const elect = (
    election: ElectLeaders['election'],
    partitions: ElectLeaders['partitions'] = [{ topic: 'orders', index: 0 }],
  ) => {
    const result = at.run({ kind: 'electLeaders', election, partitions });
    return result.partitions.map(({ topic, index, errorCode }) => `${topic}-${index} ${errorName(errorCode)}`);
  };
  const partition = () => at.image.topicsByName.get('orders')!.partitions[0]!;
  return { at, change, fence, elect, partition };
}

test('the preferred replica takes over from another one', () => {
  const { change, elect, partition } = electing();
  change(2);
  expect(elect('preferred')).toEqual(['orders-0 NONE']);
  expect(partition().leader).toBe(1);
  expect(elect('preferred')).toEqual(['orders-0 ELECTION_NOT_NEEDED']);
});

test('a preferred replica that is not in sync, or not there, is not elected', () => {
  const { change, fence, elect } = electing();
  change(2, [2]);
  expect(elect('preferred')).toEqual(['orders-0 PREFERRED_LEADER_NOT_AVAILABLE']);
  change(2, [1, 2]);
  fence(1);
  expect(elect('preferred')).toEqual(['orders-0 PREFERRED_LEADER_NOT_AVAILABLE']);
});

test('an unclean election is for partitions without a leader, and takes who is in sync if it can', () => {
  const { change, fence, elect, partition } = electing();
  expect(elect('unclean')).toEqual(['orders-0 ELECTION_NOT_NEEDED']);
  change(-1, [2]);
  expect(elect('unclean')).toEqual(['orders-0 NONE']);
  expect([partition().leader, partition().isr]).toEqual([2, [2]]);
  change(-1, [2]);
  fence(2);
  expect(elect('unclean')).toEqual(['orders-0 NONE']);
  expect([partition().leader, partition().isr]).toEqual([1, [1]]);
  change(-1, [1]);
  fence(1);
  expect(elect('unclean')).toEqual(['orders-0 ELIGIBLE_LEADERS_NOT_AVAILABLE']);
});

test('what does not exist is told, and of all partitions only those where something happened', () => {
  const { change, elect } = electing();
  const asked = [
    { topic: 'orders', index: 7 },
    { topic: 'absent', index: 0 },
  ];
  expect(elect('preferred', asked)).toEqual([
    'orders-7 UNKNOWN_TOPIC_OR_PARTITION',
    'absent-0 UNKNOWN_TOPIC_OR_PARTITION',
  ]);
  expect(elect('preferred', null)).toEqual(['orders-undefined NONE']);
  change(2);
  expect(elect('preferred', null)).toEqual(['orders-undefined NONE', 'orders-0 NONE']);
});
