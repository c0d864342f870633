/** A region is lost, another one takes over, and it comes back: real brokers and mirrors, by what operators ask of them. */
import { ERROR } from '@meridian/protocol';
import { expect, test } from 'vitest';
import { IDENTITY, IDENTITY_LINK, numbered, type RunView, Stage } from './failover-stage.ts';

test('a lost region is taken over, and fails back: nothing is lost, merged or read twice', async () => {
  const stage = await new Stage(1).start(IDENTITY);
  await stage.write('us-east', 0, numbered(0, 50));
  await stage.write('us-east', 1, ['one']);
  await stage.world.settle(
    stage.of('us-east').commitOffsets('billing', [{ topic: 'orders', partition: 0, offset: 30 }]),
  );
  await stage.until(() => stage.isCopied('eu-west', [50, 1]));
  await stage.world.run(stage.world.now() + 2_000);
  expect(await stage.groupAt('eu-west', 'orders')).toBe(30);

  // Five records more are acknowledged in the region before it is lost.
  stage.cut(true);
  await stage.write('us-east', 0, ['only here 0', 'only here 1', 'only here 2', 'only here 3', 'only here 4']);
  stage.world.node('us-east/broker').kill();
  const plan = await stage.ask<object>('eu-west', 'GET', '/v1/failover', { name: 'orders' });
  expect(plan).toMatchObject({
    ...{ scope: { kind: 'topic', name: 'orders' }, loses: 0, unknown: 0, refusal: null },
    origins: [{ region: 'us-east', isReachable: false }],
    topics: [{ action: 'promote', partitions: [{ copyEnd: 50, sourceEnd: 50 }, { copyEnd: 1 }] }],
    groups: [{ group: 'billing', partition: 0, sourceOffset: 30, targetOffset: 30, rereads: 0 }],
  });
  expect(await stage.write('eu-west', 0, ['refused'])).not.toBe(ERROR.NONE);
  const run = await stage.ask<RunView>('eu-west', 'POST', '/v1/failover', { name: 'orders' });
  await stage.untilDone('eu-west', run);
  expect(await stage.write('eu-west', 0, ['after 0', 'after 1'])).toBe(ERROR.NONE);
  await stage.world.settle(
    stage.of('eu-west').commitOffsets('billing', [{ topic: 'orders', partition: 0, offset: 52 }]),
  );

  await stage.startBroker('us-east');
  stage.cut(false);
  await stage.world.run(stage.world.now() + 10_000);
  const back = await stage.ask<object>('us-east', 'GET', '/v1/failback', { name: 'orders' });
  expect(back).toMatchObject({
    aside: 5,
    topics: [{ from: 'eu-west', partitions: [{ cut: 50, localEnd: 55, promotedEnd: 52, aside: 5 }, { aside: 0 }] }],
  });
  const backRun = await stage.ask<RunView>('us-east', 'POST', '/v1/failback', { name: 'orders' });
  const done = await stage.untilDone('us-east', backRun);
  const aside = done.topics[0]!.aside!;
  expect(aside.records).toBe(5);
  const kept = await stage.read('us-east', aside.topic, 0);
  expect(kept.map(({ value }) => value)).toEqual([0, 1, 2, 3, 4].map((at) => `only here ${at}`));
  expect(kept[0]!.headers[0]).toMatch(/^meridian-origin=us-east\/[0-9a-f-]+\/0\/\d+\/50$/);
  const { gaps } = await stage.ask<{ gaps: object[] }>('us-east', 'GET', '/v1/gaps');
  expect(gaps).toMatchObject([{ kind: 'failback', topic: 'orders', partition: 0, from: 50, to: 55 }]);

  const all = [...numbered(0, 50), 'after 0', 'after 1'];
  expect((await stage.read('us-east', 'orders', 0)).map(({ value }) => value)).toEqual(all);
  expect(await stage.groupAt('us-east', 'orders')).toBe(52);
  expect(await stage.write('us-east', 0, ['home again'])).toBe(ERROR.NONE);
  await stage.until(() => stage.isCopied('eu-west', [53, 1]), 60_000);
  expect((await stage.read('eu-west', 'orders', 0)).map(({ value }) => value)).toEqual([...all, 'home again']);
  expect(stage.mirrors.get('us-east')!.status()).toEqual([]);
});

