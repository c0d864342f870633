import { ERROR } from '@meridian/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readMark, writeMark } from './commit-mark.ts';
import { GroupFollow } from './group-follow.ts';
import type { GroupCommit, SourceCommit, TargetCommit } from './messages.ts';

const options = { group: 'billing', from: 'us', to: 'eu', backoffCapMs: 30_000 };
const exact = (offset: number) => ({ status: 'exact', offset }) as const;
const ours = (offset: number) => writeMark({ author: 'us', offset, metadata: '' });

function commit(offset: number, more: Partial<SourceCommit> = {}): SourceCommit {
  const place = {
    topic: 'orders',
    partition: 0,
    counterpart: 'us.orders',
    counterpartId: 'copy',
    isOrigin: true,
    commonEnd: offset,
  };
  return { ...place, offset, metadata: '', translation: exact(offset), ...more };
}

/** One round of the shell: what the machine would commit, with the group empty at the target. */
function round(machine: GroupFollow, source: SourceCommit, target?: Partial<TargetCommit>, state = 'Empty') {
  machine.step({ type: 'source', commits: [source] }, 0);
  const asked = machine.step({ type: 'targetState', state }, 0);
  if (asked.length === 0) return [];
  const commits =
    target === undefined ? [] : [{ topic: 'us.orders', partition: 0, offset: 0, metadata: '', ...target }];
  const [effect] = machine.step({ type: 'target', state, commits }, 0);
  if (effect?.type !== 'commit') return [];
  succeed(machine, effect.offsets);
  return effect.offsets.map(({ offset }) => offset);
}

function succeed(machine: GroupFollow, offsets: readonly GroupCommit[]): void {
  const outcomes = offsets.map(({ topic, partition }) => ({ topic, partition, errorCode: ERROR.NONE }));
  machine.step({ type: 'committed', outcomes }, 0);
}

test('a group at offset 0 is carried: at the target it begins at 0, whatever its reset policy says', () => {
  const machine = new GroupFollow(options);
  expect(round(machine, commit(0))).toEqual([0]);
  expect(machine.status()).toMatchObject([{ sourceOffset: 0, targetOffset: 0, state: 'carried' }]);
});

test('an active group that is missing from the snapshot of empty ones is not rewound while it consumes', () => {
  const machine = new GroupFollow(options);
  expect(round(machine, commit(10), { offset: 50 }, 'Stable')).toEqual([]);
  expect(machine.status()).toMatchObject([{ state: 'live' }]);
  expect(round(machine, commit(20), { offset: 60 }, 'Empty')).toEqual([]);
  expect(machine.status()).toMatchObject([{ state: 'ahead', targetOffset: 60 }]);
});

test('a group that joins between the look and the commit is left alone', () => {
  const machine = new GroupFollow(options);
  machine.step({ type: 'source', commits: [commit(10)] }, 0);
  machine.step({ type: 'target', state: 'Empty', commits: [] }, 0);
  const outcomes = [{ topic: 'us.orders', partition: 0, errorCode: ERROR.UNKNOWN_MEMBER_ID }];
  machine.step({ type: 'committed', outcomes }, 0);
  expect(machine.status()).toMatchObject([{ state: 'live' }]);
});

test('the source offset of an empty partition is never written as it stands', () => {
  const machine = new GroupFollow(options);
  const source = commit(5_000, { translation: { status: 'behind', records: 5_000 }, commonEnd: 0 });
  expect(round(machine, source)).toEqual([0]);
  const gone = commit(5_000, { translation: { status: 'gap', from: 5_000, to: 5_999, offset: 12 } });
  expect(round(machine, gone, { offset: 0, metadata: ours(5_000) })).toEqual([12]);
  expect(machine.status()[0]!.reason).toBe('5000..5999 is not at the target');
});

test('a group of a topic with little traffic is carried to its last record', () => {
  const machine = new GroupFollow(options);
  for (const offset of [1, 2, 3]) {
    const before = offset === 1 ? undefined : { offset: offset - 1, metadata: ours(offset - 1) };
    expect(round(machine, commit(offset), before)).toEqual([offset]);
  }
});

test('a copy that is behind holds the group at its end, and lets it go on as it comes', () => {
  const machine = new GroupFollow(options);
  const behind = (records: number, commonEnd: number) =>
    commit(100, { translation: { status: 'behind', records }, commonEnd });
  expect(round(machine, behind(60, 40))).toEqual([40]);
  expect(machine.status()).toMatchObject([{ state: 'behind', reason: '60 records of it are not copied yet' }]);
  expect(round(machine, behind(60, 40), { offset: 40, metadata: ours(100) })).toEqual([]);
  expect(round(machine, behind(10, 90), { offset: 40, metadata: ours(100) })).toEqual([90]);
  expect(round(machine, commit(100), { offset: 90, metadata: ours(100) })).toEqual([100]);
});

