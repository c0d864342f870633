/** Compaction case by case, each a few batches long. */
import type { Io } from '@meridian/io';
import { createSimWorld } from '@meridian/io/sim';
import { deleteHorizonMs } from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import type { Log } from '../log.ts';
import { batchesIn } from '../test-batches.ts';
import { append, appendMarker, FOLDER, headersIn, openKeyed, pairsIn, policy, recordsIn, seal } from './test-log.ts';

function start(segmentBytes?: number) {
  const world = createSimWorld({ seed: 1 });
  const node = world.node('broker');
  const io = node.boot();
  const log = openKeyed(io, segmentBytes);
  const compact = async (changes: Parameters<typeof policy>[0] = {}, of: Log = log) => {
    await seal(world, of);
    return world.settle(of.compaction.run(policy(changes)));
  };
  return { world, node, io, log, compact };
}

const logFiles = (io: Io): string[] =>
  io.disk.list(FOLDER).filter((name) => !/\.(index|timeindex)$|checkpoint/.test(name));

test('the newest value of every key stays, at its offset and in its order', async () => {
  const { log, compact } = start();
  append(log, [
    ['a', '1'],
    ['b', '1'],
    ['a', '2'],
  ]);
  append(log, [
    ['c', '1'],
    ['b', '2'],
  ]);
  const result = await compact();
  expect(recordsIn(log).map(({ offset, key, value }) => [offset, key, value])).toEqual([
    [2, 'a', '2'],
    [3, 'c', '1'],
    [4, 'b', '2'],
  ]);
  expect(result).toMatchObject({ isComplete: true, cleanedEnd: log.compaction.cleanedEnd });
  expect(result.bytesAfter).toBeLessThan(result.bytesBefore);
});

test('a batch goes on covering its offsets, and records keep timestamps and headers', async () => {
  const { log, compact } = start();
  append(
    log,
    [
      ['a', '1'],
      ['b', '1'],
      ['a', '2'],
      ['b', '2'],
    ],
    { timestamp: 7000 },
  );
  append(log, [['b', '3']]);
  await compact();
  const [first] = headersIn(log);
  expect([first!.baseOffset, first!.lastOffset, first!.recordCount, first!.maxTimestamp]).toEqual([0, 3, 1, 7002]);
  expect(recordsIn(log)[0]).toEqual({ offset: 2, key: 'a', value: '2', timestamp: 7002 });
});

test('a tombstone gets a horizon, is shown until then, and is gone after it', async () => {
  const { log, compact } = start();
  append(log, [['a', '1']], { timestamp: 5000 });
  append(
    log,
    [
      ['a', null],
      ['b', '1'],
    ],
    { timestamp: 6000 },
  );
  await compact({ nowMs: 10_000, deleteRetentionMs: 500 });
  expect(pairsIn(log)).toEqual(['a=null', 'b=1']);
  expect(
    recordsIn(log).map(({ timestamp }) => timestamp),
    'though the base timestamp is the horizon',
  ).toEqual([6000, 6001]);
  expect(deleteHorizonMs(headersIn(log)[0]!)).toBe(10_500);
  await compact({ nowMs: 10_499 });
  expect(pairsIn(log)).toEqual(['a=null', 'b=1']);
  expect(deleteHorizonMs(headersIn(log)[0]!), 'a horizon never moves').toBe(10_500);
  await compact({ nowMs: 10_500 });
  expect(pairsIn(log)).toEqual(['b=1']);
});

test.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)(
  'a batch packed with %s is packed the same way again',
  async (codec) => {
    const { log, compact } = start();
    append(
      log,
      [
        ['a', '1'],
        ['a', '2'],
        ['b', null],
      ],
      { codec },
    );
    await compact();
    expect(pairsIn(log)).toEqual(['a=2', 'b=null']);
    expect(headersIn(log)[0]!.codec).toBe(codec);
  },
);

test('the active segment, young segments and what is not committed are left alone', async () => {
  const { world, log, compact } = start();
  append(
    log,
    [
      ['a', '1'],
      ['a', '2'],
    ],
    { timestamp: 9_000 },
  );
  expect(await compact({ minCompactionLagMs: 2_000 })).toMatchObject({ cleanedEnd: 0 });
  expect(await world.settle(log.compaction.run(policy({ maxOffset: 0 })))).toMatchObject({ cleanedEnd: 0 });
  expect(pairsIn(log)).toEqual(['a=1', 'a=2']);
  append(log, [
    ['b', '1'],
    ['b', '2'],
  ]);
  await world.settle(log.compaction.run(policy()));
  expect(pairsIn(log)).toEqual(['a=2', 'b=1', 'b=2']);
});

