import { createSimWorld } from '@meridian/io/sim';
import { expect, test } from 'vitest';
import { EpochList } from './epoch-list.ts';

const PATH = '/leader-epoch-checkpoint';
const disk = () => createSimWorld({ seed: 1 }).node('a').boot().disk;
function listOf(...entries: [number, number][]): EpochList {
  const list = new EpochList(disk(), PATH, () => 100);
  for (const [epoch, startOffset] of entries) list.assign(epoch, startOffset);
  return list;
}

test('the end of an epoch is where the next one begins, of the last the end of the log', () => {
  const list = listOf([2, 0], [5, 40], [6, 70]);
  expect(list.endOffsetFor(2)).toEqual({ epoch: 2, endOffset: 40 });
  expect(list.endOffsetFor(6)).toEqual({ epoch: 6, endOffset: 100 });
});

test('an epoch that was never here is answered by the largest below it; one above or below all as Kafka does', () => {
  const list = listOf([2, 10], [5, 40]);
  expect(list.endOffsetFor(4)).toEqual({ epoch: 2, endOffset: 40 });
  expect(list.endOffsetFor(7)).toEqual({ epoch: -1, endOffset: -1 });
  expect(list.endOffsetFor(1)).toEqual({ epoch: 1, endOffset: 10 });
  expect(listOf().endOffsetFor(0)).toEqual({ epoch: -1, endOffset: -1 });
});

test('older epochs change nothing, and an epoch without records gives way to the next', () => {
  const list = listOf([2, 0], [1, 50], [3, 60], [4, 60]);
  expect(list.entries).toEqual([
    { epoch: 2, startOffset: 0 },
    { epoch: 4, startOffset: 60 },
  ]);
  expect([list.epochAt(0), list.epochAt(59), list.epochAt(60)]).toEqual([2, 2, 4]);
});

test('cutting the end forgets epochs, cutting the start moves the one in force', () => {
  const list = listOf([1, 0], [2, 30], [3, 60]);
  list.truncateFromEnd(60);
  expect(list.latestEpoch).toBe(2);
  list.truncateFromStart(40);
  expect(list.entries).toEqual([{ epoch: 2, startOffset: 40 }]);
  list.truncateFromStart(35);
  expect(list.entries).toEqual([{ epoch: 2, startOffset: 40 }]);
});

test('the file is Kafka’s text, and comes back the same', () => {
  const files = disk();
  const list = new EpochList(files, PATH, () => 100);
  list.assign(3, 0);
  list.assign(4, 17);
  list.save();
  expect(files.readFile(PATH).toString()).toBe('0\n2\n3 0\n4 17\n');
  const again = new EpochList(files, PATH, () => 100);
  again.load(true);
  expect(again.entries).toEqual(list.entries);
});

test.each([
  ['', 'corrupt-checkpoint'],
  ['0\n2\n1 0\n', 'corrupt-checkpoint'],
  ['0\n1\n1 0', 'corrupt-checkpoint'],
  ['0\n1\n1 -4\n', 'corrupt-checkpoint'],
  ['0\n1\n1 9007199254740992\n', 'corrupt-checkpoint'],
  ['0\n2\n2 0\n1 5\n', 'corrupt-checkpoint'],
  ['0\n2\n1 9\n2 5\n', 'corrupt-checkpoint'],
  ['0\n99999999\n', 'corrupt-checkpoint'],
  ['x\n0\n', 'corrupt-checkpoint'],
  ['1\n0\n', 'newer-format'],
])('a file that says %j is refused', (content, code) => {
  const files = disk();
  files.replaceFile(PATH, Buffer.from(content));
  expect(() => new EpochList(files, PATH, () => 0).load(true)).toThrow(expect.objectContaining({ code }));
});
