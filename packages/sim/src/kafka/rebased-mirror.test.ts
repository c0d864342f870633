/** The mirror from one Apache Kafka into another, both simulated: what crashes and bad luck leave in the copy. */
import { between } from '@meridian/io/sim';
import { expect, test } from 'vitest';
import { COPY, RebasedStage, TOPIC } from './rebased-stage.ts';

const SEEDS = [1, 2, 3, 4, 5, 6];

async function begun(seed: number): Promise<RebasedStage> {
  const stage = await new RebasedStage(seed).start();
  await stage.startMirror();
  await stage.write(3, 1, 5);
  await stage.caughtUp();
  return stage;
}

test('aborted transactions stay unread in the copy, and markers leave no record there', async () => {
  const stage = await begun(1);
  await stage.transaction('a', true, 2, 3);
  await stage.transaction('b', false, 4, 1);
  await stage.write(2);
  await stage.transaction('b', true, 1);
  await stage.transaction('a', false, 6);
  await stage.caughtUp();
  await stage.expectExact();
  expect(stage.stored('target')).toHaveLength(17);
});

test('a restart copies nothing again', async () => {
  const stage = await begun(2);
  const before = stage.stored('target');
  for (let round = 0; round < 5; round++) {
    stage.killMirror();
    await stage.startMirror();
    await stage.caughtUp();
  }
  expect(stage.stored('target')).toEqual(before);
  await stage.write(4);
  await stage.caughtUp();
  await stage.expectExact();
});

test('a topic that was created anew has one record of it, also over restarts of the mirror', async () => {
  const stage = await begun(3);
  await stage.world.settle(stage.source.deleteTopics([TOPIC]));
  await stage.world.settle(stage.source.createTopics([{ name: TOPIC, numPartitions: 1 }]));
  const part = () => stage.mirror?.status()[0]?.partitions[0];
  const isHalted = () => part()?.state === 'halted' && part()?.gaps === 1;
  for (let round = 0; round < 3; round++) {
    expect(await stage.world.runUntil(isHalted, 30_000), JSON.stringify(part())).toBe(true);
    await stage.world.run(stage.world.now() + 5_000);
    expect(await stage.gaps()).toMatchObject([{ kind: 'recreated', from: 9, policy: 'halt' }]);
    stage.killMirror();
    await stage.startMirror();
  }
});

test.each(SEEDS)(
  'whatever is killed, the copy never has more than its origin and in the end all of it (seed %i)',
  async (seed) => {
    const stage = await begun(seed);
    const { world } = stage;
    for (let round = 0; round < 12; round++) {
      const writing = stage
        .write(1 + (round % 4), 7, 2)
        .then(() => stage.transaction(`t${round % 2}`, round % 3 > 0, 2, 2));
      await writing;
      await world.run(world.now() + between(world.random, [0, 60]));
      if (world.random.next() < 0.4) {
        stage.kill('target');
        await world.run(world.now() + between(world.random, [10, 500]));
        await stage.boot('target');
      } else {
        stage.killMirror();
        await stage.startMirror();
      }
      const [origin, copy] = [stage.stored('source'), stage.stored('target')];
      expect(copy).toHaveLength(Math.min(copy.length, origin.length));
      expect(origin.slice(0, copy.length).map(({ value }) => value)).toEqual(copy.map(({ value }) => value));
    }
    await stage.caughtUp();
    await stage.expectExact();
  },
);

test('a target whose log was cut has again what it lost, and a group there is translated by where it lies now', async () => {
  const stage = await begun(3);
  await stage.write(5, 5, 5);
  await stage.caughtUp();
  const cut = stage.stored('target').at(-8)!.offset;
  stage.disks.target.cut(COPY, 0, cut);
  await stage.write(2);
  await stage.caughtUp();
  await stage.expectExact();
});

test('a target that lost what it had acknowledged has it again, though nothing new comes', async () => {
  const stage = await begun(9);
  const before = stage.stored('target');
  stage.kill('target');
  stage.disks.target.cut(COPY, 0, before.at(-3)!.offset);
  await stage.boot('target');
  await stage.world.runUntil(() => stage.stored('target').length === before.length, 60_000);
  await stage.expectExact();
});