test('records without a key go, as nothing can supersede them', async () => {
  const { log, compact } = start();
  append(log, [
    [null, '1'],
    ['a', '1'],
  ]);
  await compact();
  expect(pairsIn(log)).toEqual(['a=1']);
});

test('the last batch of a producer stays, empty, so that its sequences are known after a restart', async () => {
  const { node, log, compact } = start();
  append(log, [['a', '1']], { producerId: 7, producerEpoch: 2, baseSequence: 0 });
  append(
    log,
    [
      ['a', '2'],
      ['b', '1'],
    ],
    { producerId: 7, producerEpoch: 2, baseSequence: 1 },
  );
  append(log, [
    ['a', '3'],
    ['b', '2'],
  ]);
  await compact();
  expect(pairsIn(log)).toEqual(['a=3', 'b=2']);
  expect(headersIn(log)[0]).toMatchObject({
    producerId: 7,
    baseSequence: 1,
    recordCount: 0,
    baseOffset: 1,
    lastOffset: 2,
  });
  const again = openKeyed(node.boot());
  expect([...again.producers.active()]).toEqual([...log.producers.active()]);
  append(again, [['c', '1']], { producerId: 7, producerEpoch: 2, baseSequence: 3 });
  await compact({}, again);
  expect(
    headersIn(again).filter(({ recordCount }) => recordCount === 0),
    'it is not the last any more',
  ).toEqual([]);
});

test('data of an aborted transaction goes; its marker follows once nothing is left and its time is up', async () => {
  const { log, compact } = start();
  const extras = { producerId: 9, producerEpoch: 0, transactional: true };
  append(log, [['a', '1']]);
  append(
    log,
    [
      ['a', '2'],
      ['b', '2'],
    ],
    { ...extras, baseSequence: 0 },
  );
  const abort = appendMarker(log, 9, false);
  append(log, [['c', '3']], { ...extras, baseSequence: 2 });
  const commit = appendMarker(log, 9, true);
  append(log, [['d', '4']], { ...extras, baseSequence: 3 });
  appendMarker(log, 9, true);
  const markers = () =>
    headersIn(log)
      .filter(({ isControl }) => isControl)
      .map(({ baseOffset }) => baseOffset);
  await compact();
  expect(pairsIn(log), 'what was aborted supersedes nothing').toEqual(['a=1', 'c=3', 'd=4']);
  expect(markers()).toContain(abort);
  expect(log.abortedTransactions(0, log.endOffset), 'the index goes with the markers').toHaveLength(1);
  await compact({ nowMs: 20_000 });
  expect(markers(), 'it got its horizon in this run').toContain(abort);
  await compact({ nowMs: 20_500 });
  expect(markers()).not.toContain(abort);
  expect(log.abortedTransactions(0, log.endOffset)).toEqual([]);
  expect(markers()).toContain(commit);
});

test('nothing is compacted from the first undecided transaction on', async () => {
  const { log, compact } = start();
  append(log, [
    ['a', '1'],
    ['a', '2'],
  ]);
  append(
    log,
    [
      ['b', '1'],
      ['b', '2'],
    ],
    { producerId: 9, producerEpoch: 0, baseSequence: 0, transactional: true },
  );
  const result = await compact();
  expect(result.cleanedEnd).toBe(2);
  expect(pairsIn(log)).toEqual(['a=2', 'b=1', 'b=2']);
});

test('a small map compacts a log in several goes', async () => {
  const { world, log, compact } = start();
  for (let round = 0; round < 2; round++) {
    for (let key = 0; key < 40; key++) append(log, [[`k${key}`, `${round}`]]);
  }
  const ends = [(await compact({ mapBytes: 24 * 12 })).cleanedEnd];
  while (ends.at(-1)! < ends.at(-2)! || ends.length < 2 || ends.at(-1) !== ends.at(-2)) {
    ends.push((await world.settle(log.compaction.run(policy({ mapBytes: 24 * 12 })))).cleanedEnd);
  }
  expect(ends.length).toBeGreaterThan(5);
  expect(recordsIn(log).map(({ offset }) => offset)).toEqual(Array.from({ length: 40 }, (_, key) => 40 + key));
});

test('segments that have shrunk become one, and not more than a segment may hold', async () => {
  const { io, log, compact } = start();
  for (let count = 0; count < 30; count++) append(log, [[`k${count % 3}`, 'v'.repeat(100)]]);
  await compact();
  await compact();
  const sizes = logFiles(io)
    .filter((name) => name.endsWith('.log'))
    .map((name) => io.disk.stat(`${FOLDER}/${name}`).size);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(500);
  expect(sizes.length, 'of twenty').toBeLessThanOrEqual(6);
});

