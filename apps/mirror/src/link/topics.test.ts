/** Topics of a link over two regions: made, kept alike, deleted on either side, and never in a circle. */
import { silentLogger } from '@meridian/io';
import { expect, test } from 'vitest';
import { createMirror } from '../mirror.ts';
import { SECRET, Stage } from '../testing/stage.ts';

async function stageWith(seed: number, link: Stage['link'] = {}): Promise<Stage> {
  const stage = new Stage(seed);
  stage.link = link;
  await stage.start();
  return stage;
}

const wait = (stage: Stage, ms: number): Promise<void> => stage.world.run(stage.world.now() + ms);
const resume = (stage: Stage, topic: string) => stage.ask('POST', '/v1/links/us-east-eu-west/resume', { topic });

test('a copy is made with the cleanup policy of its origin, and follows what is changed there', async () => {
  const stage = await stageWith(1);
  const origin = stage.us.createTopic('cities', 1, { 'cleanup.policy': 'compact', 'retention.ms': '5' });
  await stage.until(() => stage.status('cities')?.state === 'running');
  const copy = stage.eu.topics.get('us-east.cities')!;
  expect(copy.configs.get('cleanup.policy')).toBe('compact');
  origin.configs.set('cleanup.policy', 'compact,delete');
  origin.configs.delete('retention.ms');
  await stage.until(() => copy.configs.get('cleanup.policy') === 'compact,delete' && !copy.configs.has('retention.ms'));
  expect(copy.configs.get('meridian.origin.topic')).toBe('cities');
});

test('configs that a link does not name are the copy’s own', async () => {
  const stage = await stageWith(2, { follow: { configs: ['segment.bytes'], acls: false, groups: 'none' } });
  stage.us.createTopic('cities', 1, { 'retention.ms': '5', 'segment.bytes': '7' });
  await stage.until(() => stage.status('cities')?.state === 'running');
  const copy = stage.eu.topics.get('us-east.cities')!;
  copy.configs.set('retention.ms', '9');
  await wait(stage, 12_000);
  expect([copy.configs.get('retention.ms'), copy.configs.get('segment.bytes')]).toEqual(['9', '7']);
});

test('a target topic that was deleted and made again by somebody else is not written to', async () => {
  const stage = await stageWith(3);
  stage.us.createTopic('cities', 2);
  stage.write('cities', 0, 3);
  await stage.until(() => stage.same('cities'));
  stage.eu.createTopic('us-east.cities', 1);
  await stage.until(() => stage.status('cities')?.state === 'halted');
  expect(stage.status('cities')?.reason).toMatch(/is a topic that is no copy: delete or rename one of the two/);
  stage.write('cities', 0, 3);
  await wait(stage, 3_000);
  expect(stage.eu.partition('us-east.cities').endOffset).toBe(0);
});

test('a target that was recreated while no mirror ran is copied again from the start', async () => {
  const stage = await stageWith(12);
  stage.us.createTopic('cities', 1);
  stage.write('cities', 0, 3);
  await stage.until(() => stage.same('cities') && stage.eu.topics.has('__meridian_topics'));
  stage.world.node('mirror').kill();
  stage.eu.topics.clear();
  await stage.startMirror();
  await stage.until(() => stage.same('cities') && stage.status('cities')?.position === 3);
});

