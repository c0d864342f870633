import { silentLogger } from '@meridian/io';
import { ERROR } from '@meridian/protocol';
import { expect, test } from 'vitest';
import { createMirror, type MirrorConfig } from './mirror.ts';
import { batchOf, SECRET, Stage } from './testing/stage.ts';

test('a topic found at the origin has its copy within five seconds, with the origin in its configs', async () => {
  const stage = await new Stage(1).start();
  await stage.world.run(stage.world.now() + 2_000);
  const topic = stage.us.createTopic('cities', 2, { 'cleanup.policy': 'compact' });
  for (const partition of [0, 1, 1]) stage.write('cities', partition, 3);
  await stage.until(() => stage.same('cities', 0) && stage.same('cities', 1), 5_000);
  expect(Object.fromEntries(stage.eu.topics.get('us-east.cities')!.configs)).toEqual({
    'cleanup.policy': 'compact',
    'meridian.origin.region': 'us-east',
    'meridian.origin.topic.id': topic.id,
    'meridian.origin.topic': 'cities',
    'meridian.origin.incarnation': '1',
    'meridian.origin.policy': 'prefix',
    'meridian.origin.link': 'us-east-eu-west',
  });
  await stage.until(() => stage.status('cities', 1)?.lagRecords === 0);
  expect(stage.status('cities', 1)).toMatchObject({
    copy: 'us-east.cities',
    state: 'running',
    reason: null,
    position: 6,
    sourceEnd: 6,
    lagBytes: 0,
    lagMs: 0,
  });
});

test('a record is in the copy a few milliseconds after it was written', async () => {
  const stage = await new Stage(2).start();
  stage.us.createTopic('cities', 1);
  stage.write('cities', 0, 1);
  await stage.until(() => stage.same('cities'));
  await stage.world.run(stage.world.now() + 3_000);
  const before = stage.world.now();
  stage.write('cities', 0, 1);
  await stage.until(() => stage.same('cities'));
  expect(stage.world.now() - before).toBeLessThan(10);
});

test('added partitions are mirrored, copies and internal topics are not', async () => {
  const stage = await new Stage(3).start();
  const cities = stage.us.createTopic('cities', 1);
  stage.us.createTopic('__consumer_offsets', 1);
  stage.us.createTopic('eu-west.orders', 1, {
    'meridian.origin.region': 'eu-west',
    'meridian.origin.topic.id': cities.id,
  });
  await stage.until(() => stage.status('cities') !== undefined);
  stage.us.topics.get('cities')!.partitions.push(new (cities.partitions[0]!.constructor as new () => never)());
  stage.write('cities', 1, 2);
  await stage.until(() => stage.same('cities', 1), 5_000);
  expect([...stage.eu.topics.keys()]).toEqual(['us-east.cities', '__meridian_topics']);
});

test('kills of mirror and brokers leave the copy equal: nothing missing, nothing twice', async () => {
  for (const seed of [4, 5, 6, 7, 8]) {
    const stage = await new Stage(seed).start();
    stage.us.createTopic('cities', 3);
    for (let round = 0; round < 9; round++) {
      for (let index = 0; index < 20; index++) stage.write('cities', index % 3, 1 + (index % 5));
      await stage.world.run(stage.world.now() + stage.world.random.next() * 30);
      for (let index = 0; index < 20; index++) stage.write('cities', index % 3, 1);
      if (round % 3 === 0) await stage.startMirror();
      else await stage.restart(round % 3 === 1 ? 'us' : 'eu');
    }
    await stage.until(() => [0, 1, 2].every((partition) => stage.same('cities', partition)));
    await stage.until(() => {
      const status = stage.status('cities');
      return status?.state === 'running' && status.lastVerifiedOffset === stage.us.partition('cities').endOffset;
    });
  }
});

