/**
 * What brokers, controllers and operators ask of the active controller, through the bytes of every version: over decisions
 * on an image, and at a node that is not active.
 */
import {
  AlterPartition,
  AlterPartitionReassignments,
  type Api,
  AssignReplicasToDirs,
  BrokerHeartbeat,
  BrokerRegistration,
  ControllerRegistration,
  decodeResponse,
  encodeRequest,
  errorName,
  ListPartitionReassignments,
  type RequestInput,
  type ResponseOf,
  UnregisterBroker,
} from '@meridian/protocol';
import { expect, test } from 'vitest';
import type { Command, ResultOf } from '../controller/commands.ts';
import {
  createTopics,
  fence,
  newTopic,
  partitionLine,
  registration,
  type Scenario,
  scenario,
  uuidNumber,
} from '../controller/decide/scenario.ts';
import { BrokerError } from '../errors.ts';
import { callHandler, localSource, withoutLength } from '../peers/local-call.ts';
import { createAlterPartitionReassignmentsHandler } from './45-alter-partition-reassignments.ts';
import { createListPartitionReassignmentsHandler } from './46-list-partition-reassignments.ts';
import { createAlterPartitionHandler } from './56-alter-partition.ts';
import { createBrokerRegistrationHandler } from './62-broker-registration.ts';
import { createBrokerHeartbeatHandler } from './63-broker-heartbeat.ts';
import { createUnregisterBrokerHandler } from './64-unregister-broker.ts';
import { createControllerRegistrationHandler } from './70-controller-registration.ts';
import { createAssignReplicasToDirsHandler } from './73-assign-replicas-to-dirs.ts';
import type { AnyHandler, HandlerReach } from './handler.ts';

function node(isActive = true) {
  const at: Scenario = scenario([1, 2, 3], { nodeId: 9 });
  at.image.features.set('metadata.version', 30);
  at.run(createTopics([newTopic('orders', { assignments: [{ partitionIndex: 0, brokerIds: [1, 2] }] })]));
  const submit = async <C extends Command>(command: C): Promise<ResultOf<C>> => {
    if (!isActive) throw new BrokerError('not-controller', 'in this test');
    return at.run(command);
  };
  const facts = { nodeId: 9 };
  const reach = { submit, image: at.image, isActive: () => isActive, facts } as unknown as HandlerReach;
  const seen: string[] = [];
  const source = localSource({
    identify: (id) => seen.push(`broker ${id}`),
    refused: (reason, { why }) => seen.push(`${reason}: ${String(why)}`),
  });
  const ask = async <A extends Api>(
    create: (reach: HandlerReach) => AnyHandler,
    api: A,
    body: RequestInput<A>,
    version = api.maxVersion,
  ): Promise<ResponseOf<A>> => {
    const frame = withoutLength(encodeRequest(api, version, { correlationId: 0, clientId: null }, body));
    return decodeResponse(api, version, await callHandler(create(reach), frame, source)).body;
  };
  const epoch = (id: number): number => at.image.brokers.get(id)!.epoch;
  return { at, ask, seen, epoch, topicId: at.image.topicsByName.get('orders')!.id };
}

function registering(brokerId: number, rest: object = {}): RequestInput<typeof BrokerRegistration> {
  const { endpoints, directories } = registration(brokerId);
  const features = [{ name: 'metadata.version', minSupportedVersion: 7, maxSupportedVersion: 30 }];
  const who = { brokerId, clusterId: 'cluster', incarnationId: uuidNumber(40 + brokerId), rack: 'a' };
  return { ...who, listeners: endpoints, features, logDirs: directories, ...rest };
}

test('a broker registers, is known by its connection, and is let in by its heartbeat', async () => {
  const { at, ask, seen } = node();
  const { errorCode, brokerEpoch } = await ask(createBrokerRegistrationHandler, BrokerRegistration, registering(4));
  expect([errorCode, at.image.brokers.get(4)?.epoch, at.image.brokers.get(4)?.rack]).toEqual([0, brokerEpoch, 'a']);
  const currentMetadataOffset = at.image.endOffset - 1;
  const beat = { brokerId: 4, brokerEpoch, currentMetadataOffset, wantFence: false, wantShutDown: false };
  const answer = await ask(createBrokerHeartbeatHandler, BrokerHeartbeat, beat, 0);
  expect(answer).toMatchObject({ errorCode: 0, isCaughtUp: true, isFenced: false, shouldShutDown: false });
  expect(seen).toEqual(['broker 4', 'broker 4']);
});

test('why a broker may not register stands in the log', async () => {
  const { ask, seen, at } = node();
  const refused = async (rest: object): Promise<string> => {
    const answer = await ask(createBrokerRegistrationHandler, BrokerRegistration, registering(4, rest));
    expect(answer.brokerEpoch).toBe(-1);
    return errorName(answer.errorCode);
  };
  expect(await refused({ clusterId: 'other' })).toBe('INCONSISTENT_CLUSTER_ID');
  expect(await refused({ logDirs: [uuidNumber(801)] })).toBe('INVALID_REGISTRATION');
  expect(await refused({ features: [] })).toBe('UNSUPPORTED_VERSION');
  expect(await refused({ brokerId: -5 })).toBe('INVALID_REGISTRATION');
  expect(await refused({ isMigratingZkBroker: true })).toBe('INVALID_REGISTRATION');
  expect(await refused({ logDirs: [] })).toBe('INVALID_REGISTRATION');
  expect(seen[1]).toContain('broker 4 may not register: Broker 1 is already registered with directory');
  expect(await refused({ brokerId: 9 })).toBe('DUPLICATE_BROKER_REGISTRATION');
  expect(at.image.brokers.has(4)).toBe(false);
});

