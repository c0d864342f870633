/** Links as data, changed while the mirror runs. */
import { expect, test } from 'vitest';
import type { MirrorStatus } from '../status.ts';
import { Stage } from '../testing/stage.ts';
import { LINKS_TOPIC } from './link-record.ts';

const BOTH = ['cities', 'rivers'] as const;

async function stageWith(seed: number, link: Stage['link'] = {}, linksFile?: string): Promise<Stage> {
  const stage = new Stage(seed);
  stage.link = link;
  stage.linksFile = linksFile;
  await stage.start();
  for (const name of BOTH) {
    stage.us.createTopic(name, 1);
    stage.write(name, 0, 2);
  }
  return stage;
}

const describe = async (stage: Stage): Promise<MirrorStatus> => (await stage.ask('GET', '/v1/links')) as MirrorStatus;
const refusal = (answer: Promise<unknown>): Promise<string> =>
  answer.then(
    () => 'done',
    (error: Error & { status?: number }) => `${error.status}: ${error.message}`,
  );

test('a link says which topics it means, and what is excluded', async () => {
  const stage = await stageWith(1, { topics: { pattern: '(cit|riv).*', exclude: { list: ['rivers'] } } });
  await stage.until(() => stage.same('cities'));
  await stage.world.run(stage.world.now() + 5_000);
  expect([...stage.eu.topics.keys()]).toEqual(['us-east.cities', '__meridian_topics']);
});

test('a link is created, changed and deleted while the mirror runs, and outlives it', async () => {
  const stage = await stageWith(2, { topics: { list: ['cities'] } });
  await stage.until(() => stage.same('cities'));
  const entry = { name: 'more', from: 'us-east', to: 'eu-west', topics: { list: ['rivers'] } };
  expect(await stage.ask('POST', '/v1/links', entry)).toMatchObject({ managed: 'api', epoch: 1, problem: null });
  await stage.until(() => stage.same('rivers'), 5_000);

  await stage.startMirror();
  await stage.until(() => stage.status('rivers')?.state === 'running');
  const changed = await stage.ask('PATCH', '/v1/links/more', { epoch: 1, onGap: { default: 'mark-gap' } });
  expect(changed).toMatchObject({ epoch: 2, link: { onGap: { default: 'mark-gap' }, topics: { list: ['rivers'] } } });
  expect(await refusal(stage.ask('PATCH', '/v1/links/more', { epoch: 1, mm2: true }))).toMatch(/^409: .*epoch is 2/);
  expect(await refusal(stage.ask('PATCH', '/v1/links/more', { policy: 'identity' }))).toMatch(/^409: policy cannot/);

  await stage.ask('DELETE', '/v1/links/more');
  await stage.until(() => stage.status('rivers') === undefined);
  stage.write('rivers', 0, 1);
  await stage.world.run(stage.world.now() + 3_000);
  expect(stage.eu.partition('us-east.rivers').endOffset).toBe(2);
  expect(stage.eu.topics.get(LINKS_TOPIC)?.configs.get('cleanup.policy')).toBe('compact');
});

test('a link of the file is only paused and resumed here, also over a restart', async () => {
  const stage = await stageWith(3);
  await stage.until(() => stage.same('cities'));
  expect(await refusal(stage.ask('DELETE', '/v1/links/us-east-eu-west'))).toMatch(/^409: .*stands in a file/);
  await stage.ask('POST', '/v1/links/us-east-eu-west/pause', { by: 'somebody' });
  expect(stage.status('cities')).toMatchObject({
    state: 'paused',
    reason: expect.stringMatching(/^paused by somebody/),
  });
  await stage.startMirror();
  stage.write('cities', 0, 3);
  await stage.until(() => stage.status('cities')?.lagRecords === 3);
  expect(stage.status('cities')?.state).toBe('paused');
  await stage.ask('POST', '/v1/links/us-east-eu-west/resume');
  await stage.until(() => stage.same('cities'), 5_000);
});

test('what cannot be is refused: a link to itself, to elsewhere, of no region, twice, over another’s topics', async () => {
  const stage = await stageWith(4, { topics: { prefix: 'c' } });
  const create = (more: object) =>
    refusal(stage.ask('POST', '/v1/links', { name: 'new', from: 'us-east', to: 'eu-west', ...more }));
  expect(await create({ from: 'eu-west' })).toMatch(/^400: to must not be the region/);
  expect(await create({ to: 'us-east', from: 'eu-west' })).toMatch(
    /^400: to must be eu-west: ask the mirror of us-east/,
  );
  expect(await create({ from: 'nowhere' })).toMatch(/^400: from is no region/);
  expect(await create({ name: 'us-east-eu-west', topics: { prefix: 'r' } })).toBe(
    '409: there is a link us-east-eu-west already, from us-east to eu-west: it stands in a file, and is changed there, or give the new one another name',
  );
  expect(await create({ topics: { list: ['cities'] } })).toMatch(/^409: new may copy the same topics/);
  expect(await create({ topics: { pattern: '(?=x)' } })).toMatch(/^400: topics.pattern has/);
  expect(await create({ name: 'a.b' })).toMatch(/name/);
  expect(await create({ topics: { prefix: 'r' } })).toBe('done');
});