test('appends whose answers were lost, and two mirrors at once, do not double anything', async () => {
  const stage = await new Stage(9).start();
  stage.us.createTopic('cities', 1);
  await stage.until(() => stage.status('cities') !== undefined);
  const other = stage.world.node('other').boot();
  const config: MirrorConfig = {
    region: 'eu-west',
    secret: SECRET,
    target: { bootstrap: [{ host: 'eu', port: 9193 }] },
    sources: [{ region: 'us-east', bootstrap: [{ host: 'us', port: 9093 }] }],
    links: [{ from: 'us-east', to: 'eu-west' }],
    management: { host: 'other', port: 9194 },
  };
  await stage.world.settle(createMirror({ io: other, config, log: silentLogger, listen: false }));
  for (let round = 0; round < 10; round++) {
    stage.eu.loseAnswersOf = round % 3 === 1 ? 'Produce' : undefined;
    for (let index = 0; index < 10; index++) stage.write('cities', 0, 2);
    await stage.world.run(stage.world.now() + 100);
  }
  stage.eu.loseAnswersOf = undefined;
  await stage.until(() => stage.same('cities'));
});

test('holes of compaction and of retention move the end of the copy', async () => {
  const stage = await new Stage(10).start();
  const log = stage.us.createTopic('cities', 1).partitions[0]!;
  for (let index = 0; index < 10; index++) log.append(batchOf(1));
  log.compact(3, 6);
  log.compact(8, 10);
  await stage.until(() => stage.status('cities')?.position === 10);
  expect(stage.same('cities')).toBe(true);
  expect(stage.eu.partition('us-east.cities').endOffset).toBe(10);

  const aged = stage.us.createTopic('aged', 1).partitions[0]!;
  aged.advanceStart(500);
  await stage.until(() => stage.status('aged')?.position === 500);
  expect(stage.status('aged')).toMatchObject({ state: 'running', lagRecords: 0 });
});

test('an origin that lost records which are here halts the partition, and says from where on', async () => {
  const stage = await new Stage(11).start();
  stage.us.createTopic('cities', 1);
  for (let index = 0; index < 5; index++) stage.write('cities', 0, 2);
  await stage.until(() => stage.status('cities')?.position === 10);
  stage.us.partition('cities').truncateTo(6);
  await stage.restart('us');
  for (let index = 0; index < 5; index++) stage.write('cities', 0, 2);
  await stage.until(() => stage.status('cities')?.state === 'halted');
  expect(stage.status('cities')?.reason).toMatch(/^diverged: .*6/);
  expect(stage.eu.partition('us-east.cities').endOffset).toBe(10);
  expect(stage.mirror!.status()[0]!.state).toBe('halted');
});

test('retention that overtakes the mirror halts the partition, and says what was lost', async () => {
  const stage = await new Stage(12).start();
  stage.us.createTopic('cities', 1);
  stage.write('cities', 0, 4);
  await stage.until(() => stage.status('cities')?.position === 4);
  stage.world.node('mirror').kill();
  for (let index = 0; index < 5; index++) stage.write('cities', 0, 400);
  stage.us.partition('cities').advanceStart(1_604);
  await stage.startMirror();
  await stage.until(() => stage.status('cities')?.state === 'halted');
  expect(stage.status('cities')?.reason).toBe('source retention passed us, 4..1,603 lost');
});

test('a topic that was created anew, and a name that is taken, halt and say so', async () => {
  const stage = await new Stage(13).start();
  stage.us.createTopic('cities', 1);
  stage.write('cities', 0, 4);
  stage.eu.createTopic('us-east.taken', 1);
  stage.us.createTopic('taken', 1);
  await stage.until(() => stage.status('cities')?.position === 4);
  stage.us.createTopic('cities', 1);
  stage.write('cities', 0, 9);
  await stage.until(() => stage.status('cities')?.state === 'halted');
  expect(stage.status('cities')?.reason).toMatch(/created anew at the origin/);
  expect(stage.status('taken')).toMatchObject({ state: 'halted' });
  expect(stage.status('taken')?.reason).toMatch(/is a topic that is no copy/);
  expect(stage.eu.partition('us-east.cities').endOffset).toBe(4);
});

