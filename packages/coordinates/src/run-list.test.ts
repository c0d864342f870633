import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LIMITS } from './limits.ts';
import type { MarkedRun } from './run-chunk.ts';
import { RunList } from './run-list.ts';

/** What a list is: sorted by local start. */
class NaiveList {
  runs: MarkedRun[] = [];

  put(run: MarkedRun): void {
    this.runs = [...this.runs.filter((each) => each.localStart !== run.localStart), run];
    this.runs.sort((a, b) => a.localStart - b.localStart);
  }

  around(side: 'originStart' | 'localStart', offset: number) {
    return {
      at: this.runs.findLast((run) => run[side] <= offset),
      after: this.runs.find((run) => run[side] > offset),
    };
  }
}

function ascending(count: number, seed: readonly number[]): MarkedRun[] {
  let [originStart, localStart] = [seed[0] ?? 0, 0];
  return Array.from({ length: count }, (_, index) => {
    const draw = seed[index % Math.max(1, seed.length)] ?? 3;
    const run = { originEpoch: draw % 3, originStart, localStart, count: 1 + (draw % 12), mark: draw % 2 };
    originStart += run.count + (draw % 4);
    localStart += run.count + (draw % 5 === 0 ? 1 : 0);
    return run;
  });
}

const seeds = fc.array(fc.nat(1_000), { minLength: 1, maxLength: 40 });
const sizes = fc.integer({ min: 0, max: 3 * LIMITS.chunkRuns });

test('a list holds what was pushed, and finds around every offset what a plain one finds', () => {
  fc.assert(
    fc.property(sizes, seeds, fc.array(fc.nat(10_000), { maxLength: 20 }), (count, seed, offsets) => {
      const [list, naive] = [new RunList(), new NaiveList()];
      for (const run of ascending(count, seed)) {
        list.push(run);
        naive.runs.push(run);
      }
      expect([...list]).toEqual(naive.runs);
      for (const offset of offsets) {
        for (const side of ['originStart', 'localStart'] as const)
          expect(list.around(side, offset)).toEqual(naive.around(side, offset));
      }
    }),
    { numRuns: 60 },
  );
});

const edit = fc.oneof(
  { arbitrary: fc.record({ kind: fc.constant('put'), at: fc.nat(6_000), count: fc.nat(5) }), weight: 4 },
  { arbitrary: fc.record({ kind: fc.constant('remove'), at: fc.nat(1_000), count: fc.constant(0) }), weight: 3 },
  { arbitrary: fc.record({ kind: fc.constant('drop'), at: fc.nat(2_000), count: fc.constant(0) }), weight: 1 },
  { arbitrary: fc.record({ kind: fc.constant('truncate'), at: fc.nat(6_000), count: fc.constant(0) }), weight: 1 },
);

test('edits in the middle, at the front and at the end leave what they leave of a plain list', () => {
  fc.assert(
    fc.property(sizes, seeds, fc.array(edit, { maxLength: 30 }), (size, seed, edits) => {
      const [list, naive] = [new RunList(), new NaiveList()];
      for (const run of ascending(size, seed)) {
        list.push(run);
        naive.runs.push(run);
      }
      for (const { kind, at, count } of edits) apply(kind, at, count, list, naive);
      expect([...list]).toEqual(naive.runs);
      expect(list.size).toBe(naive.runs.length);
      expect(list.last).toEqual(naive.runs.at(-1));
    }),
    { numRuns: 100 },
  );
});

function apply(kind: string, at: number, count: number, list: RunList, naive: NaiveList): void {
  if (kind === 'put') {
    const run = { originEpoch: 1, originStart: at * 2, localStart: at, count, mark: 0 };
    list.put(run);
    naive.put(run);
  } else if (kind === 'remove') {
    const { localStart } = naive.runs[at % Math.max(1, naive.runs.length)] ?? { localStart: at };
    list.remove(localStart);
    naive.runs = naive.runs.filter((run) => run.localStart !== localStart);
  } else if (kind === 'truncate') {
    list.truncate(at);
    naive.runs = naive.runs.filter((run) => run.localStart < at);
  } else {
    const keep = naive.runs.findIndex((run, index) => {
      const next = naive.runs[index + 1];
      return next === undefined || (run.count === 0 ? next.localStart : run.localStart + run.count) > at;
    });
    expect(list.dropEnded(at)).toEqual(naive.runs.slice(0, Math.max(0, keep)).map((run) => run.localStart));
    naive.runs = naive.runs.slice(Math.max(0, keep));
  }
}

test('runs of transactions of ten records take less than six bytes each, offsets at the bound included', () => {
  const list = new RunList();
  for (let n = 0; n < 100_000; n++)
    list.push({ originEpoch: 4, originStart: 5_000_000_000 + n * 11, localStart: n * 10, count: 10, mark: 7 });
  expect(list.packedBytes / list.size).toBeLessThan(6);
  list.push({ originEpoch: 5, originStart: Number.MAX_SAFE_INTEGER - 9, localStart: 1_000_000, count: 9, mark: 7 });
  for (let n = 0; n < 600; n++)
    list.push({ originEpoch: 5, originStart: Number.MAX_SAFE_INTEGER, localStart: 2_000_000 + n, count: 1, mark: 7 });
  expect(list.around('localStart', 1_000_004).at).toMatchObject({ originStart: Number.MAX_SAFE_INTEGER - 9, count: 9 });
});
