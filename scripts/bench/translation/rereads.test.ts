/** Counting what a group that moves to a copy reads again, and what it never reads. */
import { expect, test } from 'vitest';
import { moved, type Readable, sourceOffsets } from './rereads.ts';

/** Records number 0, 1, … at these offsets. */
const at = (...offsets: number[]): Readable => ({
  offsets: Float64Array.from(offsets),
  numbers: Float64Array.from(offsets.keys()),
});
const below = (committed: number, source: Readable) => {
  const places = sourceOffsets(source, source.offsets.length);
  return (number: number) => places[number]! < committed;
};

test('a group that goes on at the same record reads nothing again and skips nothing', () => {
  expect(moved(below(5, at(0, 1, 5, 6)), at(10, 11, 12, 13), 12)).toEqual({ rereads: 0, skipped: 0 });
});

test('an offset in a hole is as good as the next record', () => {
  expect(moved(below(3, at(0, 1, 5, 6)), at(10, 11, 14, 15), 13)).toEqual({ rereads: 0, skipped: 0 });
});

test('a group that was put too far back reads again, one too far ahead skips', () => {
  const source = at(0, 1, 2, 3);
  expect(moved(below(3, source), source, 1)).toEqual({ rereads: 2, skipped: 0 });
  expect(moved(below(1, source), source, 3)).toEqual({ rereads: 0, skipped: 2 });
});

test('a record that the source has compacted away lay where its number says', () => {
  const source = { offsets: Float64Array.of(0, 2), numbers: Float64Array.of(0, 2) };
  expect([...sourceOffsets(source, 3)]).toEqual([0, 1, 2]);
});
