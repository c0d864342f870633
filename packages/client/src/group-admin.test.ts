import { silentLogger } from '@meridian/io';
import { createSimWorld } from '@meridian/io/sim';
import { ERROR, type OffsetCommit, type OffsetFetch, type RequestOf } from '@meridian/protocol';
import { expect, test } from 'vitest';
import { createClient } from './client.ts';
import { FakeBroker } from './testing/fake-broker.ts';

const PORT = 9093;

/** Two brokers; which of them coordinates is told per group. */
async function setUp(coordinatorOf: Record<string, number>) {
  const world = createSimWorld({ seed: 5 });
  const committed = new Map<string, Map<string, number>>();
  const live = new Set<string>();
  const loading = new Set<string>();
  const asked: { node: number; groups: string[] }[] = [];
  const refusal = (node: number, group: string): number => {
    if (coordinatorOf[group] !== node) return ERROR.NOT_COORDINATOR;
    return loading.delete(group) ? ERROR.COORDINATOR_LOAD_IN_PROGRESS : ERROR.NONE;
  };
  const serves = (node: number) => ({
    FindCoordinator: ({ coordinatorKeys }: { coordinatorKeys: string[] }) => ({
      coordinators: coordinatorKeys.map((key) => {
        const nodeId = coordinatorOf[key] ?? -1;
        const errorCode = nodeId < 0 ? ERROR.COORDINATOR_NOT_AVAILABLE : ERROR.NONE;
        return { key, nodeId, host: '', port: -1, errorCode };
      }),
    }),
    ListGroups: () => ({
      errorCode: ERROR.NONE,
      groups: Object.entries(coordinatorOf)
        .filter(([, nodeId]) => nodeId === node)
        .map(([groupId]) => ({ groupId, protocolType: 'consumer', groupState: 'Empty', groupType: 'classic' })),
    }),
    OffsetFetch: ({ groups }: RequestOf<typeof OffsetFetch>) => {
      asked.push({ node, groups: groups.map(({ groupId }) => groupId) });
      return {
        groups: groups.map(({ groupId }) => ({
          groupId,
          errorCode: refusal(node, groupId),
          topics: [...(committed.get(groupId) ?? [])].map(([name, committedOffset]) => ({
            name,
            partitions: [
              { partitionIndex: 0, committedOffset, metadata: null, errorCode: ERROR.NONE },
              { partitionIndex: 1, committedOffset: -1, metadata: '', errorCode: ERROR.NONE },
            ],
          })),
        })),
      };
    },
    OffsetCommit: ({ groupId, topics }: RequestOf<typeof OffsetCommit>) => {
      const refused = refusal(node, groupId) || (live.has(groupId) ? ERROR.UNKNOWN_MEMBER_ID : ERROR.NONE);
      return {
        topics: topics.map(({ name, partitions }) => ({
          name,
          partitions: partitions.map(({ partitionIndex, committedOffset }) => {
            const offsets = committed.get(groupId) ?? new Map<string, number>();
            if (refused === ERROR.NONE) committed.set(groupId, offsets.set(name, committedOffset));
            return { partitionIndex, errorCode: refused };
          }),
        })),
      };
    },
  });
  const first = new FakeBroker({ host: 'one', port: PORT, serves: serves(1) });
  const second = new FakeBroker({ host: 'two', port: PORT, nodeId: 2, beside: first, serves: serves(2) });
  await world.settle(first.start(world.node('one').boot()));
  await world.settle(second.start(world.node('two').boot()));
  const bootstrap = [{ host: 'one', port: PORT }];
  const client = createClient({ io: world.node('client').boot(), bootstrap, clientId: 'test', log: silentLogger });
  return { world, first, second, client, committed, live, loading, asked };
}

test('groups are listed of all brokers, and their offsets are asked of each coordinator in one go', async () => {
  const { world, client, committed, asked } = await setUp({ a: 1, b: 2, c: 2, empty: 2 });
  for (const [index, group] of ['a', 'b', 'c'].entries()) committed.set(group, new Map([['cities', index]]));
  const groups = await world.settle(client.listGroups());
  expect(groups.map(({ group, state }) => `${group} ${state}`).sort()).toEqual([
    'a Empty',
    'b Empty',
    'c Empty',
    'empty Empty',
  ]);
  const found = await world.settle(client.committedOffsets(['a', 'b', 'c', 'empty']));
  expect(found.get('b')).toEqual([{ topic: 'cities', partition: 0, offset: 1, leaderEpoch: -1, metadata: '' }]);
  expect(found.get('a')![0]).toMatchObject({ offset: 0 });
  expect(found.get('empty')).toEqual([]);
  expect(asked.map(({ node, groups: named }) => `${node}: ${named}`).sort()).toEqual(['1: a', '2: b,c,empty']);
});

test('a group whose coordinator moves or loads is asked again, and one without any is missing', async () => {
  const coordinatorOf: Record<string, number> = { a: 1, b: 2 };
  const { world, first, client, committed, loading } = await setUp(coordinatorOf);
  committed.set('a', new Map([['cities', 7]]));
  await world.settle(client.committedOffsets(['a']));
  coordinatorOf.a = 2;
  loading.add('a');
  const found = await world.settle(client.committedOffsets(['a', 'b']));
  expect([found.get('a')![0]!.offset, found.get('b')]).toEqual([7, []]);
  coordinatorOf.b = -1;
  const later = client.committedOffsets(['a', 'b'], { timeoutMs: 2_000 });
  expect([...(await world.settle(later)).keys()]).toContain('a');
  expect(first.requests).toContain('FindCoordinator');
});

test('a commit goes to whoever coordinates now, and a group with members refuses it', async () => {
  const coordinatorOf: Record<string, number> = { a: 1 };
  const { world, client, committed, live } = await setUp(coordinatorOf);
  const commit = (offset: number) => {
    const offsets = [
      { topic: 'cities', partition: 0, offset },
      { topic: 'towns', partition: 0, offset },
    ];
    return world.settle(client.commitOffsets('a', offsets));
  };
  expect((await commit(3)).map(({ errorCode }) => errorCode)).toEqual([0, 0]);
  coordinatorOf.a = 2;
  expect((await commit(4)).map(({ errorCode }) => errorCode)).toEqual([0, 0]);
  live.add('a');
  expect((await commit(5)).map(({ errorCode }) => errorCode)).toEqual([
    ERROR.UNKNOWN_MEMBER_ID,
    ERROR.UNKNOWN_MEMBER_ID,
  ]);
  expect(committed.get('a')!.get('cities')).toBe(4);
});

test('a commit whose answer was lost is not sent again', async () => {
  const { world, first, client } = await setUp({ a: 1 });
  first.loseAnswersOf = 'OffsetCommit';
  const outcome = client.commitOffsets('a', [{ topic: 'cities', partition: 0, offset: 1 }]).catch(({ code }) => code);
  expect(await world.settle(outcome)).toBe('disconnected');
  expect(first.requests.filter((api) => api === 'OffsetCommit').length).toBe(1);
});
