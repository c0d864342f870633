/** Random logs, compacted while they are appended to, read and crashed, against a model. */
import { below, chance, createSimWorld, type SimWorld } from '@meridian/io/sim';
import { decompress } from '@meridian/protocol';
import { iterateBatches, readBatchHeader, readRecords } from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import type { Log } from '../log.ts';
import { appendRandom, type CompactionModel, checkCleaned, checkModel, createModel } from './compaction-model.ts';
import { openKeyed, policy, seal } from './test-log.ts';

const RETENTION_MS = 40;

/** Reads from the start to the end with pauses, as a slow consumer does; what it knows then of every key. */
async function follow(world: SimWorld, log: Log): Promise<Map<string, string | null>> {
  const state = new Map<string, string | null>();
  for (let offset = log.startOffset; offset < log.endOffset; ) {
    const slice = log.read(offset, { maxBytes: 200, minOneBatch: true });
    for (const { bytes } of slice.buffers.flatMap((buffer) => [...iterateBatches(buffer)])) {
      if (readBatchHeader(bytes).isControl) continue;
      for (const record of readRecords(bytes, { decompress })) {
        const text = (field: Uint8Array | null) => (field === null ? null : Buffer.from(field).toString());
        if (record.offset >= offset) state.set(text(record.key)!, text(record.value));
      }
    }
    offset = slice.nextOffset;
    await world.run(world.now() + 1);
  }
  state.delete('filler');
  return state;
}

function expected(model: CompactionModel): Map<string, string> {
  const state = new Map(model.records.map(({ key, value }) => [key, value]));
  return new Map([...state].filter((entry): entry is [string, string] => entry[1] !== null));
}

async function runSeed(seed: number): Promise<void> {
  const world = createSimWorld({ seed });
  const node = world.node('broker');
  const keys = 1 + below(world.random, 25);
  const model = createModel();
  let log = openKeyed(node.boot());
  for (let life = 0; life < 3; life++) {
    for (let round = 0; round < 3; round++) {
      for (let count = below(world.random, 40); count > 0; count--) appendRandom(world, log, model, keys);
      await seal(world, log);
      const sizes = { sliceBytes: 1 + below(world.random, 600), mapBytes: 24 * (2 + below(world.random, 60)) };
      const nowMs = Math.floor(world.now());
      const run = log.compaction.run(policy({ nowMs, deleteRetentionMs: RETENTION_MS, ...sizes }));
      for (let count = below(world.random, 4); count > 0; count--) {
        await world.run(world.now() + below(world.random, 3));
        appendRandom(world, log, model, keys);
        checkModel(log, model, nowMs, RETENTION_MS);
      }
      if (chance(world.random, 0.3)) {
        run.catch(() => undefined); // a crash meets it under way
        break;
      }
      const { cleanedEnd, isComplete } = await world.settle(run);
      expect(isComplete).toBe(true);
      checkModel(log, model, nowMs, RETENTION_MS);
      checkCleaned(log, cleanedEnd);
    }
    const { cleanedEnd } = log.compaction;
    const { durableEnd, writtenEnd } = log;
    const isPowerLoss = chance(world.random, 0.5);
    if (isPowerLoss) node.powerLoss();
    else node.kill();
    log = openKeyed(node.boot());
    log.compaction.cleanedEnd = cleanedEnd;
    expect(log.endOffset).toBeGreaterThanOrEqual(isPowerLoss ? durableEnd : writtenEnd);
    model.records = model.records.filter(({ offset }) => offset < log.endOffset);
    checkModel(log, model, world.now(), RETENTION_MS);
  }
}

test('random logs keep the newest record of every key, through compactions and crashes, and invent nothing', async () => {
  for (let seed = 1; seed <= 12; seed++) {
    await runSeed(seed).catch((error: Error) => {
      error.message = `seed ${seed}: ${error.message}`;
      throw error;
    });
  }
});

test('a consumer that reads on while the log is compacted under it comes to the right state', async () => {
  for (let seed = 1; seed <= 10; seed++) {
    const world = createSimWorld({ seed });
    const log = openKeyed(world.node('broker').boot());
    const model = createModel();
    for (let count = 0; count < 60; count++) appendRandom(world, log, model, 8);
    await seal(world, log);
    const run = log.compaction.run(policy({ sliceBytes: 300 }));
    const state = await follow(world, log);
    expect((await world.settle(run)).isComplete).toBe(true);
    const live = new Map([...state].filter(([, value]) => value !== null));
    expect(live, `seed ${seed}`).toEqual(expected(model));
  }
});