test('a heartbeat of a stale epoch, or of nobody, says so and names no connection', async () => {
  const { ask, seen } = node();
  const beat = { brokerId: 1, brokerEpoch: 99, currentMetadataOffset: 0, wantFence: false, wantShutDown: false };
  const stale = await ask(createBrokerHeartbeatHandler, BrokerHeartbeat, beat);
  expect(errorName(stale.errorCode)).toBe('STALE_BROKER_EPOCH');
  const unknown = await ask(createBrokerHeartbeatHandler, BrokerHeartbeat, { ...beat, brokerId: 77 });
  expect(errorName(unknown.errorCode)).toBe('BROKER_ID_NOT_REGISTERED');
  expect(seen).toEqual([]);
});

test('in-sync sets are altered in both versions, with and without the epochs of their members', async () => {
  for (const version of [2, 3]) {
    const { at, ask, epoch, topicId } = node();
    const members = version === 2 ? { newIsr: [1] } : { newIsrWithEpochs: [{ brokerId: 1, brokerEpoch: epoch(1) }] };
    const partitions = [{ partitionIndex: 0, leaderEpoch: 0, partitionEpoch: 0, leaderRecoveryState: 0, ...members }];
    const body = { brokerId: 1, brokerEpoch: epoch(1), topics: [{ topicId, partitions }] };
    const { topics } = await ask(createAlterPartitionHandler, AlterPartition, body, version);
    expect(topics[0]?.partitions[0]).toMatchObject({ errorCode: 0, isr: [1], partitionEpoch: 1 });
    expect(partitionLine(at, 'orders')).toBe('[1,2] led by 1 epoch 0 isr [1]');
    expect(await ask(createAlterPartitionHandler, AlterPartition, { ...body, topics: [] }, version)).toMatchObject({
      errorCode: 0,
      topics: [],
    });
  }
});

test('a reassignment is started and listed until it is over', async () => {
  const { ask } = node();
  const list = async (topics: RequestInput<typeof ListPartitionReassignments>['topics']): Promise<unknown> =>
    (await ask(createListPartitionReassignmentsHandler, ListPartitionReassignments, { topics })).topics;
  const reassign = async (replicas: number[] | null, version: number): Promise<unknown> => {
    const topics = [{ name: 'orders', partitions: [{ partitionIndex: 0, replicas }] }];
    const answer = await ask(
      createAlterPartitionReassignmentsHandler,
      AlterPartitionReassignments,
      { topics },
      version,
    );
    return answer.responses[0]?.partitions[0]?.errorCode;
  };
  expect(await list(null)).toEqual([]);
  expect(await reassign([3, 2], 0)).toBe(0);
  const ongoing = { partitionIndex: 0, replicas: [3, 2, 1], addingReplicas: [3], removingReplicas: [1] };
  expect(await list(null)).toMatchObject([{ name: 'orders', partitions: [ongoing] }]);
  expect(await list([{ name: 'orders', partitionIndexes: [0, 0, 5] }])).toMatchObject([{ partitions: [ongoing] }]);
  expect(await list([{ name: 'absent', partitionIndexes: [0] }])).toEqual([]);
  expect(await reassign(null, 1)).toBe(0);
  expect(await list(null)).toEqual([]);
});

test('a broker is forgotten, once', async () => {
  const { at, ask } = node();
  fence(at, 3);
  const forget = async () =>
    errorName((await ask(createUnregisterBrokerHandler, UnregisterBroker, { brokerId: 3 })).errorCode);
  expect([await forget(), await forget()]).toEqual(['NONE', 'BROKER_ID_NOT_REGISTERED']);
});

test('log dirs of replicas, and controllers, are told', async () => {
  const { at, ask, epoch, topicId } = node();
  const topics = [{ topicId, partitions: [{ partitionIndex: 0 }] }];
  const body = { brokerId: 2, brokerEpoch: epoch(2), directories: [{ id: uuidNumber(802), topics }] };
  const { directories } = await ask(createAssignReplicasToDirsHandler, AssignReplicasToDirs, body);
  expect(directories[0]?.topics[0]?.partitions).toMatchObject([{ partitionIndex: 0, errorCode: 0 }]);
  const listeners = [{ name: 'INTERNAL', host: 'c', port: 1, securityProtocol: 0 }];
  const controller = {
    controllerId: 7,
    incarnationId: uuidNumber(7),
    zkMigrationReady: false,
    listeners,
    features: [],
  };
  expect((await ask(createControllerRegistrationHandler, ControllerRegistration, controller)).errorCode).toBe(0);
  expect(at.image.controllers.get(7)?.endpoints).toMatchObject(listeners);
  await ask(createControllerRegistrationHandler, ControllerRegistration, controller);
  expect(at.written).toEqual([]);
});

test('a node that is not active says so to brokers and controllers', async () => {
  const { ask, seen } = node(false);
  const who = { brokerId: 1, brokerEpoch: 1 };
  const beat = { ...who, currentMetadataOffset: 0, wantFence: false, wantShutDown: false };
  const controller = {
    controllerId: 7,
    incarnationId: uuidNumber(7),
    zkMigrationReady: false,
    listeners: [],
    features: [],
  };
  const answers = [
    await ask(createBrokerRegistrationHandler, BrokerRegistration, registering(4)),
    await ask(createBrokerHeartbeatHandler, BrokerHeartbeat, beat),
    await ask(createAlterPartitionHandler, AlterPartition, { ...who, topics: [] }),
    await ask(createAssignReplicasToDirsHandler, AssignReplicasToDirs, { ...who, directories: [] }),
    await ask(createControllerRegistrationHandler, ControllerRegistration, controller),
  ];
  expect(answers.map(({ errorCode }) => errorName(errorCode))).toEqual(answers.map(() => 'NOT_CONTROLLER'));
  expect(seen).toEqual([]);
});
