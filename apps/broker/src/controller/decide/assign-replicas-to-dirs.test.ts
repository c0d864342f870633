/** A broker tells where its replicas lie: found again they are led, in a dir that failed they are not. */
import { errorName } from '@meridian/protocol';
import { expect, test } from 'vitest';
import type { AssignReplicasToDirs } from '../commands.ts';
import {
  createTopics,
  newTopic,
  partitionLine,
  registration,
  type Scenario,
  scenario,
  start,
  uuidNumber,
} from './scenario.ts';

const HERE = uuidNumber(61);
const THERE = uuidNumber(62);

function cluster(replicas = [1, 2]): Scenario {
  const at = scenario([], { nodeId: 9 });
  at.image.features.set('eligible.leader.replicas.version', 1);
  start(at, 1, { ...registration(1, [HERE]) });
  start(at, 2);
  at.run(createTopics([newTopic('orders', { assignments: [{ partitionIndex: 0, brokerIds: replicas }] })]));
  return at;
}

function assign(at: Scenario, directory: string, rest: Partial<AssignReplicasToDirs> = {}, partitions = [0]): string {
  const topicId = at.image.topicsByName.get('orders')!.id;
  const brokerEpoch = at.image.brokers.get(1)!.epoch;
  const directories = [{ id: directory, topics: [{ topicId, partitions }] }];
  const answer = at.run({ kind: 'assignReplicasToDirs', brokerId: 1, brokerEpoch, directories, ...rest });
  const codes = answer.directories.flatMap(({ topics }) => topics.flatMap((each) => each.partitions));
  return codes.map(({ errorCode }) => errorName(errorCode)).join(' ') || errorName(answer.errorCode);
}

test('a replica that was found in another dir is led from there', () => {
  const at = cluster([1]);
  start(at, 1, { ...registration(1, [HERE, THERE]), incarnationId: uuidNumber(1) });
  start(at, 1, { ...registration(1, [THERE]), incarnationId: uuidNumber(2) });
  expect(partitionLine(at, 'orders')).toBe('[1] led by -1 epoch 3 isr [] elr [1] last known [1]');
  expect(assign(at, THERE)).toBe('NONE');
  expect(partitionLine(at, 'orders')).toBe('[1] led by 1 epoch 4 isr [1]');
  expect(assign(at, THERE)).toBe('NONE');
  expect(at.written).toEqual([]);
});

test('a replica in a dir that is not online leaves the in-sync set', () => {
  const at = cluster();
  expect(assign(at, THERE)).toBe('NONE');
  expect(partitionLine(at, 'orders')).toBe('[1,2] led by 2 epoch 1 isr [2]');
  expect(at.image.topicsByName.get('orders')?.partitions[0]?.directories).toEqual([THERE, uuidNumber(802)]);
});

test('what is not there, is somebody else’s, or is told twice is refused', () => {
  const at = cluster([2]);
  expect(assign(at, HERE)).toBe('NOT_LEADER_OR_FOLLOWER');
  expect(assign(at, HERE, {}, [5])).toBe('UNKNOWN_TOPIC_OR_PARTITION');
  const topics = [{ topicId: uuidNumber(5), partitions: [0] }];
  expect(assign(at, HERE, { directories: [{ id: HERE, topics }] })).toBe('UNKNOWN_TOPIC_ID');
  expect(assign(cluster(), HERE, {}, [0, 0])).toBe('NONE INVALID_REQUEST');
  expect(assign(at, HERE, { brokerEpoch: 99 })).toBe('STALE_BROKER_EPOCH');
  expect(assign(at, HERE, { brokerId: 99 })).toBe('BROKER_ID_NOT_REGISTERED');
  expect(assign(at, HERE, { directories: [] })).toBe('NONE');
});