test('a copy that was deleted while no mirror ran is known to be, and copied anew when somebody says so', async () => {
  const stage = await stageWith(4);
  stage.us.createTopic('cities', 1);
  stage.write('cities', 0, 3);
  await stage.until(() => stage.same('cities'));
  stage.world.node('mirror').kill();
  stage.eu.topics.delete('us-east.cities');
  await stage.startMirror();
  await stage.until(() => stage.status('cities')?.state === 'halted');
  expect(stage.status('cities')?.reason).toMatch(/^us-east\.cities was deleted here: `meridian link resume/);
  await stage.startMirror();
  await wait(stage, 8_000);
  expect(stage.eu.topics.has('us-east.cities')).toBe(false);
  await resume(stage, 'cities');
  await stage.until(() => stage.same('cities') && stage.status('cities')?.position === 3);
  expect(stage.status('cities')?.incarnation).toBe(2);
  await stage.startMirror();
  await stage.until(() => stage.status('cities')?.state === 'running');
});

test('a copy that is deleted while it is written halts and says what to do, and is copied anew when somebody says so', async () => {
  const stage = await stageWith(5);
  stage.us.createTopic('cities', 1);
  stage.write('cities', 0, 3);
  await stage.until(() => stage.same('cities'));
  stage.eu.topics.delete('us-east.cities');
  await stage.until(() => stage.status('cities')?.state === 'halted');
  expect(stage.status('cities')?.reason).toMatch(
    /was deleted here: `meridian link resume us-east-eu-west --topic cities`/,
  );
  await wait(stage, 3_000);
  expect(stage.eu.topics.has('us-east.cities')).toBe(false);
  await resume(stage, 'cities');
  await stage.until(() => stage.same('cities') && stage.status('cities')?.state === 'running', 5_000);
  expect(stage.status('cities')?.incarnation).toBe(2);
});

test('a copy with fewer partitions than its origin grows', async () => {
  const stage = await stageWith(6);
  const { id } = stage.us.createTopic('cities', 3);
  stage.write('cities', 2, 3);
  stage.world.node('mirror').kill();
  stage.eu.createTopic('us-east.cities', 1, {
    'meridian.origin.region': 'us-east',
    'meridian.origin.topic.id': id,
  });
  await stage.startMirror();
  await stage.until(() => stage.same('cities', 2));
});

test('a deletion at the origin is shown until somebody confirms it, and then the copy goes', async () => {
  const stage = await stageWith(7);
  stage.us.createTopic('cities', 1);
  stage.write('cities', 0, 3);
  await stage.until(() => stage.same('cities'));
  const confirm = () => stage.ask('POST', '/v1/links/us-east-eu-west/confirm', { topic: 'cities' });
  await expect(confirm()).rejects.toThrow(/was not deleted at its origin/);
  stage.us.topics.delete('cities');
  await stage.until(() => stage.status('cities')?.state === 'deleted', 5_000);
  expect(stage.mirror!.status()[0]!.state).toBe('deleted');
  await wait(stage, 5_000);
  expect(stage.eu.partition('us-east.cities').endOffset).toBe(3);
  await confirm();
  await stage.until(() => stage.status('cities') === undefined, 5_000);
  expect(stage.eu.topics.has('us-east.cities')).toBe(false);
});

test('a link that starts at the latest does so for topics that were there, and loses nothing of those that come later', async () => {
  const stage = new Stage(8);
  stage.link = { start: 'latest' };
  await stage.world.settle(stage.us.start(stage.world.node('us').boot()));
  await stage.world.settle(stage.eu.start(stage.world.node('eu').boot()));
  stage.us.createTopic('old', 1);
  stage.write('old', 0, 5);
  await stage.startMirror();
  await stage.until(() => stage.status('old')?.position === 5);
  stage.write('old', 0, 2);
  await stage.until(() => stage.status('old')?.position === 7);
  expect(stage.eu.partition('us-east.old').batches).toHaveLength(1);

  stage.world.node('mirror').kill();
  stage.us.createTopic('late', 1);
  stage.write('late', 0, 4);
  await wait(stage, 10_000);
  await stage.startMirror();
  await stage.until(() => stage.same('late'));
});

test('regions that mirror one another, heartbeats and all, have each topic twice and no more', async () => {
  const stage = await stageWith(9, { mm2: true });
  const io = stage.world.node('back').boot();
  const config = {
    ...{ region: 'us-east', secret: SECRET },
    target: { bootstrap: [{ host: 'us', port: 9093 }] },
    sources: [{ region: 'eu-west', bootstrap: [{ host: 'eu', port: 9193 }] }],
    links: [{ from: 'eu-west', to: 'us-east', mm2: true }],
    management: { host: 'back', port: 9194 },
  };
  await stage.world.settle(createMirror({ io, config, log: silentLogger, listen: false }));
  stage.us.createTopic('orders', 1);
  stage.eu.createTopic('orders', 1);
  stage.us.createTopic('heartbeats', 1);
  stage.eu.createTopic('heartbeats', 1);
  await wait(stage, 30_000);
  const names = (topics: ReadonlyMap<string, unknown>) =>
    [...topics.keys()].filter((name) => !name.includes('internal') && !name.startsWith('__'));
  expect(names(stage.us.topics).sort()).toEqual(['eu-west.heartbeats', 'eu-west.orders', 'heartbeats', 'orders']);
  expect(names(stage.eu.topics).sort()).toEqual(['heartbeats', 'orders', 'us-east.heartbeats', 'us-east.orders']);
});

test('under the policy identity a copy is called like its origin, and is no origin itself', async () => {
  const stage = await stageWith(10, { policy: 'identity', topics: { list: ['cities', 'taken'] } });
  stage.us.createTopic('cities', 1);
  stage.write('cities', 0, 3);
  stage.eu.createTopic('taken', 1);
  stage.us.createTopic('taken', 1);
  await stage.until(() => stage.status('cities')?.position === 3);
  expect(stage.status('cities')?.copy).toBe('cities');
  expect(stage.eu.topics.get('cities')!.configs.get('meridian.origin.policy')).toBe('identity');
  await stage.until(() => stage.status('taken')?.state === 'halted');
});

test('two regions of one name, and a region that nobody has told how to reach, are refused', async () => {
  const stage = new Stage(11);
  const bootstrap = [{ host: 'us', port: 1 }];
  const codeOf = (sources: { region: string; bootstrap: typeof bootstrap }[]) =>
    createMirror({
      io: stage.world.node('mirror').boot(),
      config: { region: 'eu-west', target: { bootstrap }, sources, management: { host: 'm', port: 1 } },
      log: silentLogger,
      listen: false,
    }).then(
      () => undefined,
      (error) => error.code,
    );
  expect(await codeOf([{ region: 'eu-west', bootstrap }])).toBe('double-region');
  expect(
    await codeOf([
      { region: 'us-east', bootstrap },
      { region: 'us-east', bootstrap },
    ]),
  ).toBe('double-region');
});
