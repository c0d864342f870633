/** What is lost at the origin, from finding it to going on, over two fake regions and a mirror. */
import { ERROR } from '@meridian/protocol';
import { batchBaseOffset } from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import { Stage } from '../testing/stage.ts';
import type { GapPolicy, GapRecord } from './gap-record.ts';

async function stageWith(seed: number, policy: GapPolicy = 'halt'): Promise<Stage> {
  const stage = new Stage(seed);
  stage.link = { onGap: { default: policy, topics: {} } };
  await stage.start();
  stage.us.createTopic('cities', 1);
  stage.write('cities', 0, 5);
  await stage.until(() => stage.status('cities')?.position === 5);
  return stage;
}

const gapsOf = async (stage: Stage) => ((await stage.ask('GET', '/v1/gaps')) as { gaps: GapRecord[] }).gaps;
const copyOf = (stage: Stage) => stage.eu.partition('us-east.cities');
const basesOf = (stage: Stage) => copyOf(stage).batches.map((batch) => batchBaseOffset(batch));

/** While the mirror is away the origin's retention goes beyond what was copied. */
async function overtake(stage: Stage): Promise<void> {
  stage.world.node('mirror').kill();
  for (let count = 0; count < 5; count++) stage.write('cities', 0, 2);
  stage.us.partition('cities').advanceStart(11);
  await stage.startMirror();
}

test('retention at the origin that overtakes the mirror halts it with what was lost, on record, until somebody decides', async () => {
  const stage = await stageWith(1);
  await overtake(stage);
  await stage.until(() => stage.status('cities')?.gaps === 1);
  expect(stage.status('cities')).toMatchObject({
    state: 'halted',
    reason: 'source retention passed us, 5..10 lost',
    position: 5,
    lagRecords: 10,
    lostRecords: 6,
  });
  expect(await gapsOf(stage)).toMatchObject([
    { link: 'us-east-eu-west', topic: 'cities', partition: 0, kind: 'retention', from: 5, to: 11, policy: 'halt' },
  ]);
  const verified = await stage.ask('GET', '/v1/verify?topic=cities');
  const error = 'it is halted: source retention passed us, 5..10 lost';
  expect(verified).toMatchObject({ topics: [{ isEqual: false, partitions: [{ records: 0, error }] }] });
  await stage.startMirror(); // what is on record is so for the next one, too
  await stage.until(() => stage.status('cities')?.gaps === 1 && stage.status('cities')?.state === 'halted');
  const resumed = await stage.ask('POST', '/v1/links/us-east-eu-west/resume', { topic: 'cities' });
  expect(resumed).toMatchObject({ lost: [{ partition: 0, kind: 'retention', from: 5, to: 11 }] });
  await stage.until(() => stage.status('cities')?.state === 'halted');
  const decision = { link: 'us-east-eu-west', topic: 'cities', policy: 'mark-gap' };
  expect(await stage.ask('POST', '/v1/gaps/decide', decision)).toMatchObject({ decided: [0] });
  await stage.until(() => stage.status('cities')?.position === 15 && stage.status('cities')?.state === 'running');
  await stage.until(() => basesOf(stage).join() === '11,13'); // what the origin does not have goes here, too
  expect(await gapsOf(stage)).toMatchObject([{ from: 5, to: 11, policy: 'mark-gap' }]);
});

test('a region that has not answered yet is not one without gaps', async () => {
  const stage = new Stage(52);
  await stage.world.settle(stage.us.start(stage.world.node('us').boot()));
  await stage.startMirror();
  await expect(gapsOf(stage)).rejects.toThrow('cannot be read');
  await stage.world.settle(stage.eu.start(stage.world.node('eu').boot()));
  await stage.until(() => stage.mirror!.status()[0]!.state === 'running');
  expect(await gapsOf(stage)).toEqual([]);
});

test('what leaves the origin before any of it was copied is lost, too', async () => {
  const stage = await new Stage(50).start();
  stage.us.createTopic('cities', 1);
  await stage.until(() => stage.status('cities')?.state === 'running');
  stage.world.node('mirror').kill();
  for (let count = 0; count < 5; count++) stage.write('cities', 0, 2);
  stage.us.partition('cities').advanceStart(4);
  await stage.startMirror();
  await stage.until(() => stage.status('cities')?.reason === 'source retention passed us, 0..3 lost');
});

test('what an origin had deleted before its copy was made is not lost', async () => {
  const stage = new Stage(51);
  stage.us.createTopic('cities', 1);
  await stage.world.settle(stage.us.start(stage.world.node('us').boot()));
  await stage.world.settle(stage.eu.start(stage.world.node('eu').boot()));
  for (let count = 0; count < 5; count++) stage.write('cities', 0, 2);
  stage.us.partition('cities').advanceStart(4);
  await stage.startMirror();
  await stage.until(() => stage.status('cities')?.position === 10 && copyOf(stage).startOffset === 4);
  expect(stage.status('cities')).toMatchObject({ state: 'running', gaps: 0 });
});

test('under mark-gap it goes on behind the gap, and nothing of it is copied before the gap is on record', async () => {
  const stage = await stageWith(2, 'mark-gap');
  stage.eu.intercept = (api) => (api === 'Produce' ? ERROR.KAFKA_STORAGE_ERROR : undefined);
  await overtake(stage);
  await stage.until(() => stage.status('cities')?.reason?.includes('cannot be put on record') === true);
  await stage.world.run(stage.world.now() + 3_000);
  expect(copyOf(stage).endOffset).toBe(5);
  stage.eu.intercept = undefined;
  await stage.until(() => stage.status('cities')?.position === 15);
  expect(stage.status('cities')).toMatchObject({ state: 'running', gaps: 1, lostRecords: 6 });
});