test('readers of prefixed copies are told where they stand, and nothing is promoted', async () => {
  const stage = await new Stage(2).start({});
  await stage.write('us-east', 0, numbered(0, 20));
  const commit = { topic: 'orders', partition: 0, offset: 12 };
  await stage.world.settle(stage.of('us-east').commitOffsets('billing', [commit]));
  await stage.until(() => stage.isCopied('eu-west', [20, 0]));
  await stage.world.run(stage.world.now() + 2_000);
  stage.world.node('us-east/broker').kill();
  const plan = await stage.ask<object>('eu-west', 'GET', '/v1/failover', { name: 'us-east' });
  expect(plan).toMatchObject({
    ...{ scope: { kind: 'region', name: 'us-east' }, loses: 0 },
    topics: [{ topic: 'orders', copy: 'us-east.orders', action: 'readers-only' }],
    groups: [{ group: 'billing', copy: 'us-east.orders', targetOffset: 12, rereads: 0 }],
  });
  const run = await stage.ask<RunView>('eu-west', 'POST', '/v1/failover', { name: 'us-east' });
  await stage.untilDone('eu-west', run);
  expect(await stage.write('eu-west', 0, ['still a copy'], 'us-east.orders')).not.toBe(ERROR.NONE);
});

test('an origin that is alive and written to is not taken over, unless it is forced', async () => {
  const stage = await new Stage(3).start(IDENTITY);
  await stage.write('us-east', 0, numbered(0, 5));
  await stage.until(() => stage.isCopied('eu-west', [5, 0]));
  await stage.writeAs('us-east', 'a producer');
  const plan = await stage.ask<{ refusal: string }>('eu-west', 'GET', '/v1/failover', { name: 'orders' });
  expect(plan.refusal).toMatch(/^us-east is alive: producer \d+ wrote to orders-0 \d s ago; stop it first$/);
  await expect(stage.ask('eu-west', 'POST', '/v1/failover', { name: 'orders' })).rejects.toThrow('us-east is alive');
  const run = await stage.ask<RunView>('eu-west', 'POST', '/v1/failover', { name: 'orders', force: true });
  await stage.untilDone('eu-west', run);
  expect(await stage.write('eu-west', 0, ['ours now'])).toBe(ERROR.NONE);
  await expect(stage.ask('eu-west', 'GET', '/v1/failover', { name: 'nobody' })).rejects.toThrow(
    'has copies in eu-west',
  );
});

test('somebody who writes without a producer id is seen, too, by how the log grows', async () => {
  const stage = await new Stage(4).start(IDENTITY);
  await stage.write('us-east', 0, numbered(0, 5));
  await stage.until(() => stage.isCopied('eu-west', [5, 0]));
  const writer = stage.world.node('a writer').boot();
  let wrote = 0;
  const again = (): void => {
    void stage.send('us-east', 1, `more ${++wrote}`);
    writer.timers.after(400, again);
  };
  again();
  const refusal = 'us-east is alive: somebody without a producer id writes to orders-1; stop it first';
  expect(await stage.ask('eu-west', 'GET', '/v1/failover', { name: 'orders' })).toMatchObject({ refusal });
  stage.world.node('a writer').kill();
  await stage.world.run(stage.world.now() + 2_000);
  const run = await stage.ask<RunView>('eu-west', 'POST', '/v1/failover', { name: 'orders' });
  await stage.untilDone('eu-west', run, 10_000);
  expect(await stage.read('eu-west', 'orders', 1)).toHaveLength(wrote);
});

test('a fail-back that is forced waits for no writer: they are refused, and what they wrote is kept', async () => {
  const stage = await new Stage(5).start(IDENTITY);
  await stage.write('us-east', 0, numbered(0, 5));
  await stage.until(() => stage.isCopied('eu-west', [5, 0]));
  stage.cut(true);
  await stage.world.run(stage.world.now() + 60_000);
  await stage.untilDone('eu-west', await stage.ask('eu-west', 'POST', '/v1/failover', { name: 'orders', force: true }));
  await stage.writeAs('us-east', 'only here');
  await stage.writeAs('eu-west', 'there');
  stage.cut(false);
  await stage.world.run(stage.world.now() + 5_000);
  const plan = await stage.ask<object>('us-east', 'GET', '/v1/failback', { name: 'orders' });
  expect(plan).toMatchObject({
    refusal: expect.stringMatching(/^in us-east, producer \d+ wrote to orders-0 \d s ago: it belongs to the other/),
    topics: [
      {
        partitions: [
          { writers: [{}], writersThere: [{}] },
          { writers: [], writersThere: [] },
        ],
      },
    ],
  });
  await expect(stage.ask('us-east', 'POST', '/v1/failback', { name: 'orders' })).rejects.toThrow('stop it first');
  const run = await stage.ask<RunView>('us-east', 'POST', '/v1/failback', { name: 'orders', force: true });
  const { aside } = (await stage.untilDone('us-east', run, 30_000)).topics[0]!;
  expect((await stage.read('us-east', aside!.topic, 0)).map(({ value }) => value)).toEqual(['only here']);
  expect((await stage.read('us-east', 'orders', 0)).at(-1)?.value).toBe('there');
});

