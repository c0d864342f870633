/** What a node that is not the active controller asks of the one that is. */
import { ClientError } from '@meridian/client';
import { createSimWorld } from '@meridian/io/sim';
import { AllocateProducerIds, type Api, CreateTopics, ERROR, type RequestInput } from '@meridian/protocol';
import { expect, test } from 'vitest';
import { createEnvelopeHandler } from '../apis/58-envelope.ts';
import type { AnyHandler, RequestHeader } from '../apis/handler.ts';
import { callLocally } from './local-call.ts';
import { createRemoteController } from './remote-controller.ts';

const ID = '7b12c4b8-0563-4f3b-a171-67d705c05725';
const COMMAND = {
  kind: 'createTopics',
  requester: 'client',
  validateOnly: false,
  topics: [{ name: 'a', numPartitions: 3, replicationFactor: -1, assignments: [], configs: [] }],
} as const;

function setUp(
  answer: () => object = () => ({ topics: [{ name: 'a', topicId: ID, errorCode: 0, numPartitions: 3 }] }),
) {
  const world = createSimWorld({ seed: 4 });
  const { timers } = world.node('self').boot();
  const seen: unknown[] = [];
  const creating: AnyHandler = {
    api: CreateTopics,
    handle: (request: { topics: unknown }, { source }: RequestHeader) => {
      seen.push({ topics: request.topics, listener: source.listener });
      return answer();
    },
  };
  const envelope = createEnvelopeHandler({ isActive: () => true }, [creating]);
  const channel = {
    isLocal: false,
    send: async <A extends Api>(api: A, body: RequestInput<A>) => {
      if ((api as unknown) !== AllocateProducerIds) return callLocally(envelope, api, body);
      seen.push(body);
      return answer();
    },
  };
  const topicsById = new Map<string, unknown>();
  let tell = (): void => {};
  const onChange = (listener: () => void) => {
    tell = listener;
    return () => {};
  };
  const controller = { image: { topicsById }, onChange };
  const remote = createRemoteController({
    timers,
    channel: channel as never,
    controller: controller as never,
    nodeId: 7,
    brokerEpoch: () => 12,
  });
  const show = (id: string): void => {
    topicsById.set(id, {});
    tell();
  };
  return { world, remote, seen, show };
}

test('a topic that is created elsewhere is shown here when its creation is answered', async () => {
  const { world, remote, seen, show } = setUp();
  world.after(70, () => show('another'));
  world.after(100, () => show(ID));
  const { topics } = await world.settle(remote.createTopics(COMMAND));
  expect(world.now()).toBe(100);
  expect(topics).toMatchObject([{ name: 'a', topicId: ID, errorCode: ERROR.NONE, numPartitions: 3 }]);
  expect(seen).toEqual([{ topics: COMMAND.topics, listener: 'client' }]);
});

test('metadata that is late holds the answer up for a while only, and what was refused is not waited for', async () => {
  const late = setUp();
  await late.world.settle(late.remote.createTopics(COMMAND));
  expect(late.world.now()).toBe(5_000);
  const errorCode = ERROR.TOPIC_ALREADY_EXISTS;
  const refused = setUp(() => ({ topics: [{ name: 'a', errorCode }] }));
  expect(await refused.world.settle(refused.remote.createTopics(COMMAND))).toMatchObject({ topics: [{ errorCode }] });
  expect(refused.world.now()).toBe(0);
});

test('without a controller every topic is answered with an error that is tried again', async () => {
  const { world, remote } = setUp(() => {
    throw new ClientError('timeout', 'nobody leads');
  });
  const { topics } = await world.settle(remote.createTopics(COMMAND));
  expect(topics).toMatchObject([{ name: 'a', errorCode: ERROR.REQUEST_TIMED_OUT, numPartitions: -1 }]);
});

test('producer ids are asked for by the epoch of the registration', async () => {
  const { world, remote, seen } = setUp(() => ({ errorCode: 0, producerIdStart: 5_000, producerIdLen: 1_000 }));
  expect(await world.settle(remote.allocateProducerIds())).toEqual({ errorCode: 0, first: 5_000, count: 1_000 });
  expect(seen).toEqual([{ brokerId: 7, brokerEpoch: 12 }]);
  const refusing = (errorCode: number) => setUp(() => ({ errorCode, producerIdStart: 0, producerIdLen: 0 }));
  for (const [errorCode, code] of [
    [ERROR.STALE_BROKER_EPOCH, 'refused'],
    [ERROR.UNKNOWN_SERVER_ERROR, 'no-producer-ids'],
  ] as const) {
    const each = refusing(errorCode);
    await expect(each.world.settle(each.remote.allocateProducerIds())).rejects.toMatchObject({ code });
  }
});
