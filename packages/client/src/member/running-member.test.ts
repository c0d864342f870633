import { silentLogger } from '@meridian/io';
import { createSimWorld } from '@meridian/io/sim';
import { ERROR, type RequestOf, type SyncGroup } from '@meridian/protocol';
import { expect, test } from 'vitest';
import { createClient } from '../client.ts';
import { FakeBroker } from '../testing/fake-broker.ts';

/** A coordinator of one group with one member at most. */
async function setUp() {
  const world = createSimWorld({ seed: 11 });
  const events: string[] = [];
  let generation = 0;
  const serves = {
    FindCoordinator: ({ coordinatorKeys }: { coordinatorKeys: string[] }) => ({
      coordinators: coordinatorKeys.map((key) => ({ key, nodeId: 1, host: '', port: -1, errorCode: ERROR.NONE })),
    }),
    JoinGroup: ({ memberId }: { memberId: string }) => {
      if (memberId === '')
        return { errorCode: ERROR.MEMBER_ID_REQUIRED, memberId: 'm1', leader: '', members: [], protocolName: '' };
      const members = [{ memberId, metadata: Buffer.from('about me') }];
      return {
        errorCode: ERROR.NONE,
        generationId: ++generation,
        leader: memberId,
        memberId,
        members,
        protocolName: 'v1',
      };
    },
    SyncGroup: ({ assignments }: RequestOf<typeof SyncGroup>) => {
      return { errorCode: ERROR.NONE, assignment: assignments[0]!.assignment };
    },
    Heartbeat: () => ({ errorCode: ERROR.NONE }),
    LeaveGroup: ({ members }: { members: { memberId: string }[] }) => {
      events.push(`left ${members[0]!.memberId}`);
      return { errorCode: ERROR.NONE, members: [] };
    },
  };
  const broker = new FakeBroker({ host: 'broker', port: 9093, serves });
  const node = world.node('broker');
  await world.settle(broker.start(node.boot()));
  const io = world.node('client').boot();
  const bootstrap = [{ host: 'broker', port: 9093 }];
  const client = createClient({ io, bootstrap, clientId: 'test', log: silentLogger });
  const member = client.joinGroup({
    group: 'mirror',
    protocolType: 'meridian-mirror',
    protocolName: 'v1',
    metadata: Buffer.from('about me'),
    sessionTimeoutMs: 6_000,
    rebalanceTimeoutMs: 1_000,
    heartbeatMs: 500,
    assign: (members) => new Map(members.map(({ memberId, metadata }) => [memberId, Buffer.from(`all, ${metadata}`)])),
    onAssigned: ({ bytes, isLeader }) => events.push(`${isLeader ? 'leads' : 'follows'}: ${bytes}`),
    onLost: (reason) => events.push(`lost: ${reason}`),
  });
  return { world, broker, node, client, member, events };
}

test('a member holds its lease by heartbeats, loses it while the coordinator is away, and is assigned anew', async () => {
  const { world, broker, node, member, events } = await setUp();
  await world.run(world.now() + 3_000);
  expect(events).toEqual(['leads: all, about me']);
  expect(member.leaseAgeMs()).toBeLessThan(600);
  node.kill();
  await world.run(world.now() + 5_000);
  expect(events.length).toBe(1);
  expect(member.leaseAgeMs()).toBeGreaterThan(4_900);
  await world.run(world.now() + 2_000);
  expect(events[1]).toMatch(/^lost: no heartbeat was answered/);
  await world.settle(broker.start(node.boot()));
  await world.run(world.now() + 3_000);
  expect(events.slice(2)).toEqual(['leads: all, about me']);
});

test('a member that leaves says so, and hears nothing more', async () => {
  const { world, broker, member, events } = await setUp();
  await world.run(world.now() + 1_000);
  await world.settle(member.leave());
  broker.requests.length = 0;
  await world.run(world.now() + 10_000);
  expect(events).toEqual(['leads: all, about me', 'left m1']);
  expect(broker.requests).toEqual([]);
});

test('a member ends with its client, without a word', async () => {
  const { world, broker, client, events } = await setUp();
  await world.run(world.now() + 1_000);
  await world.settle(client.close());
  broker.requests.length = 0;
  await world.run(world.now() + 10_000);
  expect([events.length, broker.requests.length]).toEqual([1, 0]);
});
