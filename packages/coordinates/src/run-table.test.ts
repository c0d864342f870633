import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Run, RunTable } from './run-table.ts';

const run = (originEpoch: number, originStart: number, localStart: number, count: number): Run => ({
  originEpoch,
  originStart,
  localStart,
  count,
});
const exact = (offset: number) => ({ status: 'exact', offset });

function threeRuns(): RunTable {
  const table = new RunTable();
  table.append(run(1, 100, 0, 10)); // 100..109 at 0..9
  table.append(run(1, 111, 10, 5)); // a control batch at 110
  table.append(run(1, 116, 16, 4)); // a take-over's marker at 15
  return table;
}

test('records that go on where the last run ends extend it, whatever their number', () => {
  const table = new RunTable();
  expect(table.append(run(1, 7, 0, 10))).toBeDefined();
  for (let at = 10; at < 10_000; at += 10) expect(table.append(run(1, 7 + at, at, 10))).toBeUndefined();
  expect(table.list()).toEqual([run(1, 7, 0, 10_000)]);
});

test('a hole on either side and a new origin epoch begin a run', () => {
  const table = threeRuns();
  table.append(run(2, 120, 20, 1));
  expect(table.list().map((each) => each.localStart)).toEqual([0, 10, 16, 20]);
});

test('an offset in a hole goes on at the first record behind it, on both sides', () => {
  const table = threeRuns();
  expect(table.toLocal(109)).toEqual(exact(9));
  expect(table.toLocal(110)).toEqual(exact(10));
  expect(table.toLocal(116)).toEqual(exact(16));
  expect(table.toOrigin(15)).toEqual(exact(116));
  expect(table.toOrigin(10)).toEqual(exact(111));
});

test('the end translates exactly, what lies behind it is behind by so many offsets', () => {
  const table = threeRuns();
  expect(table.toLocal(120)).toEqual(exact(20));
  expect(table.toLocal(125)).toEqual({ status: 'behind', records: 5 });
  table.skip(125, 21);
  expect(table.toLocal(125)).toEqual(exact(21));
  expect(table.toOrigin(21)).toEqual(exact(125));
  expect(table.toOrigin(22)).toEqual({ status: 'behind', records: 1 });
});

test('a position below the first record is at it, if nothing was there, markers of our own included', () => {
  const table = new RunTable();
  table.append(run(0, 3, 1, 5));
  expect(table.toLocal(0)).toEqual(exact(1));
  expect(table.toOrigin(0)).toEqual(exact(3));
});

test('what the copy never had and what it does not have any more is a gap up to its start', () => {
  const table = new RunTable();
  table.lose({ from: 0, to: 99 });
  for (const each of threeRuns().list()) table.append(each);
  expect(table.toLocal(40)).toEqual({ status: 'gap', from: 40, to: 99, offset: 0 });
  expect(table.trim(12)).toEqual([0]);
  expect(table.toLocal(105)).toEqual({ status: 'gap', from: 105, to: 112, offset: 12 });
  expect(table.toLocal(113)).toEqual(exact(12));
  expect(table.toOrigin(3)).toEqual({ status: 'gap', from: 3, to: 11, offset: 113 });
});

test('a trimmed table keeps its last run, which tells where the copy goes on', () => {
  const table = threeRuns();
  expect(table.trim(20)).toEqual([0, 10]);
  expect(table.size).toBe(1);
  expect(table.originEnd).toBe(120);
});

test('a lost range is a gap up to its end, not a hole', () => {
  const table = threeRuns();
  table.lose({ from: 120, to: 129 });
  table.append(run(1, 130, 20, 1));
  expect(table.toLocal(123)).toEqual({ status: 'gap', from: 123, to: 129, offset: 20 });
  expect(table.toLocal(130)).toEqual(exact(20));
});

test('a record of another origin epoch is not the one that was asked for', () => {
  expect(threeRuns().toLocal(105, 3)).toEqual({ status: 'gap', from: 105, to: 105, offset: 6 });
  expect(threeRuns().toLocal(105, 1)).toEqual(exact(5));
});

test('a copy that was cut forgets what lay behind and begins a run', () => {
  const table = threeRuns();
  table.truncate(12);
  expect(table.list()).toEqual([run(1, 100, 0, 10), run(1, 111, 10, 2)]);
  expect(table.originEnd).toBe(113);
  expect(table.append(run(1, 113, 13, 1))).toBeDefined();
});

test('a sealed run is not extended', () => {
  const table = threeRuns();
  table.seal();
  expect(table.append(run(1, 120, 20, 1))).toBeDefined();
});

/** Steps of a random copy: a record, or a hole on one side, or both. */
const steps = fc.array(fc.constantFrom('record', 'record', 'record', 'originHole', 'localHole', 'epoch'), {
  maxLength: 200,
});

test('whatever the holes, every offset translates to the first record at or behind it, both ways', () => {
  fc.assert(
    fc.property(steps, fc.nat(50), (kinds, first) => {
      const table = new RunTable();
      const pairs: [number, number][] = [];
      let [origin, local, epoch, breaks] = [first, 0, 0, 1];
      for (const kind of kinds) {
        if (kind !== 'record') breaks++;
        if (kind === 'originHole') origin++;
        else if (kind === 'localHole') local++;
        else if (kind === 'epoch') epoch++;
        else {
          table.append(run(epoch, origin, local, 1));
          pairs.push([origin++, local++]);
        }
      }
      expect(table.size).toBeLessThanOrEqual(breaks);
      if (pairs.length === 0) return;
      const [lastOrigin, lastLocal] = pairs.at(-1)!;
      for (let at = pairs[0]![0]; at <= lastOrigin; at++) {
        expect(table.toLocal(at)).toEqual(exact(pairs.find(([from]) => from >= at)![1]));
      }
      for (let at = pairs[0]![1]; at <= lastLocal; at++) {
        expect(table.toOrigin(at)).toEqual(exact(pairs.find(([, to]) => to >= at)![0]));
      }
    }),
    { numRuns: 200 },
  );
});

test('a table of what was stored translates as the one that was stored did, lost ranges and skipped ends included', () => {
  const before = threeRuns();
  before.lose({ from: 120, to: 129 });
  before.append(run(2, 130, 20, 5));
  before.lose({ from: 140, to: 149 });
  before.skip(151, 27);
  const stored = {
    runs: before.list(),
    lost: [
      { from: 120, to: 129 },
      { from: 140, to: 149 },
    ],
    skipped: { originEnd: 151, localEnd: 27 },
  };
  const after = RunTable.from(stored);
  for (let at = 90; at < 155; at++) expect(after.toLocal(at)).toEqual(before.toLocal(at));
  for (let at = 0; at < 30; at++) expect(after.toOrigin(at)).toEqual(before.toOrigin(at));
});