test('every segment keeps the producer snapshot at its start, whatever became of the ones behind it', async () => {
  const { io, log, compact } = start();
  const bases = (suffix: string) =>
    logFiles(io).flatMap((name) => (name.endsWith(suffix) ? [Number(name.slice(0, 20))] : []));
  for (let count = 0; count < 30; count++) append(log, [[`k${count % 3}`, 'v'.repeat(100)]]);
  await compact();
  for (let count = 0; count < 9; count++) append(log, [[`n${count}`, 'v'.repeat(100)]]);
  await compact();
  expect(bases('.log').length).toBeGreaterThan(3);
  expect(bases('.snapshot')).toEqual(bases('.log').slice(1));
});

test('the old files stay for the delay under names that nobody opens, and then go', async () => {
  const { world, io, log, compact } = start();
  append(log, [
    ['a', '1'],
    ['a', '2'],
  ]);
  await compact();
  expect(logFiles(io)).toContain(`${'0'.repeat(20)}.log.deleted`);
  await world.run(world.now() + 2000);
  expect(logFiles(io).filter((name) => !/\.(log|snapshot)$/.test(name))).toEqual([]);
  expect(pairsIn(log)).toEqual(['a=2']);
});

test('dirt is what lies between the cleaned end and the active segment, as a part of the whole', async () => {
  const { log, compact } = start();
  append(log, [
    ['a', '1'],
    ['a', '2'],
  ]);
  await compact();
  expect(log.compaction.assess(policy())).toMatchObject({ dirtyRatio: 0, isOverdue: false });
  for (let count = 0; count < 10; count++) append(log, [['a', 'v'.repeat(100)]]);
  const { durableEnd } = log;
  expect(log.compaction.assess(policy()).firstUncleanableOffset).toBeLessThanOrEqual(durableEnd);
  await compact({ maxOffset: 0 });
  const dirt = log.compaction.assess(policy({ maxCompactionLagMs: 8_000 }));
  expect(dirt.dirtyRatio).toBeGreaterThan(0.5);
  expect(dirt.isOverdue).toBe(true);
  expect(log.compaction.assess(policy({ maxCompactionLagMs: 9_900 })).isOverdue).toBe(false);
});

test('damage is never given a new checksum: the run fails and the log stays as it was', async () => {
  const { world, io, log } = start();
  append(log, [
    ['a', '1'],
    ['a', '2'],
  ]);
  await seal(world, log);
  const file = io.disk.open(`${FOLDER}/${'0'.repeat(20)}.log`, 'r+');
  file.writev([Buffer.from([255])], 80);
  await expect(world.settle(log.compaction.run(policy()))).rejects.toMatchObject({ code: 'corrupt-batch' });
  expect(logFiles(io).filter((name) => /cleaned|swap|deleted/.test(name))).toEqual([]);
});

test('a full disk ends the run, and the log goes on', async () => {
  const { world, node, log } = start();
  append(log, [
    ['a', '1'],
    ['a', '2'],
  ]);
  await seal(world, log);
  node.setFull(true);
  await expect(world.settle(log.compaction.run(policy()))).rejects.toMatchObject({ code: 'no-space' });
  node.setFull(false);
  expect(log.failure).toBeUndefined();
  await world.settle(log.compaction.run(policy()));
  expect(pairsIn(log)).toEqual(['a=2']);
});

test('a cut during the run ends it, as what was cut supersedes nothing any more', async () => {
  const { world, log } = start();
  append(log, [['a', '1']]);
  await seal(world, log);
  append(log, [['a', '2']]);
  await seal(world, log);
  const run = log.compaction.run(policy({ sliceBytes: 1 }));
  await world.run(world.now() + 3);
  log.truncateTo(2);
  expect(await world.settle(run)).toMatchObject({ isComplete: false });
  expect(batchesIn(log).length).toBeGreaterThan(0);
  expect(pairsIn(log)).toEqual(['a=1']);
});

test('a log that is closed during the run leaves nothing half done', async () => {
  const { world, node, log } = start();
  append(log, [
    ['a', '1'],
    ['a', '2'],
  ]);
  await seal(world, log);
  const run = log.compaction.run(policy({ sliceBytes: 1 }));
  await world.settle(log.close(true));
  expect(await world.settle(run)).toMatchObject({ isComplete: false });
  expect(pairsIn(openKeyed(node.boot()))).toEqual(['a=1', 'a=2']);
});
