/** The shell of a broker's life against a controller of the test's. */
import { ClientError } from '@meridian/client';
import { silentLogger } from '@meridian/io';
import { createSimWorld } from '@meridian/io/sim';
import { type Api, BrokerHeartbeat, BrokerRegistration, ERROR } from '@meridian/protocol';
import { expect, test } from 'vitest';
import type { ChannelCall } from '../peers/controller-channel.ts';
import { BrokerLifecycle, type BrokerLifecycleOptions } from './broker-lifecycle.ts';

const DIRECTORY = '7b12c4b8-0563-4f3b-a171-67d705c05725';
const SETTINGS = {
  heartbeatIntervalMs: 2_000,
  sessionTimeoutMs: 9_000,
  initialTimeoutMs: 60_000,
  leavesInOrder: true,
};
const FOUND = [{ topicId: 'topic', index: 3, directory: DIRECTORY }];

function setUp(given: Partial<BrokerLifecycleOptions> & { isLocal?: boolean } = {}) {
  const world = createSimWorld({ seed: 2 });
  const io = world.node('broker').boot();
  const sent: { api: string; atMs: number; body: Record<string, unknown> }[] = [];
  /** Undefined: no answer. */
  const controller = {
    epoch: 40,
    registerCode: ERROR.NONE as number,
    register: (): object | undefined => ({ errorCode: controller.registerCode, brokerEpoch: controller.epoch }),
    heartbeat: (_body: Record<string, unknown>): object | undefined => ({ errorCode: ERROR.NONE, isFenced: false }),
  };
  const answerTo = (api: Api, body: Record<string, unknown>): object | undefined => {
    if ((api as unknown) === BrokerHeartbeat) return controller.heartbeat(body);
    if ((api as unknown) === BrokerRegistration) return controller.register();
    return { errorCode: ERROR.NONE, directories: [] };
  };
  const send = async (api: Api, body: never, { timeoutMs, signal }: ChannelCall): Promise<unknown> => {
    sent.push({ api: api.name, atMs: Math.round(world.now()), body });
    await io.timers.sleep(1, signal);
    const answer = answerTo(api, body);
    if (answer !== undefined) return answer;
    await io.timers.sleep(timeoutMs, signal);
    throw new ClientError(signal?.aborted ? 'cancelled' : 'timeout', api.name);
  };
  const life = new BrokerLifecycle({
    io,
    log: silentLogger,
    channel: { send, isLocal: given.isLocal ?? false } as never,
    registration: {
      brokerId: 7,
      clusterId: 'cluster',
      incarnationId: DIRECTORY,
      listeners: [],
      features: [],
      rack: null,
      logDirs: [DIRECTORY],
    },
    previousBrokerEpoch: 12,
    found: [],
    registerHere: async () => ({ errorCode: ERROR.NONE, brokerEpoch: 41 }),
    metadataOffset: () => 39,
    settings: SETTINGS,
    ...given,
  });
  const names = (): string[] => sent.map(({ api, atMs }) => `${atMs} ${api}`);
  return { world, life, controller, sent, names };
}

test('a broker registers, is unfenced and keeps its session', async () => {
  const { world, life, sent, names } = setUp();
  const unfenced = life.unfence();
  expect(await world.settle(life.register())).toBe(40);
  await world.settle(unfenced);
  expect([life.brokerEpoch, life.isFenced]).toEqual([40, false]);
  await world.run(4_500);
  expect(names()).toEqual([
    '0 BrokerRegistration',
    '1 BrokerHeartbeat',
    '2002 BrokerHeartbeat',
    '4003 BrokerHeartbeat',
  ]);
  expect(sent[0]!.body).toMatchObject({ brokerId: 7, previousBrokerEpoch: 12, logDirs: [DIRECTORY] });
  expect(sent[1]!.body).toMatchObject({ brokerId: 7, brokerEpoch: 40, currentMetadataOffset: 39, wantFence: false });
});

test('replicas that lie elsewhere than the metadata says are told before the broker can be unfenced', async () => {
  const { world, life, sent, names } = setUp({ found: FOUND });
  void life.unfence();
  await world.settle(life.register());
  await world.run(5);
  expect(names()).toEqual(['0 BrokerRegistration', '1 AssignReplicasToDirs', '2 BrokerHeartbeat']);
  const topics = [{ topicId: 'topic', partitions: [{ partitionIndex: 3 }] }];
  expect(sent[1]!.body).toEqual({ brokerId: 7, brokerEpoch: 40, directories: [{ id: DIRECTORY, topics }] });
});

