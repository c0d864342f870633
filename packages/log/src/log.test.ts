import { createSimWorld } from '@meridian/io/sim';
import { iterateBatches, readRecords, writeBatch } from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import { type Log, openLog } from './log.ts';

const batch = (baseOffset: number, values: string[], extra: object = {}): Buffer =>
  Buffer.from(
    writeBatch({
      baseOffset,
      records: values.map((value, index) => ({ timestamp: 1000 + baseOffset + index, value: Buffer.from(value) })),
      ...extra,
    }),
  );

const values = (log: Log, from: number, maxBytes = 1e6): string[] =>
  log
    .read(from, { maxBytes, minOneBatch: true })
    .buffers.flatMap((buffer) => [...iterateBatches(buffer)])
    .flatMap((view) => [...readRecords(view.bytes)])
    .map((record) => Buffer.from(record.value!).toString());

test('what is appended can be read at once, and is on disk after the turn', async () => {
  const world = createSimWorld({ seed: 1 });
  const node = world.node('a');
  const log = openLog({ io: node.boot(), folder: '/data/t-0' });
  expect(log.append([batch(0, ['a', 'b']), batch(2, ['c'])], 4)).toEqual({ firstOffset: 0, lastOffset: 2 });
  expect(log.endOffset).toBe(3);
  expect(log.writtenEnd).toBe(0);
  expect(values(log, 0)).toEqual(['a', 'b', 'c']);
  let progressed = 0;
  log.onProgress = () => {
    progressed += 1;
  };
  await world.run(10);
  expect([log.writtenEnd, log.durableEnd, progressed]).toEqual([3, 0, 1]);
  await world.settle(log.flush());
  expect(log.durableEnd).toBe(3);
  node.kill();
  const again = openLog({ io: node.boot(), folder: '/data/t-0' });
  expect(again.endOffset).toBe(3);
  expect(values(again, 2)).toEqual(['c']);
  expect(again.epochs.latestEpoch).toBe(4);
});