test('no group has a negative lag, and none passes records over: it is put at the end of the copy at most', () => {
  for (let committed = 0; committed < 50; committed++) {
    const end = 20;
    const behind = committed - end;
    const translation = behind > 0 ? ({ status: 'behind', records: behind } as const) : exact(committed);
    const [carried] = round(new GroupFollow(options), commit(committed, { translation, commonEnd: end }));
    expect(carried).toBe(Math.min(committed, end));
  }
});

test('a rewind at the source is followed, as is one of a copy that was cut, while nobody reads at the target', () => {
  const machine = new GroupFollow(options);
  expect(round(machine, commit(100))).toEqual([100]);
  expect(round(machine, commit(30), { offset: 100, metadata: ours(100) })).toEqual([30]);
  const cut = commit(30, { translation: { status: 'behind', records: 20 }, commonEnd: 10 });
  expect(round(machine, cut, { offset: 30, metadata: ours(30) })).toEqual([10]);
});

test('a place that was reached in part, at the end of a copy that was behind, is carried on over an own commit', () => {
  const machine = new GroupFollow(options);
  const behind = commit(63, { translation: { status: 'behind', records: 33 }, commonEnd: 30 });
  expect(round(machine, behind, { offset: 30 })).toEqual([]);
  expect(round(machine, commit(63), { offset: 30 })).toEqual([63]);
});

test('what the group committed at the target itself is never put back, and is passed once only', () => {
  const machine = new GroupFollow(options);
  expect(round(machine, commit(100), { offset: 120 })).toEqual([]);
  expect(round(machine, commit(150), { offset: 120 })).toEqual([150]);
  machine.step({ type: 'source', commits: [commit(150, { partition: 0, commonEnd: 151 })] }, 0);
  // Somebody rewinds it at the target: the same commit does not come again.
  expect(round(machine, commit(150, { translation: exact(151) }), { offset: 20 })).toEqual([]);
  expect(round(machine, commit(160), { offset: 20 })).toEqual([160]);
});

test('fail-back: offsets of the copy come back to the origin, and do not go round', () => {
  const back = new GroupFollow({ ...options, from: 'eu', to: 'us' });
  const own = commit(70, { topic: 'us.orders', counterpart: 'orders', isOrigin: false });
  const at = { topic: 'orders', partition: 0 };
  back.step({ type: 'source', commits: [own] }, 0);
  const [effect] = back.step({ type: 'target', state: 'Empty', commits: [{ ...at, offset: 40, metadata: '' }] }, 0);
  const mark = writeMark({ author: 'eu', offset: 70, metadata: '' });
  expect(effect).toEqual({ type: 'commit', offsets: [{ ...at, offset: 70, metadata: mark, expectedOffset: 40 }] });
  // The other link finds the commit whose author is its own target, though that has gone on or back since.
  const forth = new GroupFollow(options);
  expect(round(forth, commit(70, { metadata: mark }), { offset: 20 })).toEqual([]);
});

test('what a region committed before it was lost comes back with the topic, once nothing is left of it there', () => {
  const machine = new GroupFollow({ ...options, from: 'eu', to: 'us' });
  const mark = writeMark({ author: 'us', offset: 20, metadata: '' });
  const back = commit(20, { topic: 'orders', counterpart: 'us.orders', metadata: mark });
  expect(round(machine, back)).toEqual([20]);
  const again = new GroupFollow({ ...options, from: 'eu', to: 'us' });
  expect(round(again, back, { offset: 10 })).toEqual([]);
  const inPart = { offset: 10, metadata: mark };
  expect(round(new GroupFollow({ ...options, from: 'eu', to: 'us' }), back, inPart)).toEqual([20]);
  expect(round(new GroupFollow({ ...options, from: 'eu', to: 'us' }), { ...back, isOrigin: false })).toEqual([]);
});

test('a commit that has come back in part does not put back what it came from', () => {
  const forth = new GroupFollow(options);
  const mark = writeMark({ author: 'us', offset: 11, metadata: '' });
  expect(round(forth, commit(2, { metadata: mark }), { offset: 12, metadata: mark })).toEqual([]);
  expect(round(forth, commit(14, { metadata: mark }), { offset: 12, metadata: mark })).toEqual([14]);
});

test('a copy that was begun anew gets its groups again', () => {
  const machine = new GroupFollow(options);
  expect(round(machine, commit(10))).toEqual([10]);
  expect(round(machine, commit(10))).toEqual([]);
  expect(round(machine, commit(10, { counterpartId: 'the next copy' }))).toEqual([10]);
});

test('a target that refuses is asked less and less often, and the reason is shown', () => {
  const machine = new GroupFollow(options);
  machine.step({ type: 'source', commits: [commit(10)] }, 0);
  const refused = [{ topic: 'us.orders', partition: 0, errorCode: ERROR.GROUP_AUTHORIZATION_FAILED }];
  const rests: number[] = [];
  for (let nowMs = 0; nowMs < 100_000; nowMs += 1_000) {
    if (machine.step({ type: 'targetState', state: 'Dead' }, nowMs).length === 0) continue;
    rests.push(nowMs);
    machine.step({ type: 'target', state: 'Dead', commits: [] }, nowMs);
    machine.step({ type: 'committed', outcomes: refused }, nowMs);
  }
  expect(rests).toEqual([0, 1_000, 3_000, 7_000, 15_000, 31_000, 61_000, 91_000]);
  expect(machine.status()[0]!.reason).toBe('the target refuses the commit: GROUP_AUTHORIZATION_FAILED');
});

