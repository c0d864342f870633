import { silentLogger } from '@meridian/io';
import { createSimWorld } from '@meridian/io/sim';
import {
  type DeleteRecords,
  type DeleteTopics,
  ERROR,
  type IncrementalAlterConfigs,
  type RequestOf,
} from '@meridian/protocol';
import { expect, test } from 'vitest';
import { createClient } from './client.ts';
import { FakeBroker } from './testing/fake-broker.ts';

async function setUp(serves: Record<string, (body: never, version: number) => unknown>) {
  const world = createSimWorld({ seed: 5 });
  const broker = new FakeBroker({ host: 'broker', port: 9093, serves });
  await world.settle(broker.start(world.node('broker').boot()));
  const io = world.node('client').boot();
  const bootstrap = [{ host: 'broker', port: 9093 }];
  return { world, broker, client: createClient({ io, bootstrap, clientId: 'test', log: silentLogger }) };
}

test('records are deleted at the leader, whatever fraction of a millisecond is left for it', async () => {
  let refusals = 1;
  const deleteRecords = ({ topics }: RequestOf<typeof DeleteRecords>) => ({
    topics: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex, offset }) => {
        const isRefused = refusals-- > 0;
        const errorCode = isRefused
          ? ERROR.NOT_LEADER_OR_FOLLOWER
          : offset > 9
            ? ERROR.OFFSET_OUT_OF_RANGE
            : ERROR.NONE;
        return { partitionIndex, errorCode, lowWatermark: errorCode === ERROR.NONE ? offset : -1 };
      }),
    })),
  });
  const { world, broker, client } = await setUp({ DeleteRecords: deleteRecords });
  broker.createTopic('cities', 2);
  const records = [
    { topic: 'cities', partition: 1, offset: 7 },
    { topic: 'cities', partition: 0, offset: 12 },
  ];
  expect(await world.settle(client.deleteRecords(records, { timeoutMs: 1_000.5 }))).toEqual([
    { topic: 'cities', partition: 1, errorCode: ERROR.NONE, lowWatermark: 7 },
    { topic: 'cities', partition: 0, errorCode: ERROR.OFFSET_OUT_OF_RANGE, lowWatermark: -1 },
  ]);
});

test('topics are deleted by their names, and configs set and unset, each with its own outcome', async () => {
  const seen: unknown[] = [];
  const { world, client } = await setUp({
    DeleteTopics: ({ topicNames }: RequestOf<typeof DeleteTopics>, version) => {
      expect(version).toBeLessThanOrEqual(5);
      return { responses: topicNames.map((name) => ({ name, errorCode: name === 'a' ? 0 : 3 })) };
    },
    IncrementalAlterConfigs: ({ resources }: RequestOf<typeof IncrementalAlterConfigs>) => {
      seen.push(resources);
      const responses = resources.map(({ resourceName, resourceType }) => {
        return { resourceName, resourceType, errorCode: 0, errorMessage: null };
      });
      return { responses: responses.reverse() };
    },
  });
  const deleted = await world.settle(client.deleteTopics(['a', 'b']));
  expect(deleted.map(({ name, errorCode }) => [name, errorCode])).toEqual([
    ['a', 0],
    ['b', 3],
  ]);
  const changed = await world.settle(
    client.alterTopicConfigs([{ topic: 'a', set: { 'retention.ms': '5' }, unset: ['cleanup.policy'] }, { topic: 'b' }]),
  );
  expect(changed.map(({ topic }) => topic)).toEqual(['a', 'b']);
  expect(seen[0]).toMatchObject([
    {
      resourceType: 2,
      configs: [
        { name: 'retention.ms', configOperation: 0, value: '5' },
        { name: 'cleanup.policy', configOperation: 1, value: null },
      ],
    },
    { resourceName: 'b', configs: [] },
  ]);
});

test('a cluster without an authorizer says so, and one that keeps its rules to itself refuses', async () => {
  let errorCode: number = ERROR.SECURITY_DISABLED;
  const { world, client } = await setUp({ DescribeAcls: () => ({ errorCode, resources: [] }) });
  expect(await world.settle(client.describeAcls({ resourceType: 2 }))).toBe('off');
  errorCode = ERROR.CLUSTER_AUTHORIZATION_FAILED;
  expect(await world.settle(client.describeAcls({}).catch(({ code }) => code))).toBe('refused');
});