test('a file that is edited is followed, and edited into nonsense the old one stays and the error is shown', async () => {
  const only = (name: string) => `links:\n  - { from: us-east, to: eu-west, topics: { list: [${name}] } }\n`;
  const stage = await stageWith(5, {}, only('cities'));
  await stage.until(() => stage.same('cities'));
  stage.editLinks('links:\n  - { from: us-east, to: eu-west, topics: { list: rivers } }\n');
  await stage.world.run(stage.world.now() + 3_000);
  expect((await describe(stage)).configError).toMatch(/links\.yaml:2: links\[0\]\.topics\.list must be an array/);
  stage.write('cities', 0, 1);
  await stage.until(() => stage.same('cities'), 1_000);
  stage.editLinks('{{{');
  await stage.world.run(stage.world.now() + 2_000);
  expect((await describe(stage)).configError).toMatch(/links\.yaml:1: /);
  stage.editLinks(only('rivers'));
  await stage.until(() => stage.same('rivers') && stage.status('cities') === undefined, 5_000);
  expect((await describe(stage)).configError).toBeNull();
});

test('a link that the file comes to overlap is halted with the reason, and goes on when it does no more', async () => {
  const only = (name: string) => `links:\n  - { from: us-east, to: eu-west, topics: { list: [${name}] } }\n`;
  const stage = await stageWith(6, {}, only('cities'));
  await stage.until(() => stage.same('cities'));
  await stage.ask('POST', '/v1/links', { name: 'more', from: 'us-east', to: 'eu-west', topics: { prefix: 'r' } });
  stage.editLinks(only('rivers'));
  const more = () => stage.mirror!.status().find(({ name }) => name === 'more')!;
  await stage.until(() => more().state === 'halted', 5_000);
  expect(more().reason).toMatch(/may copy the same topics as us-east-eu-west/);
  stage.editLinks(only('cities'));
  await stage.until(() => more().state === 'running', 5_000);
});

test('a link under a bandwidth limit takes no more than that, and all of it in the end', async () => {
  const stage = await stageWith(7, { bandwidthBytesPerSecond: 100_000, topics: { list: ['cities'] } });
  await stage.until(() => stage.same('cities'));
  const before = stage.world.now();
  for (let index = 0; index < 50; index++) stage.write('cities', 0, 400);
  const bytes = stage.us.partition('cities').batches.reduce((sum, batch) => sum + batch.length, 0);
  await stage.until(() => stage.same('cities'), 60_000);
  const seconds = (stage.world.now() - before) / 1000;
  expect(bytes).toBeLessThan(100_000 * (seconds + 1) + 2 * 64 * 1024);
  expect(bytes / seconds).toBeGreaterThan(80_000);
});

test('a record of links that this version cannot read is told, and harms nothing', async () => {
  const stage = await stageWith(8);
  await stage.ask('POST', '/v1/links/us-east-eu-west/pause', { by: 'me' });
  await stage.ask('POST', '/v1/links/us-east-eu-west/resume');
  stage.eu.partition(LINKS_TOPIC).append(stage.recordOf('link/strange', '{"v":2}'));
  stage.eu.wake();
  await stage.world.run(stage.world.now() + 1_000);
  expect((await describe(stage)).configError).toMatch(/link\/strange: its version is 2/);
  await stage.until(() => stage.same('cities'));
});

test('a region that cannot be reached is told as such within seconds, and keeps nobody from stopping', async () => {
  for (const away of ['us', 'eu'] as const) {
    const stage = new Stage(9);
    const here = away === 'us' ? 'eu' : 'us';
    await stage.world.settle(stage[here].start(stage.world.node(here).boot()));
    stage.world.node(away).boot();
    await stage.startMirror();
    const link = () => stage.mirror!.status()[0]!;
    await stage.until(() => link().reason !== 'not connected yet', 5_000);
    expect(link()).toMatchObject({ state: 'retrying', reason: expect.stringMatching(/No broker could be reached/) });
    const before = stage.world.now();
    await stage.world.settle(stage.mirror!.stop());
    expect(stage.world.now() - before).toBeLessThan(1_000);
  }
});