test('a deletion is told, and so is a topic of that name that comes later, also by a mirror that was started since', async () => {
  const stage = await new Stage(17).start();
  stage.us.createTopic('cities', 1);
  stage.write('cities', 0, 4);
  await stage.until(() => stage.status('cities')?.position === 4);
  stage.us.topics.delete('cities');
  await stage.until(() => stage.status('cities')?.reason === 'the topic was deleted at the origin');
  await stage.startMirror();
  await stage.until(() => stage.status('cities')?.position === 4);
  expect(stage.status('cities')).toMatchObject({
    state: 'deleted',
    reason: 'the topic was deleted at the origin',
    sourceEnd: null,
    lagRecords: null,
    lagBytes: null,
    lagMs: null,
  });

  stage.us.createTopic('cities', 1);
  stage.write('cities', 0, 9);
  for (const restarted of [false, true]) {
    if (restarted) await stage.startMirror();
    await stage.until(() => stage.status('cities')?.sourceEnd === 9 && stage.status('cities')?.position === 4);
    expect(stage.status('cities')).toMatchObject({ state: 'halted', lagRecords: 9, lagBytes: null });
    expect(stage.status('cities')?.reason).toMatch(/created anew at the origin: its id is .*, our copy is of /);
  }
  stage.eu.topics.delete('us-east.cities');
  await stage.until(() => stage.same('cities') && stage.status('cities')?.state === 'running');
});

test('a topic of which neither the origin nor the copy is left is not shown any more', async () => {
  const stage = await new Stage(18).start();
  stage.us.createTopic('cities', 1);
  await stage.until(() => stage.status('cities')?.state === 'running');
  stage.us.topics.delete('cities');
  stage.eu.topics.delete('us-east.cities');
  await stage.until(() => stage.status('cities') === undefined);
});

test('what is not known of a partition is not told as zero', async () => {
  const stage = new Stage(19);
  await stage.world.settle(stage.us.start(stage.world.node('us').boot()));
  await stage.world.settle(stage.eu.start(stage.world.node('eu').boot()));
  stage.eu.createTopic('us-east.taken', 1);
  stage.us.createTopic('taken', 1);
  stage.write('taken', 0, 3);
  await stage.startMirror();
  await stage.until(() => stage.status('taken')?.sourceEnd === 3);
  expect(stage.status('taken')).toMatchObject({ state: 'halted', position: null, lagRecords: null, lagMs: null });
});

test('a target that refuses is told, with the others going on, until it takes records again', async () => {
  const stage = await new Stage(14).start();
  stage.us.createTopic('cities', 1);
  await stage.until(() => stage.status('cities') !== undefined);
  stage.eu.intercept = (api) => (api === 'Produce' ? ERROR.KAFKA_STORAGE_ERROR : undefined);
  stage.write('cities', 0, 4);
  await stage.until(() => stage.status('cities')?.state === 'retrying');
  expect(stage.status('cities')?.reason).toMatch(/KAFKA_STORAGE_ERROR/);
  stage.eu.intercept = undefined;
  await stage.until(() => stage.status('cities')?.state === 'running' && stage.same('cities'));
});

test('while a side is away the status says so, and the lag grows older', async () => {
  const stage = await new Stage(15).start();
  stage.us.createTopic('cities', 1);
  await stage.until(() => stage.status('cities')?.state === 'running');
  stage.world.node('eu').powerLoss();
  stage.write('cities', 0, 4);
  await stage.world.run(stage.world.now() + 20_000);
  const { state, lagRecords, lagMs } = stage.status('cities')!;
  expect(state).toBe('retrying');
  expect(lagRecords).toBe(4);
  expect(lagMs).toBeGreaterThan(15_000);
  stage.world.node('us').powerLoss();
  await stage.world.run(stage.world.now() + 20_000);
  expect(stage.status('cities')?.state).toBe('retrying');
});

test('a link to the own region, into another one, or twice from one is refused by a coded error', async () => {
  const stage = new Stage(16);
  const link = { from: 'us-east', to: 'eu-west' };
  const base = {
    region: 'eu-west',
    secret: SECRET,
    target: { bootstrap: [{ host: 'eu', port: 1 }] },
    management: { host: 'm', port: 1 },
  };
  const codeOf = (links: NonNullable<MirrorConfig['links']>) =>
    createMirror({ io: stage.world.node('mirror').boot(), config: { ...base, links }, log: silentLogger }).catch(
      (error) => error.code,
    );
  expect(await codeOf([{ ...link, from: 'eu-west' }])).toBe('self-link');
  expect(await codeOf([{ ...link, to: 'ap-south' }])).toBe('foreign-link');
  expect(await codeOf([link, link])).toBe('double-link');
  expect(await codeOf([link])).toBe('no-endpoint');
});