test('a mark is read back with the metadata behind it, and never makes it too long', () => {
  const mark = { author: 'us-east', offset: 2 ** 53 - 1, metadata: 'a\nb é' };
  expect(readMark(writeMark(mark))).toEqual(mark);
  expect(readMark(writeMark({ ...mark, metadata: 'x'.repeat(4_090) }))).toEqual({ ...mark, metadata: '' });
  for (const other of ['', 'meridian:us', 'meridian:us:x', 'my meridian:us:1', 'meridian:us:99999999999999999']) {
    expect(readMark(other)).toBeUndefined();
  }
});

/** A model of both regions with one partition: holes of the copy make its offsets `local(origin)`. */
const actions = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('produce' as const), count: fc.integer({ min: 1, max: 9 }) }),
    fc.record({ kind: fc.constant('copy' as const), count: fc.integer({ min: 1, max: 9 }) }),
    fc.record({ kind: fc.constant('consume' as const), count: fc.integer({ min: 1, max: 9 }) }),
    fc.record({ kind: fc.constant('rewind' as const), count: fc.integer({ min: 1, max: 20 }) }),
    fc.record({ kind: fc.constantFrom('join' as const, 'leave' as const, 'restart' as const), count: fc.constant(0) }),
    fc.record({ kind: fc.constant('consumeThere' as const), count: fc.integer({ min: 1, max: 9 }) }),
    fc.record({ kind: fc.constant('round' as const), count: fc.constant(0) }),
  ),
  { maxLength: 120 },
);

class Model {
  readonly shift: number;
  end = 0;
  copied = 0;
  committed: number | undefined;
  processed = 0;
  there: { offset: number; metadata: string } | undefined;
  isLive = false;
  machine = new GroupFollow(options);
  /** What the group, living at the target, committed last by itself. */
  ownThere = -1;

  constructor(shift: number) {
    this.shift = shift;
  }

  act(kind: string, count: number): void {
    if (kind === 'produce') this.end += count;
    if (kind === 'copy') this.copied = Math.min(this.end, this.copied + count);
    if (kind === 'consume') this.committed = Math.min(this.end, (this.committed ?? 0) + count);
    if (kind === 'rewind') this.committed = Math.max(0, (this.committed ?? 0) - count);
    this.processed = Math.max(this.processed, this.committed ?? 0);
    if (kind === 'join') this.isLive = true;
    if (kind === 'leave') this.isLive = false;
    if (kind === 'restart') this.machine = new GroupFollow(options);
    if (kind === 'consumeThere' && this.isLive) {
      const offset = Math.min(this.copied + this.shift, (this.there?.offset ?? this.shift) + count);
      this.there = { offset, metadata: '' };
      this.ownThere = offset;
    }
    if (kind === 'round') this.round();
  }

  round(): void {
    if (this.committed === undefined) return;
    const behind = this.committed - this.copied;
    const translation =
      behind > 0 ? ({ status: 'behind', records: behind } as const) : exact(this.committed + this.shift);
    const source = commit(this.committed, { translation, commonEnd: this.copied + this.shift });
    this.machine.step({ type: 'source', commits: [source] }, 0);
    const state = this.isLive ? 'Stable' : 'Empty';
    if (this.machine.step({ type: 'targetState', state }, 0).length === 0) return;
    const commits = this.there === undefined ? [] : [{ topic: 'us.orders', partition: 0, ...this.there }];
    for (const effect of this.machine.step({ type: 'target', state, commits }, 0)) {
      if (effect.type === 'commit') this.write(effect.offsets);
    }
  }

  private write(offsets: readonly GroupCommit[]): void {
    expect(this.isLive, 'a live group is left alone').toBe(false);
    for (const { offset, metadata } of offsets) {
      expect(offset, 'never behind its own commit').toBeGreaterThanOrEqual(this.ownThere);
      expect(offset, 'never ahead of the source').toBeLessThanOrEqual(this.processed + this.shift);
      expect(offset, 'never beyond the copy').toBeLessThanOrEqual(this.copied + this.shift);
      this.there = { offset, metadata };
    }
    succeed(this.machine, offsets);
  }
}

test('whatever happens in either region, a group is never rewound nor put ahead, and in the end it is where it was', () => {
  fc.assert(
    fc.property(actions, fc.nat(5), (steps, shift) => {
      const model = new Model(shift);
      for (const { kind, count } of steps) model.act(kind, count);
      model.isLive = false;
      model.copied = model.end;
      for (let rounds = 0; rounds < 2; rounds++) model.round();
      if (model.committed === undefined) return;
      const wanted = model.committed + shift;
      const isOwn = model.there!.metadata === '';
      if (isOwn) expect(model.there!.offset).toBeGreaterThanOrEqual(wanted);
      else expect(model.there!.offset).toBe(wanted);
    }),
    { numRuns: 500 },
  );
});
