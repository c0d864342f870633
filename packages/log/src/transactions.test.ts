import { createSimWorld } from '@meridian/io/sim';
import { writeBatch } from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import { type Log, openLog } from './log.ts';
import { valuesIn } from './test-batches.ts';

const FOLDER = '/data/topic-0';
const [ABORT, COMMIT] = [0, 1];

function setting(segmentBytes = 1e6) {
  const world = createSimWorld({ seed: 11 });
  const node = world.node('broker');
  const open = () => openLog({ io: node.boot(), folder: FOLDER, config: { segmentBytes } });
  return { world, node, open, log: open() };
}

function write(log: Log, producerId: number, value: string): void {
  const records = [{ timestamp: 1000, value: Buffer.from(value) }];
  const given = { baseOffset: log.endOffset, records, producerId, producerEpoch: 0, baseSequence: 0 };
  log.appendMirrored([Buffer.from(writeBatch({ ...given, transactional: true }))], 1);
}

function mark(log: Log, producerId: number, type: number | undefined): void {
  const records = [{ timestamp: 1000, key: Buffer.from([0, 0, 0, type!]), value: Buffer.from([0, 0, 0, 0, 0, 7]) }];
  const given = {
    baseOffset: log.endOffset,
    records,
    producerId,
    producerEpoch: 0,
    transactional: true,
    control: true,
  };
  log.appendMirrored([Buffer.from(writeBatch(given))], 1);
}

test('what is stable ends where the first open transaction begins, or the first that ended above the high watermark', () => {
  const { log } = setting();
  write(log, 1, 'a');
  write(log, 2, 'b');
  write(log, 1, 'c');
  expect(log.lastStableOffset(3)).toBe(0);
  mark(log, 1, COMMIT);
  expect(log.lastStableOffset(3)).toBe(0);
  log.committed(4);
  expect(log.lastStableOffset(4)).toBe(1);
  mark(log, 2, ABORT);
  log.committed(5);
  expect(log.lastStableOffset(5)).toBe(5);
});

test('aborted transactions are told to whoever reads their records, and to nobody else', () => {
  const { log } = setting(300);
  write(log, 1, 'a');
  for (let count = 0; count < 6; count++) write(log, 2, 'b');
  mark(log, 1, ABORT);
  mark(log, 2, COMMIT);
  write(log, 1, 'c');
  mark(log, 1, ABORT);
  expect(log.abortedTransactions(0, 11)).toEqual([
    { producerId: 1, firstOffset: 0 },
    { producerId: 1, firstOffset: 9 },
  ]);
  expect(log.abortedTransactions(2, 9)).toEqual([{ producerId: 1, firstOffset: 0 }]);
  expect(log.abortedTransactions(8, 11)).toEqual([{ producerId: 1, firstOffset: 9 }]);
  expect(log.abortedTransactions(8, 9)).toEqual([]);
});

test.each(['kill', 'close'])(
  'what had ended below the high watermark is stable after a %s, before anything moves',
  async (end) => {
    const { world, node, open, log } = setting(300);
    for (let count = 0; count < 4; count++) {
      write(log, 1, `a${count}`);
      mark(log, 1, COMMIT);
    }
    write(log, 2, 'open');
    await world.settle(log.flush());
    log.committed(9);
    await world.run(world.now() + 10_000);
    if (end === 'close') await world.settle(log.close(true));
    node.kill();
    const again = open();
    expect(again.lastStableOffset(again.savedHighWatermark)).toBe(Math.min(8, again.savedHighWatermark));
  },
);

test('what had ended below the high watermark is stable after a cut', () => {
  const { log } = setting();
  write(log, 1, 'a');
  mark(log, 1, COMMIT);
  write(log, 2, 'b');
  log.committed(3);
  write(log, 3, 'c');
  log.truncateTo(3);
  expect(log.lastStableOffset(3)).toBe(2);
});

test.each(['kill', 'close'])('open and aborted transactions are known again after a %s', async (end) => {
  const { world, node, open, log } = setting(300);
  for (let count = 0; count < 4; count++) {
    write(log, 1, `a${count}`);
    mark(log, 1, ABORT);
  }
  write(log, 2, 'open');
  for (let count = 0; count < 4; count++) write(log, 3, `c${count}`);
  await world.settle(end === 'close' ? log.close(true) : log.flush());
  node.kill();
  const again = open();
  expect(again.abortedTransactions(0, 8)).toHaveLength(4);
  expect(again.abortedTransactions(0, 13).map(({ firstOffset }) => firstOffset)).toEqual([0, 2, 4, 6]);
  again.committed(13);
  expect(again.lastStableOffset(13)).toBe(8);
  mark(again, 2, ABORT);
  expect(again.abortedTransactions(8, 14)).toEqual([{ producerId: 2, firstOffset: 8 }]);
});

test('a cut forgets what was aborted behind it, and opens again what was open there', () => {
  const { log } = setting();
  write(log, 1, 'a');
  mark(log, 1, ABORT);
  write(log, 1, 'b');
  mark(log, 1, ABORT);
  log.truncateTo(3);
  expect(log.abortedTransactions(0, 3)).toEqual([{ producerId: 1, firstOffset: 0 }]);
  expect(log.lastStableOffset(3)).toBe(0);
  log.committed(3);
  expect(log.lastStableOffset(3)).toBe(2);
  expect(valuesIn(log, 2)).toEqual(['b']);
});
