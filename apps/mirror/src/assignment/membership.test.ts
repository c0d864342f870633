import type { Client, DescribedMember, GroupMember, GroupMemberOptions } from '@meridian/client';
import { silentLogger } from '@meridian/io';
import { createSimWorld } from '@meridian/io/sim';
import { expect, test } from 'vitest';
import { DEFAULT_LIMITS } from '../limits.ts';
import { Membership, MIRROR_GROUP } from './membership.ts';

/** The name of a mirror, and what the coordinator has told it of all. */
const member = (name: string, roll: readonly string[], called = name): DescribedMember => ({
  memberId: `id of ${called}`,
  metadata: Buffer.from(name),
  assignment: roll.length === 0 ? Buffer.alloc(0) : Buffer.from(JSON.stringify([called, roll])),
});

/** A group at Apache Kafka, in which a mirror called m1 begins; nobody is let in before `joined`. */
function begin(state: string | undefined, members: readonly DescribedMember[] = []) {
  const world = createSimWorld({ seed: 1 });
  const asked: string[] = [];
  let joined: GroupMemberOptions | undefined;
  let leaseAgeMs = Number.POSITIVE_INFINITY;
  const groups = state === undefined ? [] : [{ group: MIRROR_GROUP, state, protocolType: '' }];
  const client: Pick<Client, 'listGroups' | 'groupMembers' | 'joinGroup'> = {
    listGroups: async () => groups,
    groupMembers: async () => {
      asked.push('members');
      return [...members];
    },
    joinGroup: (options) => {
      asked.push('join');
      joined = options;
      return { leaseAgeMs: () => leaseAgeMs, leave: async () => undefined } as unknown as GroupMember;
    },
  };
  const membership = new Membership({
    ...{ io: world.node('mirror').boot(), log: silentLogger, limits: DEFAULT_LIMITS },
    ...{ client: client as Client, memberId: 'm1', mayBeginUnheard: false, onChange: () => undefined },
  });
  const assigned = (roll: readonly string[]): void => {
    leaseAgeMs = 0;
    const bytes = Buffer.from(JSON.stringify(['m1', roll]));
    joined!.onAssigned({ bytes, generation: 2, memberId: 'id', isLeader: false });
  };
  const lost = (): void => {
    leaseAgeMs = Number.POSITIVE_INFINITY;
    joined!.onLost('a test');
  };
  return { world, share: membership.share, asked, assigned, lost, run: (ms: number) => world.run(world.now() + ms) };
}

test('a group without members is begun with at once', async () => {
  for (const state of [undefined, 'Empty', 'Dead']) {
    const { share, run } = begin(state);
    await run(10);
    expect([share.state, share.members]).toEqual(['alone', ['m1']]);
  }
});

test('a mirror that finds the one of its name goes on with what that was told, before it is let in', async () => {
  const { share, run, asked, assigned } = begin('Stable', [member('m2', ['m1', 'm2']), member('m1', ['m1', 'm2'])]);
  await run(10);
  expect([share.state, share.name, share.members, asked]).toEqual(['sharing', 'm1', ['m1', 'm2'], ['members', 'join']]);
  assigned(['m1', 'm2', 'm3']);
  await run(10_000);
  expect([share.state, share.members]).toEqual(['sharing', ['m1', 'm2', 'm3']]);
});

test('others, and a rebalance under way, are waited for; so are two of its name', async () => {
  const groups = [
    begin('Stable', [member('m2', ['m2'])]),
    begin('PreparingRebalance', [member('', [])]),
    begin('Stable', [member('m1', ['m1', 'm1/x']), member('m1', ['m1', 'm1/x'], 'm1/x')]),
  ];
  for (const { share, run, assigned } of groups) {
    await run(3_000);
    expect(share.state).toBe('waiting');
    assigned(['m1']);
    expect(share.state).toBe('sharing');
  }
});

test('what was inherited is good for the lease only, and for nothing once there was word of ourselves', async () => {
  const late = begin('Stable', [member('m1', ['m1'])]);
  await late.run(DEFAULT_LIMITS.leaseMs + 2 * DEFAULT_LIMITS.heartbeatMs);
  expect(late.share.state).toBe('stopped');
  const { share, run, assigned, lost } = begin('Stable', [member('m1', ['m1'])]);
  await run(10);
  assigned(['m1']);
  lost();
  await run(1_000);
  expect(share.state).toBe('stopped');
});
