import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { CopyView } from './copy-view.ts';
import { FollowedRuns } from './followed-runs.ts';
import { RunTable } from './run-table.ts';
import { translateOffset } from './translate.ts';

const ORIGIN = 'the origin';
const tenure = { producerId: 7, producerEpoch: 1, localStart: 0 };

/** What lies at each offset of the origin: a record, or nothing (a control batch, an aborted one, compacted away). */
type Kind = 'record' | 'hole';
const origins: fc.Arbitrary<Kind[]> = fc.array(fc.constantFrom<Kind>('record', 'record', 'record', 'hole'), {
  maxLength: 120,
});
/** Where markers of take-overs lie in a copy (before which record), how far it has come, and what it has deleted. */
const lives = fc.record({ markers: fc.array(fc.nat(120), { maxLength: 6 }), copied: fc.nat(120), deleted: fc.nat(40) });
type Life = { markers: number[]; copied: number; deleted: number };

interface Naive {
  readonly view: CopyView;
  /** By local offset: the origin's offset of the record there. */
  readonly records: Map<number, number>;
}

/** A re-based copy, record by record, and the runs that a mirror would have written of it. */
function rebased(kinds: Kind[], { markers, copied, deleted }: Life, stored: boolean): Naive {
  const records = new Map<number, number>();
  const [table, followed] = [new RunTable(), new FollowedRuns()];
  let local = 0;
  for (const [offset, kind] of kinds.slice(0, copied).entries()) {
    if (kind === 'hole') continue;
    for (const marker of markers) if (marker === offset) local++;
    records.set(local, offset);
    table.append({ originEpoch: 0, originStart: offset, localStart: local, count: 1 });
    local++;
  }
  const end = Math.min(copied, kinds.length);
  table.skip(end, local);
  for (const run of table.list()) followed.apply({ type: 'put', run: { ...run, tenure } });
  followed.apply({ type: 'skipped', originEnd: end, localEnd: local });
  const start = Math.min(deleted, local);
  table.trim(start);
  return {
    view: { originTopicId: ORIGIN, runs: stored ? followed.between(start, local) : table, start, end: local },
    records,
  };
}

/** A copy with the origin's offsets. */
function same(kinds: Kind[], { copied, deleted }: Life): Naive {
  const end = Math.min(copied, kinds.length);
  const records = new Map(kinds.slice(0, end).flatMap((kind, at) => (kind === 'record' ? [[at, at] as const] : [])));
  return { view: { originTopicId: ORIGIN, runs: 'same', start: Math.min(deleted, end), end }, records };
}

/** Record by record: who has read everything before `position` at `from`, what is the first that it misses at `to`? */
function firstUnread(from: Naive, to: Naive, position: number): number | undefined {
  const read = [...from.records].filter(([at]) => at < position).map(([, origin]) => origin);
  const last = Math.max(-1, ...read);
  const ahead = [...to.records].filter(([at, origin]) => origin > last && at >= to.view.start);
  return ahead.sort(([a], [b]) => a - b)[0]?.[0];
}

const makers = {
  same,
  table: (k: Kind[], l: Life) => rebased(k, l, false),
  stored: (k: Kind[], l: Life) => rebased(k, l, true),
};
const pairs = Object.keys(makers).flatMap((a) => Object.keys(makers).map((b) => [a, b] as const));

