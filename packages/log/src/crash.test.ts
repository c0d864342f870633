/** Random appends, fsyncs, rolls and cuts, ended by a crash: what a log may lose, and what it may never do. */
import { below, chance, createSimWorld, type SimNode, type SimWorld } from '@meridian/io/sim';
import { batchLeaderEpoch, batchRecordCount } from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import { type Log, openLog } from './log.ts';
import { batchesIn, batchOf } from './test-batches.ts';

const FOLDER = '/data/topic-0';
const CONFIG = { segmentBytes: 700, indexIntervalBytes: 120 };

/** What was appended, by offset, and how much of it must survive. */
interface Model {
  batches: { offset: number; next: number; bytes: Buffer }[];
  originEpoch: number;
  leaderEpoch: number;
}

const open = (node: SimNode, fsync: boolean): Log =>
  openLog({
    io: node.boot(),
    folder: FOLDER,
    config: { ...CONFIG, fsync },
    limits: { tailBytes: 500, pendingBytes: 900 },
  });

function appendSome(world: SimWorld, log: Log, model: Model): void {
  const values = Array.from({ length: 1 + below(world.random, 3) }, () => 'v'.repeat(1 + below(world.random, 150)));
  if (chance(world.random, 0.1)) model.originEpoch += 1;
  if (chance(world.random, 0.05)) model.leaderEpoch += 1;
  const gap = chance(world.random, 0.1) ? 1 + below(world.random, 5) : 0;
  const batch = batchOf(log.endOffset + gap, values, { leaderEpoch: model.originEpoch });
  log.appendMirrored([batch], model.leaderEpoch);
  model.batches.push({ offset: log.endOffset - values.length, next: log.endOffset, bytes: batch });
}

async function step(world: SimWorld, log: Log, model: Model): Promise<void> {
  const dice = world.random.next();
  if (dice < 0.6) appendSome(world, log, model);
  else if (dice < 0.75) await world.run(world.now() + below(world.random, 3));
  else if (dice < 0.85) await world.settle(log.flush());
  else if (dice < 0.93) log.flush().catch(() => {});
  else if (dice < 0.96 && log.endOffset > 0) {
    log.truncateTo(below(world.random, log.endOffset));
    model.batches = model.batches.filter((batch) => batch.next <= log.endOffset);
  } else if (model.batches.length > 0) {
    expect(batchesIn(log).map(({ offset }) => offset)).toEqual(model.batches.map(({ offset }) => offset));
  }
}

/** Everything in the log is a prefix of the model, byte for byte, and so is everything that is derived from it. */
function checkPrefix(log: Log, model: Model): void {
  const found = batchesIn(log);
  expect(found.map(({ offset }) => offset)).toEqual(model.batches.slice(0, found.length).map(({ offset }) => offset));
  found.forEach(({ bytes }, index) => {
    expect(Buffer.compare(bytes, model.batches[index]!.bytes)).toBe(0);
  });
  const epochs = new Set(found.map(({ bytes }) => batchLeaderEpoch(bytes)));
  expect(log.epochs.entries.map(({ epoch }) => epoch)).toEqual([...epochs]);
  for (const { startOffset } of log.originEpochs.entries) expect(startOffset).toBeLessThan(Math.max(1, log.endOffset));
  for (const { offset, bytes } of found) expect(batchRecordCount(bytes), `at ${offset}`).toBeGreaterThan(0);
}

async function runSeed(seed: number): Promise<void> {
  const world = createSimWorld({ seed });
  const node = world.node('broker');
  const fsync = chance(world.random, 0.5);
  const model: Model = { batches: [], originEpoch: 1, leaderEpoch: 1 };
  let log = open(node, fsync);
  for (let life = 0; life < 4; life++) {
    for (let count = below(world.random, 40); count > 0; count--) await step(world, log, model);
    const { durableEnd, writtenEnd } = log;
    const powerLoss = chance(world.random, 0.6);
    if (powerLoss) node.powerLoss();
    else node.kill();
    log = open(node, fsync);
    const kept = powerLoss ? durableEnd : writtenEnd;
    expect(log.endOffset, `what was ${powerLoss ? 'durable' : 'written'} is there`).toBeGreaterThanOrEqual(kept);
    checkPrefix(log, model);
    if (fsync) expect(log.durableEnd).toBe(log.endOffset);
    model.batches = model.batches.filter((batch) => batch.next <= log.endOffset);
    const { endOffset, sizeInBytes } = log;
    node.kill();
    log = open(node, fsync);
    expect([log.endOffset, log.sizeInBytes, log.recoveredDamage]).toEqual([endOffset, sizeInBytes, undefined]);
    checkPrefix(log, model);
  }
}

test('after any crash a log is a prefix with everything that was promised, and opening it again changes nothing', async () => {
  for (let seed = 1; seed <= 200; seed++) {
    await runSeed(seed).catch((error: Error) => {
      error.message = `seed ${seed}: ${error.message}`;
      throw error;
    });
  }
});