test.each([
  ['embedded', 'kafka'],
  ['kafka', 'embedded'],
  ['kafka', 'kafka'],
] as const)('there and back between %s and %s', async (us, eu) => {
  const stage = await new Stage(7, { 'us-east': us, 'eu-west': eu }).start(IDENTITY);
  await stage.world.settle(
    stage.of('us-east').alterTopicConfigs([{ topic: 'orders', set: { 'retention.ms': '7000000' } }]),
  );
  await stage.write('us-east', 0, numbered(0, 30));
  await stage.world.settle(
    stage.of('us-east').commitOffsets('billing', [{ topic: 'orders', partition: 0, offset: 20 }]),
  );
  await stage.until(() => stage.isCopied('eu-west', [30, 0]), 60_000);
  await stage.world.run(stage.world.now() + 15_000);
  await stage.startMirror('eu-west', [IDENTITY_LINK]); // what the origin had is on record
  await stage.world.run(stage.world.now() + 3_000);
  expect(await stage.nextOf('eu-west', 'orders')).toBe('order 20');
  stage.cut(true);
  await stage.write('us-east', 0, ['only here 0', 'only here 1']);
  stage.world.node('us-east/broker').kill();
  const run = await stage.ask<RunView>('eu-west', 'POST', '/v1/failover', { name: 'orders', force: true });
  await stage.untilDone('eu-west', run);
  expect(await stage.setOn('eu-west', 'orders')).toEqual({ 'retention.ms': '7000000' });
  expect(await stage.write('eu-west', 0, ['after 0', 'after 1'])).toBe(ERROR.NONE);
  await stage.startBroker('us-east');
  stage.cut(false);
  await stage.world.run(stage.world.now() + 10_000);
  const plan = await stage.ask<{ aside: number }>('us-east', 'GET', '/v1/failback', { name: 'orders' });
  expect(plan.aside).toBe(2);
  const back = await stage.ask<RunView>('us-east', 'POST', '/v1/failback', { name: 'orders', force: true });
  const done = await stage.untilDone('us-east', back);
  const aside = await stage.read('us-east', done.topics[0]!.aside!.topic, 0);
  expect(aside.map(({ value }) => value)).toEqual(['only here 0', 'only here 1']);
  const all = [...numbered(0, 30), 'after 0', 'after 1'];
  expect((await stage.read('us-east', 'orders', 0)).map(({ value }) => value)).toEqual(all);
  expect(await stage.nextOf('us-east', 'orders')).toBe('order 20');
  expect(await stage.setOn('us-east', 'orders')).toEqual({ 'retention.ms': '7000000' });
  expect(await stage.write('us-east', 0, ['home again'])).toBe(ERROR.NONE);
  const isBack = async () => (await stage.read('eu-west', 'orders', 0)).some(({ value }) => value === 'home again');
  for (let seconds = 0; seconds < 60 && !(await isBack()); seconds++) await stage.world.run(stage.world.now() + 1_000);
  expect((await stage.read('eu-west', 'orders', 0)).map(({ value }) => value)).toEqual([...all, 'home again']);
});

test('several mirrors of the region share it: what is kept aside is there once', async () => {
  const stage = await new Stage(8).start(IDENTITY);
  for (const member of ['second', 'third']) await stage.startMirror('us-east', [], member);
  await stage.write('us-east', 0, numbered(0, 10));
  await stage.until(() => stage.isCopied('eu-west', [10, 0]));
  stage.cut(true);
  await stage.write('us-east', 0, ['only here 0', 'only here 1']);
  stage.world.node('us-east/broker').kill();
  await stage.untilDone('eu-west', await stage.ask('eu-west', 'POST', '/v1/failover', { name: 'orders', force: true }));
  await stage.startBroker('us-east');
  stage.cut(false);
  await stage.world.run(stage.world.now() + 10_000);
  const back = await stage.ask<RunView>('us-east', 'POST', '/v1/failback', { name: 'orders', force: true });
  const { aside } = (await stage.untilDone('us-east', back)).topics[0]!;
  const kept = await stage.read('us-east', aside!.topic, 0);
  expect(kept.map(({ value }) => value)).toEqual(['only here 0', 'only here 1']);
  expect((await stage.read('us-east', 'orders', 0)).map(({ value }) => value)).toEqual(numbered(0, 10));
});
