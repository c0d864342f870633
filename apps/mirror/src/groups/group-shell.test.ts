import type { CommitOutcome, CommittedOffset, GroupAdmin, GroupListing, OffsetToCommit } from '@meridian/client';
import { silentLogger } from '@meridian/io';
import { createSimWorld } from '@meridian/io/sim';
import { ERROR } from '@meridian/protocol';
import { expect, test } from 'vitest';
import { DEFAULT_LIMITS } from '../limits.ts';
import { GroupShell, type GroupTranslator } from './group-shell.ts';

/** A region's groups in memory. `away`: groups whose coordinator does not answer; `isDown`: nobody does. */
class Groups implements GroupAdmin {
  readonly states = new Map<string, string>();
  readonly offsets = new Map<string, Map<string, CommittedOffset>>();
  readonly away = new Set<string>();
  onCommit: ((group: string) => void) | undefined;
  canList = true;
  isDown = false;
  reads = 0;

  commit(group: string, topic: string, offset: number, state = 'Empty'): void {
    this.states.set(group, state);
    this.write(group, { topic, partition: 0, offset });
  }

  at(group: string, topic: string): number | undefined {
    return this.offsets.get(group)?.get(`${topic} 0`)?.offset;
  }

  async groupMembers(): Promise<[]> {
    return [];
  }

  async listGroups(): Promise<GroupListing[]> {
    if (!this.canList) throw new Error('a broker does not answer');
    return [...this.states].map(([group, state]) => ({ group, state, protocolType: 'consumer' }));
  }

  async committedOffsets(groups: readonly string[]): Promise<Map<string, CommittedOffset[]>> {
    this.reads++;
    if (this.isDown) throw new Error('the region does not answer');
    const answering = groups.filter((group) => !this.away.has(group));
    return new Map(answering.map((group) => [group, [...(this.offsets.get(group)?.values() ?? [])]]));
  }

  async commitOffsets(group: string, offsets: readonly OffsetToCommit[]): Promise<CommitOutcome[]> {
    if (this.away.has(group)) throw new Error('the coordinator does not answer');
    this.onCommit?.(group);
    for (const offset of offsets) this.write(group, offset);
    return offsets.map(({ topic, partition }) => ({ topic, partition, errorCode: ERROR.NONE }));
  }

  private write(group: string, { topic, partition, offset, metadata = '' }: OffsetToCommit): void {
    const commits = this.offsets.get(group) ?? new Map<string, CommittedOffset>();
    commits.set(`${topic} ${partition}`, { topic, partition, offset, leaderEpoch: -1, metadata });
    this.offsets.set(group, commits);
  }
}

function stage(limits = {}, more: { comparesCommits?: boolean } = {}) {
  const world = createSimWorld({ seed: 1 });
  const source = new Groups();
  const target = new Groups();
  const copies = { end: 1_000 };
  /** Copies lie one offset behind; topics called `local…` have none. */
  const translator: GroupTranslator = {
    translate: async (commits) =>
      commits.map(({ topic, offset }) => {
        if (topic.startsWith('local')) return undefined;
        const translation =
          offset <= copies.end
            ? ({ status: 'exact', offset: offset + 1 } as const)
            : ({ status: 'behind', records: offset - copies.end } as const);
        return {
          counterpart: `us.${topic}`,
          counterpartId: 'copy',
          isOrigin: true,
          translation,
          commonEnd: copies.end + 1,
        };
      }),
  };
  const shell = new GroupShell({
    io: world.node('mirror').boot(),
    log: silentLogger,
    limits: { ...DEFAULT_LIMITS, ...limits },
    from: 'us',
    to: 'eu',
    follows: (group) => !group.startsWith('__'),
    source,
    target,
    comparesCommits: true,
    translator,
    ...more,
  });
  return { world, source, target, shell, copies };
}

