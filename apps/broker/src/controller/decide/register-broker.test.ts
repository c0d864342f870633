/** What a broker's registration does: to itself, to what it led, and to what only it has. */
import { errorName } from '@meridian/protocol';
import { expect, test } from 'vitest';
import type { RegisterBroker } from '../commands.ts';
import {
  createTopics,
  fence,
  heartbeat,
  newTopic,
  partitionLine,
  registration,
  type Scenario,
  scenario,
  start,
  uuidNumber,
} from './scenario.ts';

const live = { isLive: () => true, metadataOffset: () => 0, shutdownOffset: () => 0 };

/** Brokers with a topic of one partition on them all, of which `min.insync.replicas` are needed. */
function cluster(brokerIds: readonly number[], minIsr = 1, context: Parameters<typeof scenario>[1] = {}): Scenario {
  const at = scenario(brokerIds, context);
  at.image.features.set('eligible.leader.replicas.version', 1);
  const assignments = [{ partitionIndex: 0, brokerIds }];
  const configs = [{ name: 'min.insync.replicas', value: String(minIsr) }];
  at.run(createTopics([newTopic('orders', { assignments, configs })]));
  return at;
}

const again = (brokerId: number, rest: Partial<RegisterBroker> = {}): RegisterBroker => ({
  ...registration(brokerId),
  incarnationId: uuidNumber(7_000 + brokerId),
  ...rest,
});

const refusal = (at: Scenario, command: RegisterBroker): string => errorName(at.run(command).errorCode);

test('a broker alone starts at once and moves the leader epoch of what it leads, in one round of records', () => {
  const at = cluster([1]);
  const epoch = at.image.endOffset;
  expect(at.run(again(1))).toEqual({ errorCode: 0, errorMessage: null, brokerEpoch: epoch });
  expect(at.written).toEqual([`broker 1 epoch ${epoch}`, 'partition 0 led anew by 1']);
  expect(at.image.brokers.get(1)?.fenced).toBe(false);
  at.run(heartbeat(at, 1));
  expect(at.written).toEqual([]);
});

test('a broker beside others is fenced until it has applied its own registration', () => {
  const at = cluster([1, 2]);
  at.run(again(2));
  expect(at.image.brokers.get(2)?.fenced).toBe(true);
  const { epoch } = at.image.brokers.get(2)!;
  expect(at.run(heartbeat(at, 2, { currentMetadataOffset: epoch - 1 }))).toMatchObject({
    isCaughtUp: false,
    isFenced: true,
  });
  expect(at.run(heartbeat(at, 2, { currentMetadataOffset: epoch }))).toMatchObject({
    isCaughtUp: true,
    isFenced: false,
  });
  expect(at.written).toEqual(['broker 2 unfenced']);
});

test('the same process again, because its answer was lost, keeps its epoch and changes nothing', () => {
  const at = cluster([1, 2]);
  const { brokerEpoch } = at.run(again(2));
  expect(at.run(again(2))).toEqual({ errorCode: 0, errorMessage: null, brokerEpoch });
  expect(at.written).toEqual([]);
  at.run(heartbeat(at, 2));
  expect(at.run({ ...again(2), rack: 'b' }).brokerEpoch).toBe(brokerEpoch);
  expect([at.image.brokers.get(2)?.rack, at.image.brokers.get(2)?.fenced]).toEqual(['b', false]);
});

test('another process under the id of a broker that lives is refused', () => {
  const at = cluster([1, 2], 1, { sessions: live });
  const elsewhere = { endpoints: [{ name: 'INTERNAL', host: 'elsewhere', port: 1, securityProtocol: 0 }] };
  expect(refusal(at, again(2, elsewhere))).toBe('DUPLICATE_BROKER_REGISTRATION');
  expect(refusal(at, again(2, { directories: [uuidNumber(1)] }))).toBe('DUPLICATE_BROKER_REGISTRATION');
  expect(at.written).toEqual([]);
  fence(at, 2);
  expect(refusal(at, again(2, elsewhere))).toBe('NONE');
});

test('a process with the log dirs and the addresses of the one before is its heir, however lively that one seemed', () => {
  const at = cluster([1, 2], 1, { sessions: live });
  expect(refusal(at, again(2))).toBe('NONE');
  expect(partitionLine(at, 'orders')).toBe('[1,2] led by 1 epoch 0 isr [1]');
});

test('the active controller’s own broker is never taken for another one', () => {
  const at = cluster([1, 2], 1, { sessions: live });
  const endpoints = [{ name: 'INTERNAL', host: 'broker-1', port: 1, securityProtocol: 0 }];
  expect(refusal(at, again(1, { endpoints }))).toBe('NONE');
  expect(partitionLine(at, 'orders')).toBe('[1,2] led by 2 epoch 1 isr [2]');
});

test('after an unclean stop a broker is not eligible any more where somebody else is', () => {
  const at = cluster([1, 2, 3], 2);
  fence(at, 3);
  fence(at, 2);
  expect(partitionLine(at, 'orders')).toBe('[1,2,3] led by 1 epoch 0 isr [1] elr [2]');
  at.run(again(2, { previousBrokerEpoch: 4 }));
  expect(partitionLine(at, 'orders')).toBe('[1,2,3] led by 1 epoch 0 isr [1]');
});

