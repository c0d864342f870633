/** A topic that was taken over and given back is so again: real brokers and mirrors, by what operators ask of them. */
import { expect, test } from 'vitest';
import { IDENTITY, numbered, type RunView, Stage } from './failover-stage.ts';

test.each([
  ['embedded', 'embedded'],
  ['embedded', 'kafka'],
  ['kafka', 'embedded'],
  ['kafka', 'kafka'],
] as const)('there and back, and there and back once more, between %s and %s', async (us, eu) => {
  const stage = await new Stage(11, { 'us-east': us, 'eu-west': eu }).start(IDENTITY);
  const run = async (at: 'us-east' | 'eu-west', path: string) => {
    const asked = await stage.ask<RunView>(at, 'POST', path, { name: 'orders', force: true });
    return stage.untilDone(at, asked);
  };
  const valuesOf = async (at: 'us-east' | 'eu-west', topic = 'orders') =>
    (await stage.read(at, topic, 0)).map(({ value }) => value);
  const isThere = async (value: string) => {
    for (let seconds = 0; seconds < 60; seconds++) {
      if ((await valuesOf('eu-west')).includes(value)) return;
      await stage.world.run(stage.world.now() + 1_000);
    }
    expect.fail(`${value} has not come`);
  };
  const all = numbered(0, 10);
  await stage.write('us-east', 0, all);
  for (const round of [1, 2]) {
    await isThere(all.at(-1)!);
    stage.cut(true);
    await stage.write('us-east', 0, [`only here ${round}`, `and here ${round}`]);
    await run('eu-west', '/v1/failover');
    await stage.write('eu-west', 0, [`there ${round}`]);
    stage.cut(false);
    await stage.world.run(stage.world.now() + 10_000);
    const plan = await stage.ask<object>('us-east', 'GET', '/v1/failback', { name: 'orders' });
    expect(plan).toMatchObject({ topics: [{ partitions: [{ aside: 2 }, {}] }] });
    const { aside } = (await run('us-east', '/v1/failback')).topics[0]!;
    expect(await valuesOf('us-east', aside!.topic)).toEqual([`only here ${round}`, `and here ${round}`]);
    all.push(`there ${round}`);
    expect(await valuesOf('us-east')).toEqual(all);
    all.push(`home ${round}`);
    await stage.write('us-east', 0, [`home ${round}`]);
  }
  await isThere('home 2');
  expect(await valuesOf('eu-west')).toEqual(all);
});