test('a copy that was deleted at the target is told, and begun anew from the start once somebody says so', async () => {
  const stage = await begun(4);
  const { world } = stage;
  await world.settle(stage.target.deleteTopics([COPY]));
  await stage.write(2);
  await world.run(world.now() + 5_000);
  expect(stage.stored('target')).toEqual([]);
  const part = stage.mirror!.status()[0]!.partitions[0];
  expect(part).toMatchObject({ state: 'halted', reason: expect.stringContaining('was deleted here') });
  await stage.resume();
  await stage.caughtUp();
  await stage.expectExact();
});

test('a broker that has forgotten its producers swallows nothing and takes nothing twice', async () => {
  const stage = await begun(5);
  for (let round = 0; round < 3; round++) {
    stage.disks.target.forgetProducers(COPY);
    stage.disks.target.forgetProducers('__meridian_runs');
    await stage.write(3, 4);
    await stage.transaction('a', true, 2);
    await stage.caughtUp();
  }
  await stage.expectExact();
});

test('what the origin deletes goes from the copy, and a restart is not misled by a marker at its end', async () => {
  const stage = await begun(6);
  await stage.transaction('a', true, 3);
  await stage.caughtUp();
  const end = stage.disks.source.partition(TOPIC, 0)!.endOffset;
  stage.disks.source.deleteRecords(TOPIC, 0, end);
  await stage.world.run(stage.world.now() + 3_000);
  stage.killMirror();
  await stage.startMirror();
  await stage.write(2);
  await stage.caughtUp();
  expect(
    stage
      .stored('target')
      .slice(-2)
      .map(({ value }) => value),
  ).toEqual(stage.stored('source').map(({ value }) => value));
});

/** The mirror was away, and the origin has deleted what was not copied yet. */
async function overrun(onGap: string): Promise<RebasedStage> {
  const stage = await begun(7);
  stage.killMirror();
  await stage.write(4, 4);
  stage.disks.source.deleteRecords(TOPIC, 0, 13);
  await stage.startMirror({ onGap: { default: onGap } });
  return stage;
}

const partOf = (stage: RebasedStage) => stage.mirror?.status()[0]?.partitions[0];

test('retention that has passed a copy by halts it, with what is lost', async () => {
  const stage = await overrun('halt');
  await stage.world.runUntil(() => partOf(stage)?.gaps === 1, 20_000);
  expect(partOf(stage)).toMatchObject({ state: 'halted', reason: expect.stringContaining('9..12 lost'), gaps: 1 });
});

test('where gaps are marked it goes on behind what is lost, and translation tells the gap', async () => {
  const stage = await overrun('mark-gap');
  await stage.caughtUp();
  const values = stage.stored('target').map(({ value }) => value);
  expect(values.slice(-5)).toEqual([8, 13, 14, 15, 16].map((number) => `record ${number}`));
  stage.killMirror();
  await stage.startMirror({ onGap: { default: 'mark-gap' } });
  await stage.write(2);
  await stage.caughtUp();
  const table = await stage.runs();
  const behindGap = stage.stored('target').at(-6)!.offset;
  expect(table.toLocal(10)).toEqual({ status: 'gap', from: 10, to: 12, offset: behindGap });
  expect(table.toLocal(13)).toEqual({ status: 'exact', offset: behindGap });
  expect(partOf(stage)).toMatchObject({ gaps: 1, lostRecords: 4 });
});

test('where a gap begins a new incarnation the copy is made anew, and holds what its origin does', async () => {
  const stage = await overrun('new-incarnation');
  const before = stage.disks.target.topics.get(COPY)!.id;
  await stage.caughtUp();
  expect(stage.disks.target.topics.get(COPY)!.id).not.toBe(before);
  expect(partOf(stage)).toMatchObject({ incarnation: 2, gaps: 1 });
  await stage.expectExact();
});

test('a topic that was deleted and created anew at the origin begins a new incarnation of its copy', async () => {
  const stage = await begun(8);
  stage.killMirror();
  await stage.startMirror({ onGap: { default: 'mark-gap' } });
  await stage.world.settle(stage.source.deleteTopics([TOPIC]));
  await stage.world.settle(stage.source.createTopics([{ name: TOPIC, numPartitions: 1 }]));
  await stage.write(2, 2);
  await stage.caughtUp();
  expect(stage.stored('target')).toHaveLength(4);
  await stage.expectExact();
});