test('a group that is idle at the target is there within two seconds, wherever it is', async () => {
  const { world, source, target, shell } = stage();
  shell.start();
  source.commit('billing', 'orders', 0, 'Stable');
  source.commit('__meridian-mirror', 'orders', 5);
  source.commit('audit', 'local.orders', 7);
  await world.run(world.now() + 1_500);
  expect([...target.offsets.keys()]).toEqual(['billing']);
  for (const offset of [400, 20, 5_000]) {
    source.commit('billing', 'orders', offset, 'Stable');
    await world.run(world.now() + 2_000);
    expect(target.at('billing', 'us.orders')).toBe(Math.min(offset, 1_000) + 1);
  }
  expect(shell.status()).toMatchObject([{ group: 'billing', state: 'behind', sourceOffset: 5_000 }]);
  await shell.stop();
});

test('while a broker of the source is down the other groups go on, and all do when it is back', async () => {
  const { world, source, target, shell } = stage();
  shell.start();
  source.commit('billing', 'orders', 10);
  source.commit('audit', 'orders', 10);
  await world.run(world.now() + 2_000);
  source.canList = false;
  source.away.add('billing');
  const minutes = 30;
  for (let minute = 1; minute <= minutes; minute++) {
    source.commit('billing', 'orders', 10 + minute);
    source.commit('audit', 'orders', 10 + minute);
    await world.run(world.now() + 60_000);
    expect([target.at('audit', 'us.orders'), target.at('billing', 'us.orders')]).toEqual([11 + minute, 11]);
  }
  expect(shell.trouble).toContain("the source's groups cannot be listed");
  source.canList = true;
  source.away.clear();
  await world.run(world.now() + 2_000);
  expect(target.at('billing', 'us.orders')).toBe(11 + minutes);
  expect(shell.trouble).toBeNull();
  await shell.stop();
});

test('a region that is lost leaves its groups where the copies end, as far as those have come since', async () => {
  const { world, source, target, shell, copies } = stage();
  shell.start();
  copies.end = 500;
  source.commit('billing', 'orders', 800);
  await world.run(world.now() + 2_000);
  expect(target.at('billing', 'us.orders')).toBe(501);
  source.canList = false;
  source.isDown = true;
  copies.end = 700;
  await world.run(world.now() + 2_000);
  expect(target.at('billing', 'us.orders')).toBe(701);
  await shell.stop();
});

test('a coordinator of the target that is away holds up its own groups only', async () => {
  const { world, source, target, shell } = stage();
  shell.start();
  target.away.add('billing');
  target.canList = false;
  source.commit('billing', 'orders', 10);
  source.commit('audit', 'orders', 10);
  await world.run(world.now() + 2_000);
  expect(target.at('audit', 'us.orders')).toBe(11);
  expect(shell.trouble).toContain("the target's groups cannot be listed");
  target.canList = true;
  await world.run(world.now() + 2_000);
  expect(shell.trouble).toBe('1 groups cannot be read at the target');
  target.away.clear();
  await world.run(world.now() + 2_000);
  expect(target.at('billing', 'us.orders')).toBe(11);
  await shell.stop();
});

test('groups that do not move cost one reading of the source a round', async () => {
  const { world, source, target, shell } = stage();
  shell.start();
  for (const group of ['a', 'b', 'c']) source.commit(group, 'orders', 3);
  await world.run(world.now() + 20_000);
  expect(target.reads).toBe(1);
  expect(source.reads).toBeLessThanOrEqual(21);
  await shell.stop();
});

test('where commits are not compared, groups are read right before they are committed, however many there are', async () => {
  const { world, source, target, shell } = stage({ groupCommits: 4 }, { comparesCommits: false });
  for (let group = 10; group < 40; group++) source.commit(`g${group}`, 'orders', 10);
  target.onCommit = (group) => {
    if (group === 'g10') target.commit('g39', 'us.orders', 900); // somebody came, read, and left again
  };
  shell.start();
  await world.run(world.now() + 2_000);
  expect(target.at('g38', 'us.orders')).toBe(11);
  expect(target.at('g39', 'us.orders')).toBe(900);
  await shell.stop();
});

test('groups beyond the bound are told of, not silently left behind', async () => {
  const { world, source, target, shell } = stage({ maxGroups: 2 });
  shell.start();
  for (const group of ['a', 'b', 'c']) source.commit(group, 'orders', 3);
  await world.run(world.now() + 2_000);
  expect([...target.offsets.keys()]).toEqual(['a', 'b']);
  expect(shell.trouble).toBe('1 groups are beyond 2, and not carried');
  await shell.stop();
});