test.each(pairs)('from %s to %s no record is read again and none is passed over, whatever the holes', (a, b) => {
  fc.assert(
    fc.property(origins, lives, lives, (kinds, lifeA, lifeB) => {
      const from = makers[a as keyof typeof makers](kinds, { ...lifeA, deleted: 0 });
      const to = makers[b as keyof typeof makers](kinds, lifeB);
      for (let position = from.view.start; position <= from.view.end; position++) {
        const found = translateOffset(from.view, to.view, position);
        const wanted = firstUnread(from, to, position);
        if (found.status === 'behind') {
          expect(wanted).toBeUndefined();
          continue;
        }
        // Between the answer and the first unread record nothing lies but holes.
        const between = [...to.records.keys()].filter((at) => at >= found.offset && at < (wanted ?? found.offset));
        expect(between).toEqual([]);
        expect(found.offset).toBeLessThanOrEqual(wanted ?? to.view.end);
        if (wanted === undefined) expect([...to.records.keys()].filter((at) => at >= found.offset)).toEqual([]);
        if (found.status === 'exact') continue;
        const missed = [...to.records].filter(
          ([at, origin]) => at < to.view.start && originAtLeast(from, position, origin),
        );
        expect(missed.length > 0 || found.from < to.view.start || b !== 'same').toBe(true);
      }
    }),
    { numRuns: 150 },
  );
});

function originAtLeast(from: Naive, position: number, origin: number): boolean {
  const read = [...from.records].filter(([at]) => at < position).map(([, each]) => each);
  return origin > Math.max(-1, ...read);
}

test('an offset older than everything that was ever written down about the copy translates exactly', () => {
  const kinds: Kind[] = Array.from({ length: 100_000 }, (_, at) => (at % 11 === 10 ? 'hole' : 'record'));
  const life = { markers: [5, 50_000], copied: 100_000, deleted: 0 };
  const from = same(kinds, life);
  for (const to of [rebased(kinds, life, false), rebased(kinds, life, true)]) {
    for (const lag of [0, 1, 10, 1_000, 99_999, 100_000]) {
      const position = 100_000 - lag;
      const found = translateOffset(from.view, to.view, position);
      const read = kinds.slice(0, position).filter((kind) => kind === 'record').length;
      const markers = life.markers.filter((at) => at <= position).length;
      expect(found.status).toBe('exact');
      expect((found as { offset: number }).offset).toBeGreaterThanOrEqual(read);
      expect((found as { offset: number }).offset).toBeLessThanOrEqual(read + markers);
    }
  }
});

test('what the far side has deleted, and what the origin lost, is a gap in the coordinates of the question', () => {
  const kinds: Kind[] = Array.from({ length: 100 }, () => 'record');
  const life = { markers: [3, 3, 3, 3, 3], copied: 100, deleted: 0 };
  const from = rebased(kinds, life, true); // from its fourth record on it lies five behind the origin
  const to = { ...same(kinds, { ...life, deleted: 40 }).view, lost: [{ from: 60, to: 69 }] };
  expect(translateOffset(from.view, to, 30)).toEqual({ status: 'gap', from: 30, to: 44, offset: 40 });
  expect(translateOffset(from.view, to, 45)).toEqual({ status: 'exact', offset: 40 });
  expect(translateOffset(from.view, to, 67)).toEqual({ status: 'gap', from: 67, to: 74, offset: 70 });
  expect(translateOffset(from.view, to, 105)).toEqual({ status: 'exact', offset: 100 });
  expect(translateOffset(from.view, { ...to, end: 90 }, 105)).toEqual({ status: 'behind', records: 10 });
});

test('what the origin wrote after its copy was promoted never comes, and says so', () => {
  const from = { originTopicId: ORIGIN, runs: 'same', start: 0, end: 120 } as const;
  const to = { originTopicId: ORIGIN, runs: 'same', start: 0, end: 300, cut: 100 } as const;
  expect(translateOffset(from, to, 100)).toEqual({ status: 'exact', offset: 100 });
  expect(translateOffset(from, to, 110)).toEqual({ status: 'gap', from: 110, to: 119, offset: 100 });
  expect(translateOffset(from, to, 120)).toEqual({ status: 'exact', offset: 100 });
  expect(translateOffset(to, from, 100)).toEqual({ status: 'exact', offset: 100 });
  expect(translateOffset(to, from, 150)).toEqual({ status: 'behind', records: 50 });
});
