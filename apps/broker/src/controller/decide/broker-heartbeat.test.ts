/** Heartbeats: who is let in, who leaves how, and what its partitions do meanwhile. */
import { errorName } from '@meridian/protocol';
import { expect, test } from 'vitest';
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

/** Offsets that brokers have told, and what one that shuts down waits for. */
interface Told {
  applied: number;
  leaving: number | undefined;
}

function cluster(context: Parameters<typeof scenario>[1] = {}, replicas = [1, 2, 3]): { at: Scenario; told: Told } {
  const told: Told = { applied: 0, leaving: undefined };
  const sessions = { isLive: () => true, metadataOffset: () => told.applied, shutdownOffset: () => told.leaving };
  const at = scenario([1, 2, 3], { nodeId: 9, sessions, ...context });
  at.image.features.set('eligible.leader.replicas.version', 1);
  const configs = [{ name: 'min.insync.replicas', value: '2' }];
  at.run(createTopics([newTopic('orders', { assignments: [{ partitionIndex: 0, brokerIds: replicas }], configs })]));
  return { at, told };
}

test('a broker that is not registered, or was registered anew, hears so', () => {
  const { at } = cluster();
  const answer = (rest: object): string => errorName(at.run(heartbeat(at, 2, rest)).errorCode);
  expect(answer({ brokerId: 7 })).toBe('BROKER_ID_NOT_REGISTERED');
  expect(answer({ brokerEpoch: 999 })).toBe('STALE_BROKER_EPOCH');
  expect(at.written).toEqual([]);
});

test('a broker that is let in leads what nobody else can', () => {
  const { at } = cluster({}, [2]);
  fence(at, 2);
  expect(partitionLine(at, 'orders')).toBe('[2] led by -1 epoch 1 isr [] elr [2] last known [2]');
  expect(at.run(heartbeat(at, 2))).toMatchObject({ errorCode: 0, isFenced: false });
  expect(partitionLine(at, 'orders')).toBe('[2] led by 2 epoch 2 isr [2]');
});

test('a broker that is not ready stays fenced, and one that asks to be fenced is', () => {
  const { at } = cluster();
  fence(at, 1);
  expect(at.run(heartbeat(at, 1, { wantFence: true })).isFenced).toBe(true);
  expect(at.run(heartbeat(at, 1)).isFenced).toBe(false);
  expect(at.run(heartbeat(at, 2, { wantFence: true })).isFenced).toBe(true);
  expect(at.written).toEqual(['broker 2 fenced', 'partition 0 led anew by 3 isr [3] elr [2]']);
});

test('a controlled shutdown moves leaders first, and ends when all active brokers know of it', () => {
  const { at, told } = cluster();
  const stop = () => at.run(heartbeat(at, 1, { wantShutDown: true }));
  expect(stop()).toEqual({ errorCode: 0, isCaughtUp: true, isFenced: false, shouldShutDown: false });
  expect(at.written).toEqual(['broker 1 shutting down', 'partition 0 led anew by 2 isr [2,3]']);
  expect(stop().shouldShutDown).toBe(false);
  told.leaving = 20;
  told.applied = 19;
  expect(stop().shouldShutDown).toBe(false);
  told.applied = 20;
  expect(stop()).toEqual({ errorCode: 0, isCaughtUp: true, isFenced: true, shouldShutDown: true });
  expect(at.written).toEqual(['broker 1 fenced']);
});

test('a broker that leads nothing may stop at once, and one that is fenced, too', () => {
  const { at } = cluster();
  expect(at.run(heartbeat(at, 3, { wantShutDown: true })).shouldShutDown).toBe(true);
  expect(at.written).toEqual(['broker 3 fenced', 'partition 0 isr [1,2]']);
  expect(at.run(heartbeat(at, 3, { wantShutDown: true }))).toMatchObject({ shouldShutDown: true, isFenced: true });
  expect(at.written).toEqual([]);
});

test('what only a broker that shuts down has waits for it, without a leader', () => {
  const { at } = cluster({}, [2]);
  expect(at.run(heartbeat(at, 2, { wantShutDown: true })).shouldShutDown).toBe(false);
  expect(partitionLine(at, 'orders')).toBe('[2] led by -1 epoch 1 isr [] elr [2] last known [2]');
});

test('a broker that was on its way out is let in only as a new process', () => {
  const { at } = cluster();
  at.run(heartbeat(at, 1, { wantShutDown: true }));
  fence(at, 1);
  expect(at.run(heartbeat(at, 1)).isFenced).toBe(true);
  at.run({ ...registration(1), incarnationId: uuidNumber(1) });
  expect(at.run(heartbeat(at, 1)).isFenced).toBe(false);
  expect(at.image.brokers.get(1)?.inControlledShutdown).toBe(false);
});

test('the active controller’s own broker stops without a record where no other could lead', () => {
  const { at } = cluster({ nodeId: 1 });
  expect(at.run(heartbeat(at, 1, { wantShutDown: true })).shouldShutDown).toBe(false);
  const alone = cluster({ nodeId: 1 }).at;
  fence(alone, 2);
  fence(alone, 3);
  expect(alone.run(heartbeat(alone, 1, { wantShutDown: true })).shouldShutDown).toBe(true);
  expect(alone.written).toEqual([]);
  expect(partitionLine(alone, 'orders')).toBe('[1,2,3] led by 1 epoch 0 isr [1] elr [3]');
});

test('what lies in a log dir that failed is neither led nor in sync, and stays so when the broker tells it again', () => {
  const { at } = cluster();
  at.run({ ...registration(2, [uuidNumber(802), uuidNumber(50)]), incarnationId: uuidNumber(2) });
  at.run(heartbeat(at, 2));
  const topic = at.image.topicsByName.get('orders')!;
  const newIsr = [1, 2, 3].map((brokerId) => ({ brokerId, brokerEpoch: -1 }));
  const asked = { partitionIndex: 0, leaderEpoch: 0, partitionEpoch: 1, newIsr, leaderRecoveryState: 0 };
  const topics = [{ topicId: topic.id, partitions: [asked] }];
  at.run({ kind: 'alterPartition', brokerId: 1, brokerEpoch: at.image.brokers.get(1)!.epoch, topics });
  expect(partitionLine(at, 'orders')).toBe('[1,2,3] led by 1 epoch 0 isr [1,2,3]');
  at.run(heartbeat(at, 2, { offlineLogDirs: [uuidNumber(802)] }));
  expect(at.image.brokers.get(2)?.directories).toEqual([uuidNumber(50)]);
  expect(partitionLine(at, 'orders')).toBe('[1,2,3] led by 1 epoch 0 isr [1,3]');
  at.run(heartbeat(at, 2, { offlineLogDirs: [uuidNumber(802)] }));
  expect(at.written).toEqual([]);
});
