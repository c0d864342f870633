/** What a log knows of its producers after a restart: the window of each, its snapshots, and what it forgets. */
import type { Disk, Io } from '@meridian/io';
import { createSimWorld } from '@meridian/io/sim';
import { readBatchHeader } from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import { type Log, type LogDir, openLog, openLogDir } from './log.ts';
import { encodeProducerBatches, PRODUCER_BATCHES_FILE } from './producer-batches.ts';
import { encodeSnapshot } from './producer-snapshot.ts';
import { batchOf } from './test-batches.ts';

const PATH = '/data';
const FOLDER = `${PATH}/orders-0`;
const BATCHES = `${FOLDER}/${PRODUCER_BATCHES_FILE}`;
const VALUES = ['a', 'b'];
/** Three batches. */
const SMALL_SEGMENT_BYTES = 280;

function boot(segmentBytes = 1_000_000) {
  const world = createSimWorld({ seed: 3 });
  const node = world.node('broker');
  let io: Io = node.boot();
  let dir: LogDir;
  const open = (): Log => {
    dir = openLogDir({ io, path: PATH });
    return openLog({ io, folder: FOLDER, config: { segmentBytes }, marks: dir.partition('orders', 0) });
  };
  /** By a clean stop, or by a crash. What `meanwhile` does to the disk happens in between. */
  const reopen = async (log: Log, { clean = true, meanwhile = () => {} } = {}): Promise<Log> => {
    if (clean) await world.settle(log.close(true));
    else await world.settle(log.flush());
    if (clean) dir.close(true);
    node.kill();
    io = node.boot();
    meanwhile();
    return open();
  };
  const names = (suffix: string) => io.disk.list(FOLDER).filter((name) => name.endsWith(suffix));
  const bases = (suffix: string) => names(suffix).map((name) => Number(name.slice(0, 20)));
  return { open, reopen, names, bases, disk: () => io.disk };
}

/** The `count` next batches of a producer, two records each, its sequences and the log's offsets in step. */
function send(log: Log, count: number, producerId = 7): void {
  for (let index = 0; index < count; index++) log.append([next(log, producerId)], 1);
}

function next(log: Log, producerId = 7, producerEpoch = 0): Buffer {
  const known = [...log.producers.active()].find((producer) => producer.producerId === producerId);
  const baseSequence = (known?.lastSequence ?? -1) + 1;
  return batchOf(log.endOffset, VALUES, { producerId, producerEpoch, baseSequence });
}

/** What the log says to the batch that `producerId` sent with this first sequence. */
const again = (log: Log, baseSequence: number, producerId = 7) =>
  log.producers.check(readBatchHeader(batchOf(0, VALUES, { producerId, producerEpoch: 0, baseSequence })));

test('after a clean restart each of the last five batches of every producer is known again, with its timestamp', async () => {
  const { open, reopen } = boot();
  const log = open();
  for (let round = 0; round < 7; round++) for (const producer of [7, 8, 9]) send(log, 1, producer);
  const opened = await reopen(log);
  for (const [nth, producer] of [7, 8, 9].entries()) {
    for (let round = 2; round < 7; round++) {
      const firstOffset = round * 6 + nth * 2;
      const expected = { kind: 'duplicate', firstOffset, lastOffset: firstOffset + 1, timestamp: 1001 + firstOffset };
      expect(again(opened, round * 2, producer)).toEqual(expected);
    }
    expect(again(opened, 2, producer)).toMatchObject({ kind: 'error', errorCode: 45 });
    expect(again(opened, 14, producer)).toEqual({ kind: 'ok' });
  }
});

test('the window moves on behind a restart, and is kept by the next one, whether it was asked for or not', async () => {
  const { open, reopen } = boot();
  const log = open();
  send(log, 5);
  const second = await reopen(log);
  send(second, 2);
  const third = await reopen(second);
  const known = (sequence: number) => again(third, sequence).kind;
  expect([2, 4, 6, 8, 10, 12].map(known)).toEqual(['error', ...Array(5).fill('duplicate')]);
  const fourth = await reopen(third);
  expect(again(fourth, 4)).toMatchObject({ firstOffset: 4 });
});

test('a segment that was closed keeps the window over a crash', async () => {
  const { open, reopen, bases } = boot(SMALL_SEGMENT_BYTES);
  const log = open();
  send(log, 8);
  expect(bases('.log').length).toBeGreaterThan(2);
  const opened = await reopen(log, { clean: false });
  for (let sequence = 6; sequence < 16; sequence += 2) {
    expect(again(opened, sequence)).toMatchObject({ kind: 'duplicate', firstOffset: sequence });
  }
});