test('where this node is the active controller it registers here, with all that it found, and waits for no timer', async () => {
  const asked: unknown[] = [];
  const registerHere = async (request: object) => {
    asked.push(request);
    return { errorCode: ERROR.NONE, brokerEpoch: 41 };
  };
  const { world, life, names } = setUp({ isLocal: true, found: FOUND, registerHere });
  void life.unfence();
  expect(await world.settle(life.register())).toBe(41);
  expect(asked).toMatchObject([{ previousBrokerEpoch: 12, found: FOUND }]);
  expect(names()).toEqual(['0 BrokerHeartbeat']);
});

test('a controller that refuses the broker for good, or none at all, ends the start', async () => {
  const refused = setUp();
  refused.controller.registerCode = ERROR.INVALID_REGISTRATION;
  await expect(refused.world.settle(refused.life.register())).rejects.toMatchObject({ code: 'registration-refused' });
  const taken = setUp();
  taken.controller.registerCode = ERROR.DUPLICATE_BROKER_REGISTRATION;
  await expect(taken.world.settle(taken.life.register(), 70_000)).rejects.toMatchObject({
    code: 'registration-refused',
  });
  expect(taken.world.now()).toBeGreaterThan(60_000);
  const alone = setUp();
  alone.controller.register = () => undefined;
  await expect(alone.world.settle(alone.life.register(), 80_000)).rejects.toMatchObject({ code: 'no-controller' });
});

test('a broker that was forgotten registers again as the one that has lost nothing since', async () => {
  const { world, life, controller, sent } = setUp();
  void life.unfence();
  await world.settle(life.register());
  await world.run(100);
  controller.epoch = 55;
  controller.heartbeat = ({ brokerEpoch }) =>
    brokerEpoch === 55
      ? { errorCode: ERROR.NONE, isFenced: false }
      : { errorCode: ERROR.STALE_BROKER_EPOCH, isFenced: true };
  await world.run(2_500);
  expect([life.brokerEpoch, life.isFenced]).toEqual([55, false]);
  const [, second] = sent.filter(({ api }) => api === 'BrokerRegistration');
  expect(second!.body).toMatchObject({ previousBrokerEpoch: 40 });
});

test('a log dir that fails is told at once and with every heartbeat', async () => {
  const { world, life, sent } = setUp();
  void life.unfence();
  await world.settle(life.register());
  await world.run(100);
  life.logDirsFailed([DIRECTORY]);
  await world.run(2_200);
  const [before, ...after] = sent.filter(({ api }) => api === 'BrokerHeartbeat').map(({ body }) => body.offlineLogDirs);
  expect(before).toEqual([]);
  expect(after).toEqual([[DIRECTORY], [DIRECTORY]]);
});

test('a new controller need not wait for the next heartbeat', async () => {
  const { world, life, names } = setUp();
  void life.unfence();
  await world.settle(life.register());
  await world.run(100);
  life.reportNow();
  await world.run(200);
  expect(names().slice(-2)).toEqual(['1 BrokerHeartbeat', '100 BrokerHeartbeat']);
});

test('a stop waits until the leaders have moved', async () => {
  const { world, life, controller, names } = setUp();
  void life.unfence();
  await world.settle(life.register());
  await world.run(100);
  let beats = 0;
  controller.heartbeat = () => ({ errorCode: ERROR.NONE, isFenced: true, shouldShutDown: ++beats === 3 });
  await world.settle(life.stop());
  expect(beats).toBe(3);
  expect(world.now()).toBeLessThan(300);
  const before = names().length;
  await world.run(30_000);
  expect(names()).toHaveLength(before);
});

test('a stop that is not answered, or never done, is given up', async () => {
  const { world, life, controller } = setUp();
  void life.unfence();
  await world.settle(life.register());
  controller.heartbeat = () => undefined;
  await world.run(100);
  await world.settle(life.stop());
  expect(world.now()).toBeLessThan(2_500);
  const busy = setUp();
  void busy.life.unfence();
  await busy.world.settle(busy.life.register());
  await busy.world.run(100);
  await busy.world.settle(busy.life.stop());
  expect(Math.round(busy.world.now())).toBe(5_100);
});

test('a broker that is told to stop without ado asks nobody', async () => {
  const { world, life, names } = setUp({ settings: { ...SETTINGS, leavesInOrder: false } });
  void life.unfence();
  await world.settle(life.register());
  await world.run(100);
  const before = names().length;
  await world.settle(life.stop());
  expect(names()).toHaveLength(before);
});

test('a stop during the start ends the start', async () => {
  const { world, life, controller } = setUp();
  controller.registerCode = ERROR.DUPLICATE_BROKER_REGISTRATION;
  const registered = life.register();
  await world.run(500);
  await world.settle(life.stop());
  await expect(registered).rejects.toMatchObject({ code: 'controller-closed' });
});
