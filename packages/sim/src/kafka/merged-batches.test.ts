/** Batches that a mirror into an Apache Kafka makes of others: of several one, of one that is too large several. */
import { readBatchHeader } from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import { COPY, RebasedStage, TOPIC } from './rebased-stage.ts';

const ones = (count: number): number[] => Array<number>(count).fill(1);

/** Records in each batch of the copy, markers left out. */
const countsIn = ({ disks }: RebasedStage): number[] =>
  disks.target
    .partition(COPY, 0)!
    .batches.map((batch) => readBatchHeader(batch))
    .filter(({ isControl }) => !isControl)
    .map(({ recordCount }) => recordCount);

const allowed = (stage: RebasedStage, bytes: number): Promise<unknown> =>
  stage.world.settle(
    stage.source.alterTopicConfigs([{ topic: TOPIC, set: { 'max.message.bytes': String(bytes) } }], {
      timeoutMs: 5_000,
    }),
  );

test('what has piled up comes to the copy in few batches, each within one run', async () => {
  const stage = await new RebasedStage(1).start();
  await stage.write(...ones(40));
  await stage.transaction('a', true, ...ones(10));
  await stage.write(...ones(30));
  await stage.startMirror();
  await stage.caughtUp();
  await stage.expectExact();
  expect(countsIn(stage)).toHaveLength(2);
});

test('batches that are larger than the copy may have come in smaller ones', async () => {
  const stage = await new RebasedStage(2).start();
  await stage.write(...ones(20), 30, 7, 25, ...ones(20));
  await allowed(stage, 300);
  await stage.startMirror();
  await stage.caughtUp();
  await stage.write(...ones(10), 3);
  await stage.caughtUp();
  await stage.expectExact();
  for (const batch of stage.disks.target.partition(COPY, 0)!.batches) expect(batch.length).toBeLessThanOrEqual(300);
  expect(countsIn(stage).filter((count) => count > 1).length).toBeGreaterThan(10);
});

test('a record that is too large by itself stops the partition, which says so, until it is taken', async () => {
  const stage = await new RebasedStage(3).start();
  await stage.write(...ones(5), 9);
  await allowed(stage, 70);
  await stage.startMirror();
  const part = () => stage.mirror?.status()[0]?.partitions.find(({ topic }) => topic === TOPIC);
  const isTold = () => part()?.state === 'retrying' && part()?.reason?.includes('MESSAGE_TOO_LARGE') === true;
  expect(await stage.world.runUntil(isTold, 30_000), JSON.stringify(part())).toBe(true);
  await stage.world.run(stage.world.now() + 20_000);
  expect(part()).toMatchObject({ state: 'retrying', position: 0 });
  expect(countsIn(stage)).toEqual([]);
  await allowed(stage, 1_000);
  await stage.caughtUp(120_000);
  await stage.expectExact();
});

test('of what the origin deleted, one record stays of the last merged batch, and a restart goes on behind it', async () => {
  const stage = await new RebasedStage(4).start();
  await stage.write(...ones(40));
  await stage.startMirror();
  await stage.caughtUp();
  const values = (where: 'source' | 'target') => stage.stored(where).map(({ value }) => value);
  const last = values('source').at(-1)!;
  stage.disks.source.deleteRecords(TOPIC, 0, 40);
  expect(await stage.world.runUntil(() => values('target').length === 1, 10_000)).toBe(true);
  stage.killMirror();
  await stage.startMirror();
  await stage.write(2);
  await stage.caughtUp();
  expect(values('target')).toEqual([last, ...values('source')]);
});

test.each([1, 2, 3, 4])('whatever is killed amid merged batches, none comes twice or never (seed %i)', async (seed) => {
  const stage = await new RebasedStage(seed).start();
  await stage.startMirror();
  for (let round = 0; round < 8; round++) {
    await stage.write(...ones(25));
    if (round % 3 === 0) await stage.transaction('a', round % 2 === 0, 3, 4);
    await stage.world.run(stage.world.now() + seed * 3 + round * 7);
    if (round % 2 === 0) {
      stage.killMirror();
      await stage.write(...ones(10));
      await stage.startMirror();
    } else {
      stage.kill('target');
      await stage.boot('target');
    }
  }
  await stage.caughtUp();
  await stage.expectExact();
});