test.each([
  ['shorter', 2],
  ['longer', 9],
])(
  'a topic recreated %s than its copy is another topic: its copy is begun anew, under the policy',
  async (_, count) => {
    const stage = await stageWith(3 + count, 'new-incarnation');
    stage.us.topics.delete('cities');
    stage.us.createTopic('cities', 1);
    stage.write('cities', 0, count);
    await stage.until(() => stage.status('cities')?.incarnation === 2 && stage.same('cities'));
    expect(await gapsOf(stage)).toMatchObject([
      { kind: 'recreated', from: 5, policy: 'new-incarnation', incarnation: 1 },
    ]);
    stage.write('cities', 0, 3);
    await stage.until(() => stage.status('cities')?.position === count + 3 && stage.same('cities'));
  },
);

test('a topic that was recreated is halted by default, and its lag is not zero', async () => {
  const stage = await stageWith(20);
  stage.us.topics.delete('cities');
  stage.us.createTopic('cities', 1);
  stage.write('cities', 0, 9);
  await stage.until(() => stage.status('cities')?.state === 'halted' && stage.status('cities')?.gaps === 1);
  await stage.until(() => stage.status('cities')?.lagRecords === 9); // none of them is in the copy, however long that is
  await stage.startMirror();
  await stage.until(() => stage.status('cities')?.state === 'halted' && stage.status('cities')?.gaps === 1);
  await stage.world.run(stage.world.now() + 5_000);
  expect(await gapsOf(stage)).toMatchObject([{ kind: 'recreated', from: 5, to: 5 }]);
});

test.each(['halt', 'new-incarnation', 'mark-gap'] as const)(
  'an unclean election at the origin, under %s',
  async (policy) => {
    const stage = await stageWith(30 + policy.length, policy);
    const origin = stage.us.partition('cities');
    origin.truncateTo(0);
    origin.lead(1);
    stage.write('cities', 0, 7);
    if (policy === 'halt') {
      await stage.until(() => stage.status('cities')?.state === 'halted' && stage.status('cities')?.gaps === 1);
      expect(stage.status('cities')?.reason).toMatch(/^diverged/);
      expect(copyOf(stage).endOffset).toBe(5);
    } else {
      await stage.until(() => stage.status('cities')?.incarnation === 2 && stage.same('cities'));
      expect(await gapsOf(stage)).toMatchObject([{ kind: 'unclean', policy: 'new-incarnation' }]);
    }
  },
);

test('a link that starts at the latest copies what was there before it not, and later topics from their first record', async () => {
  const stage = new Stage(40);
  stage.link = { start: 'latest' };
  stage.us.createTopic('cities', 1);
  await stage.world.settle(stage.us.start(stage.world.node('us').boot()));
  stage.write('cities', 0, 5);
  await stage.world.settle(stage.eu.start(stage.world.node('eu').boot()));
  await stage.startMirror();
  await stage.until(() => stage.status('cities')?.position === 5);
  stage.us.createTopic('rivers', 1);
  stage.write('rivers', 0, 2);
  stage.write('cities', 0, 3);
  await stage.until(() => stage.status('cities')?.position === 8 && stage.status('rivers')?.position === 2);
  expect(basesOf(stage)).toEqual([5]);
  expect(stage.same('rivers')).toBe(true);
});

test('a start at the latest is decided once: what comes while no mirror runs is copied', async () => {
  const stage = new Stage(41);
  stage.link = { start: 'latest' };
  stage.us.createTopic('cities', 1);
  await stage.world.settle(stage.us.start(stage.world.node('us').boot()));
  await stage.world.settle(stage.eu.start(stage.world.node('eu').boot()));
  await stage.startMirror();
  await stage.until(() => stage.status('cities')?.state === 'running');
  stage.world.node('mirror').kill();
  stage.write('cities', 0, 3);
  await stage.startMirror();
  await stage.until(() => stage.same('cities'));
});

test('what is deleted at the origin, or leaves it by retention, leaves the copy, also where nothing is written', async () => {
  const stage = await stageWith(43);
  stage.write('cities', 0, 4);
  await stage.until(() => stage.status('cities')?.position === 9);
  stage.us.partition('cities').advanceStart(5);
  await stage.until(() => copyOf(stage).startOffset === 5, 5_000);
  expect(stage.status('cities')).toMatchObject({ state: 'running', gaps: 0 });
});

test('a copy whose broker lost its tail with its power is filled again, though nothing new is written', async () => {
  const stage = await stageWith(44);
  stage.write('cities', 0, 4);
  await stage.until(() => stage.status('cities')?.position === 9);
  copyOf(stage).truncateTo(5);
  copyOf(stage).lead(1);
  await stage.until(() => copyOf(stage).endOffset === 9 && stage.same('cities'), 10_000);
});

test('a restart copies nothing again', async () => {
  const stage = await stageWith(42);
  const before = stage.eu.requests.filter((api) => api === 'Produce').length;
  await stage.startMirror();
  await stage.until(() => stage.status('cities')?.lastVerifiedOffset === 5);
  await stage.world.run(stage.world.now() + 3_000);
  expect(stage.eu.requests.filter((api) => api === 'Produce')).toHaveLength(before);
});
