/** Elections that somebody asked for, on two brokers. */
import { errorName } from '@meridian/protocol';
import { expect, test } from 'vitest';
import type { ElectLeaders } from '../commands.ts';
import { createTopics, fence, heartbeat, newTopic, partitionLine, scenario } from './scenario.ts';

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

/** Five partitions that prefer broker 1 and five that prefer broker 2, all in sync on both. */
function balancing(percentage: string) {
  const at = scenario([1, 2], { staticConfigs: new Map([['leader.imbalance.per.broker.percentage', percentage]]) });
  const assignments = Array.from({ length: 10 }, (_, index) => {
    return { partitionIndex: index, brokerIds: index < 5 ? [1, 2] : [2, 1] };
  });
  at.run(createTopics([newTopic('orders', { assignments })]));
  const ledBy = (indexes: number[], leader: number): void => {
    const topic = at.image.topicsByName.get('orders')!;
    for (const index of indexes) at.image.putPartition(topic, { ...topic.partitions[index]!, leader });
    at.image.seal();
  };
  const leaders = () =>
    at.image.topicsByName
      .get('orders')!
      .partitions.map(({ leader }) => leader)
      .join('');
  return { at, ledBy, leaders };
}

test('preferred replicas lead again on brokers that lead too little, and not on others', () => {
  const { at, ledBy, leaders } = balancing('20');
  ledBy([0, 1], 2);
  ledBy([9], 1);
  expect(leaders()).toBe('2211122221');
  expect(at.run({ kind: 'balanceLeaders' })).toEqual({ moved: 2, more: false });
  expect(leaders()).toBe('1111122221');
  expect(at.run({ kind: 'balanceLeaders' })).toEqual({ moved: 0, more: false });
});

test('a round of balancing moves what it can, up to its bound', () => {
  const { at, ledBy } = balancing('0');
  ledBy([0, 1, 2, 3, 4], 2);
  at.image.brokers.set(1, { ...at.image.brokers.get(1)!, inControlledShutdown: true });
  expect(at.run({ kind: 'balanceLeaders' })).toEqual({ moved: 0, more: false });
  const many = scenario([1, 2]);
  const assignments = Array.from({ length: 1_100 }, (_, index) => ({ partitionIndex: index, brokerIds: [1, 2] }));
  many.run(createTopics([newTopic('many', { assignments })]));
  fence(many, 1);
  many.run(heartbeat(many, 1));
  const topic = many.image.topicsByName.get('many')!;
  for (const partition of topic.partitions) many.image.putPartition(topic, { ...partition, isr: [2, 1] });
  many.image.seal();
  expect(many.run({ kind: 'balanceLeaders' })).toEqual({ moved: 1_000, more: true });
  expect(many.run({ kind: 'balanceLeaders', goesOn: true })).toEqual({ moved: 100, more: false });
});

test('a topic that allows it has its leaders elected uncleanly, others wait', () => {
  const at = scenario([1, 2], { nodeId: 9 });
  const assignments = [{ partitionIndex: 0, brokerIds: [1, 2] }];
  const configs = [{ name: 'unclean.leader.election.enable', value: 'true' }];
  at.run(createTopics([newTopic('strict', { assignments }), newTopic('lax', { assignments, configs })]));
  fence(at, 2);
  fence(at, 1);
  at.run(heartbeat(at, 2));
  expect([partitionLine(at, 'strict'), partitionLine(at, 'lax')]).toEqual([
    '[1,2] led by -1 epoch 1 isr [1]',
    '[1,2] led by 2 epoch 2 isr [2] recovering',
  ]);
  expect(at.run({ kind: 'electUncleanLeaders' })).toEqual({ moved: 0, more: false });
});

test('a partition that is named twice is elected once', () => {
  const { change, elect } = electing();
  change(2);
  const one = { topic: 'orders', index: 0 };
  expect(elect('preferred', [one, one])).toEqual(['orders-0 NONE', 'orders-0 NONE']);
});
