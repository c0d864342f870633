/**
 * Hostile members of consumer groups on a real broker process: forged ids, generations and roles, members by the ten
 * thousand, subscriptions without end. Each trial has the expectations of `testing/victim.ts` besides its own.
 */
import { ERROR, encodeRequest, Heartbeat, JoinGroup, LeaveGroup, OffsetCommit, SyncGroup } from '@meridian/protocol';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RawClient } from '../testing/raw-client.ts';
import { MARK, Victim } from '../testing/victim.ts';

const QUIET = { lines: 0 };
const HEADER = { correlationId: 1, clientId: 'test' };

let victim: Victim;
beforeAll(async () => {
  victim = await Victim.start({ 'group.initial.rebalance.delay.ms': '0' });
});
afterAll(() => victim?.broker.stop());

const joinOf = (groupId: string, memberId: string, metadata = Buffer.alloc(10)) => ({
  groupId,
  memberId,
  sessionTimeoutMs: 10_000,
  rebalanceTimeoutMs: 10_000,
  protocolType: 'consumer',
  protocols: [{ name: 'range', metadata }],
});

/** Joins as a client does: is told its id and comes again with it. */
async function join(client: RawClient, groupId: string) {
  const { memberId } = await client.request(JoinGroup, 5, joinOf(groupId, ''));
  return client.request(JoinGroup, 5, joinOf(groupId, memberId));
}

test('forged members and generations are unknown to a group', async () => {
  await victim.unharmed(async (client) => {
    const { generationId, memberId } = await join(client, 'guarded');
    const sync = { groupId: 'guarded', memberId, generationId, assignments: [] };
    const errorOf = async (change: object) => (await client.request(SyncGroup, 3, { ...sync, ...change })).errorCode;
    expect(await errorOf({ memberId: 'forged' })).toBe(ERROR.UNKNOWN_MEMBER_ID);
    expect(await errorOf({ memberId: '' })).toBe(ERROR.UNKNOWN_MEMBER_ID);
    for (const wrong of [-1, 0, 2 ** 31 - 1, -(2 ** 31)]) {
      expect(await errorOf({ generationId: wrong })).toBe(ERROR.ILLEGAL_GENERATION);
    }
    const beat = { groupId: 'guarded', memberId: 'forged', generationId };
    expect((await client.request(Heartbeat, 3, beat)).errorCode).toBe(ERROR.UNKNOWN_MEMBER_ID);
    const leave = await client.request(LeaveGroup, 3, { groupId: 'guarded', members: [{ memberId: 'forged' }] });
    expect(leave.members[0]!.errorCode).toBe(ERROR.UNKNOWN_MEMBER_ID);
    expect(await errorOf({})).toBe(ERROR.NONE);
  }, QUIET);
});

test('an assignment by another than the leader is not taken', async () => {
  await victim.unharmed(async (leader) => {
    const first = await join(leader, 'led');
    await victim.with(async (follower) => {
      const joining = join(follower, 'led');
      await new Promise((resolve) => setTimeout(resolve, 100));
      const again = await leader.request(JoinGroup, 5, joinOf('led', first.memberId));
      const second = await joining;
      expect(second.leader).toBe(first.memberId);
      const forged = [first, second].map(({ memberId }) => ({ memberId, assignment: Buffer.from(MARK) }));
      const sync = { groupId: 'led', generationId: again.generationId };
      const waiting = follower.request(SyncGroup, 3, { ...sync, memberId: second.memberId, assignments: forged });
      const right = [{ memberId: second.memberId, assignment: Buffer.from('right') }];
      await leader.request(SyncGroup, 3, { ...sync, memberId: first.memberId, assignments: right });
      expect((await waiting).assignment.toString()).toBe('right');
    });
  }, QUIET);
});

test('offsets are not committed by strangers, nor for generations to come', async () => {
  const topics = [{ name: 'orders', partitions: [{ partitionIndex: 0, committedOffset: 1, committedMetadata: '' }] }];
  await victim.unharmed(async (client) => {
    const { generationId, memberId } = await join(client, 'committing');
    const errorOf = async (change: object) => {
      const ask = { groupId: 'committing', generationIdOrMemberEpoch: generationId, memberId, topics, ...change };
      return (await client.request(OffsetCommit, 7, ask)).topics[0]!.partitions[0]!.errorCode;
    };
    expect(await errorOf({ memberId: 'forged' })).toBe(ERROR.UNKNOWN_MEMBER_ID);
    expect(await errorOf({ generationIdOrMemberEpoch: generationId + 1 })).toBe(ERROR.ILLEGAL_GENERATION);
    expect(await errorOf({ generationIdOrMemberEpoch: -1, memberId: '' })).toBe(ERROR.UNKNOWN_MEMBER_ID);
  }, QUIET);
});

test('a subscription of 100 MB is not waited for', async () => {
  const head = Buffer.concat(encodeRequest(JoinGroup, 5, HEADER, joinOf('group', '', Buffer.alloc(0))));
  head.writeInt32BE(104_857_600 - 4);
  await victim.unharmed(async (client) => {
    client.send(Buffer.concat([head.subarray(0, -4), Buffer.from('06000000', 'hex')]));
    const piece = Buffer.alloc(1_048_576);
    for (let sent = 0; sent < 99 && !client.closed; sent++) {
      client.send(piece);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await client.isRefused()).toBe(true);
  });
});

test('a subscription that no record can hold is refused', async () => {
  const code = await victim.unharmed(async (client) => {
    const { memberId } = await client.request(JoinGroup, 5, joinOf('fat', ''));
    return (await client.request(JoinGroup, 5, joinOf('fat', memberId, Buffer.alloc(8_000_000)))).errorCode;
  }, QUIET);
  expect(code).toBe(ERROR.INVALID_REQUEST);
});

test('a subscription of a megabyte from a forged member is refused', async () => {
  const join = joinOf('group', 'forged', Buffer.alloc(1_048_576));
  const answer = await victim.unharmed((client) => client.request(JoinGroup, 5, join), QUIET);
  expect(answer.errorCode).toBe(ERROR.UNKNOWN_MEMBER_ID);
});

test('members that ask for an id by the ten thousand are turned away from a group that is full', async () => {
  const asks = 30_000;
  const request = Buffer.concat(encodeRequest(JoinGroup, 5, HEADER, joinOf('crowded', '')));
  const codes = await victim.unharmed(async (client) => {
    const seen = new Set<number>();
    for (let round = 0; round < asks / 1_000; round++) {
      client.send(Buffer.alloc(request.length * 1_000, request));
      for (let i = 0; i < 1_000; i++) seen.add((await client.frame()).readInt16BE(8));
    }
    return seen;
  }, QUIET);
  expect(codes).toEqual(new Set([ERROR.MEMBER_ID_REQUIRED, ERROR.GROUP_MAX_SIZE_REACHED]));
});

test('a thousand forged members leave nothing behind', async () => {
  await victim.unharmed(async (client) => {
    for (let i = 0; i < 1_000; i++) {
      const { errorCode } = await client.request(SyncGroup, 3, {
        groupId: `no-group-${i}`,
        memberId: `forged-${i}`,
        generationId: 2 ** 31 - 1,
        assignments: [{ memberId: 'other', assignment: Buffer.alloc(10_000) }],
      });
      expect(errorCode).toBe(ERROR.UNKNOWN_MEMBER_ID);
    }
  }, QUIET);
});