test('after a clean stop it stays eligible', () => {
  const at = cluster([1, 2, 3], 2);
  fence(at, 3);
  fence(at, 2);
  at.run(again(2, { previousBrokerEpoch: at.image.brokers.get(2)!.epoch }));
  expect(partitionLine(at, 'orders')).toBe('[1,2,3] led by 1 epoch 0 isr [1] elr [2]');
});

test('what only it has is never taken from a broker, however it stopped', () => {
  const at = cluster([1, 2, 3], 2);
  for (const id of [3, 2, 1]) fence(at, id);
  expect(partitionLine(at, 'orders')).toBe('[1,2,3] led by -1 epoch 1 isr [] elr [2,1] last known [1]');
  start(at, 3, again(3));
  expect(at.image.topicsByName.get('orders')?.partitions[0]?.leader).toBe(-1);
  start(at, 1, again(1));
  expect(partitionLine(at, 'orders')).toBe('[1,2,3] led by -1 epoch 1 isr [] elr [2] last known [1]');
  start(at, 2, again(2));
  expect(partitionLine(at, 'orders')).toBe('[1,2,3] led by 2 epoch 2 isr [2]');
});

test('brokers that all stopped at once leave the last that comes back in sync, and it leads under a new epoch', () => {
  const at = cluster([1, 2, 3], 2);
  for (const id of [1, 2, 3]) start(at, id, again(id));
  expect(partitionLine(at, 'orders')).toBe('[1,2,3] led by 3 epoch 4 isr [3]');
});

test('a disk that was wiped is recognised by its id, and what lay on it is not counted on', () => {
  const at = cluster([1, 2, 3], 2);
  fence(at, 3);
  fence(at, 2);
  const { epoch } = at.image.brokers.get(2)!;
  at.run(again(2, { directories: [uuidNumber(1)], previousBrokerEpoch: epoch }));
  expect(partitionLine(at, 'orders')).toBe('[1,2,3] led by 1 epoch 0 isr [1]');
});

test('what only a wiped disk had has no leader, and is not given to an empty one', () => {
  const at = cluster([1, 2]);
  fence(at, 1);
  fence(at, 2);
  start(at, 2, again(2, { directories: [uuidNumber(1)] }));
  expect(partitionLine(at, 'orders')).toBe('[1,2] led by -1 epoch 2 isr [] elr [2] last known [2]');
  at.run(again(2, { incarnationId: uuidNumber(5) }));
  at.run(heartbeat(at, 2));
  expect(partitionLine(at, 'orders')).toBe('[1,2] led by 2 epoch 3 isr [2]');
});

test('replicas found in another log dir are led from there', () => {
  const at = cluster([1]);
  const topicId = at.image.topicsByName.get('orders')!.id;
  const moved = { directories: [uuidNumber(1)], found: [{ topicId, index: 0, directory: uuidNumber(1) }] };
  at.run(again(1, moved));
  expect(at.written.slice(1)).toEqual([`partition 0 led anew by 1 in [${uuidNumber(1)}]`]);
});

test('a disk that is a copy of another broker’s is refused, and the answer says what to do', () => {
  const at = cluster([1, 2]);
  const cloned = at.run(registration(3, [uuidNumber(802)]));
  expect(errorName(cloned.errorCode)).toBe('INVALID_REGISTRATION');
  expect(cloned.errorMessage).toContain('Broker 2 is already registered with directory');
  expect(cloned.errorMessage).toContain('Start it with an empty data folder');
});

test.each([
  ['no dirs', { directories: [] }, 'INVALID_REGISTRATION'],
  ['a dir twice', { directories: [uuidNumber(1), uuidNumber(1)] }, 'INVALID_REGISTRATION'],
  ['a reserved dir', { directories: ['00000000-0000-0000-0000-000000000000'] }, 'INVALID_REGISTRATION'],
  ['another cluster', { clusterId: 'other' }, 'INCONSISTENT_CLUSTER_ID'],
  ['no features', { features: [] }, 'UNSUPPORTED_VERSION'],
  [
    'too low a level',
    { features: [{ name: 'eligible.leader.replicas.version', minSupportedVersion: 0, maxSupportedVersion: 0 }] },
    'UNSUPPORTED_VERSION',
  ],
])('a registration with %s is refused', (_, rest, error) => {
  const at = cluster([1]);
  expect(refusal(at, again(3, rest))).toBe(error);
  expect(at.written).toEqual([]);
});

test('a lone replica that Apache Kafka took out of the in-sync set when its broker stopped leads again', () => {
  const at = cluster([1]);
  const leftBehind = (rest: { eligibleLeaderReplicas: number[]; lastKnownElr: number[] }): void => {
    const topic = at.image.topicsByName.get('orders')!;
    at.image.putPartition(topic, { ...topic.partitions[0]!, leader: -1, isr: [], ...rest });
    at.image.seal();
    at.run(again(1, { incarnationId: uuidNumber(at.image.endOffset) }));
  };
  leftBehind({ eligibleLeaderReplicas: [1], lastKnownElr: [1] });
  expect(partitionLine(at, 'orders')).toBe('[1] led by 1 epoch 1 isr [1]');
  leftBehind({ eligibleLeaderReplicas: [], lastKnownElr: [1] });
  expect(partitionLine(at, 'orders')).toBe('[1] led by 1 epoch 2 isr [1]');
});