test.each<[string, (disk: Disk) => void]>([
  ['damaged', (disk) => disk.replaceFile(BATCHES, Buffer.alloc(30, 1))],
  ['of another snapshot', (disk) => disk.replaceFile(BATCHES, encodeProducerBatches(5, []))],
  ['gone', (disk) => disk.remove(BATCHES)],
])('where the file is %s the last batch alone is known', async (_how, damage) => {
  const { open, reopen, disk } = boot();
  const log = open();
  send(log, 3);
  const opened = await reopen(log, { meanwhile: () => damage(disk()) });
  expect(again(opened, 2)).toMatchObject({ kind: 'error', errorCode: 45 });
  expect(again(opened, 4)).toMatchObject({ kind: 'duplicate' });
});

test('batches of an older epoch do not come back', async () => {
  const { open, reopen } = boot();
  const log = open();
  send(log, 3);
  const sent = batchOf(log.endOffset, VALUES, { producerId: 7, producerEpoch: 1, baseSequence: 0 });
  log.append([sent], 1);
  const opened = await reopen(log);
  expect(again(opened, 4)).toMatchObject({ kind: 'error', errorCode: 47 });
  expect(opened.producers.check(readBatchHeader(sent))).toMatchObject({ kind: 'duplicate', firstOffset: 6 });
});

test('a log that is cut forgets the window, as other batches may come to lie there', async () => {
  const { open, reopen } = boot();
  const log = open();
  send(log, 4);
  const opened = await reopen(log);
  opened.truncateTo(4);
  expect(again(opened, 6)).toMatchObject({ kind: 'error' });
  expect(again(opened, 4)).toEqual({ kind: 'ok' });
});

test('the snapshot has Kafka’s bytes, and nothing but the last batch', async () => {
  const { open, reopen, names, disk } = boot();
  const log = open();
  send(log, 3);
  await reopen(log);
  expect(names('.snapshot')).toEqual(['00000000000000000006.snapshot']);
  const last = { producerId: 7, producerEpoch: 0, lastSequence: 5, lastOffset: 5, offsetDelta: 1 };
  const entry = { ...last, timestamp: 1005, coordinatorEpoch: -1, transactionStart: -1 };
  expect(disk().readFile(`${FOLDER}/00000000000000000006.snapshot`)).toEqual(encodeSnapshot([entry]));
});

test('every closed segment leaves a snapshot, which goes with the segment', () => {
  const { open, bases } = boot(SMALL_SEGMENT_BYTES);
  const log = open();
  send(log, 12);
  const all = bases('.log');
  expect(all.length).toBeGreaterThan(3);
  expect(bases('.snapshot')).toEqual(all.slice(1));
  log.advanceStart(all[2]!);
  expect(bases('.snapshot')).toEqual(all.slice(2));
});

test('a damaged snapshot gives way to the one before, and all of them to the log', async () => {
  for (const isDamaged of [(at: number, count: number) => at === count - 1, () => true]) {
    const { open, reopen, names, disk } = boot(SMALL_SEGMENT_BYTES);
    const log = open();
    send(log, 12);
    const known = [...log.producers.active()];
    const damage = () =>
      names('.snapshot').forEach((name, at, all) => {
        if (isDamaged(at, all.length)) disk().replaceFile(`${FOLDER}/${name}`, Buffer.from('torn'));
      });
    const opened = await reopen(log, { meanwhile: damage });
    expect([...opened.producers.active()]).toEqual(known);
    expect(again(opened, 22)).toMatchObject({ kind: 'duplicate', firstOffset: 22, timestamp: 1023 });
  }
});

test('producers that are silent for too long are forgotten, by their records’ time, but for open transactions', () => {
  const { open } = boot();
  const log = open();
  const sent = (producerId: number, timestamp: number, more = {}) =>
    log.append(
      [batchOf(log.endOffset, ['x'], { producerId, producerEpoch: 0, baseSequence: 0, timestamp, ...more })],
      1,
    );
  sent(1, 1_000);
  sent(2, 5_000);
  sent(3, 1_000, { transactional: true });
  log.expireProducers(6_000, 5_000);
  expect([...log.producers.active()].map(({ producerId }) => producerId)).toEqual([2, 3]);
  expect([...log.producers.active()][1]).toMatchObject({ currentTxnStartOffset: 2, coordinatorEpoch: -1 });
  sent(1, 7_000);
  expect(log.producers.size).toBe(3);
});
