/** Fail-over and fail-back while mirrors and brokers are killed at any moment, on each pairing of engines. */

import { below, chance } from '@meridian/io/sim';
import { ERROR } from '@meridian/protocol';
import { expect, test } from 'vitest';
import { IDENTITY, IDENTITY_LINK, type Region, type RunView, Stage } from './failover-stage.ts';

/** What was written where, per partition. */
class Written {
  readonly kept: string[][] = [[], []];
  readonly onlyThere: string[][] = [[], []];
  private readonly stage: Stage;

  constructor(stage: Stage) {
    this.stage = stage;
  }

  async write(region: Region, what: string, batches: number, into = this.kept): Promise<void> {
    const { random } = this.stage.world;
    for (let batch = 0; batch < batches; batch++) {
      const partition = below(random, 2);
      const values = Array.from({ length: 1 + below(random, 5) }, (_, at) => `${what} ${batch}.${at}`);
      expect(await this.stage.write(region, partition, values)).toBe(ERROR.NONE);
      into[partition]!.push(...values);
    }
  }
}

/** Half of the mirrors and a third of the brokers die on the way. */
async function disturb(stage: Stage, region: Region, links: object[], brokers: readonly Region[]): Promise<void> {
  const { world } = stage;
  if (chance(world.random, 0.5)) await stage.killNowAndThen(region, links);
  for (const broker of brokers) {
    if (!chance(world.random, 1 / 3)) continue;
    world.node(`${broker}/broker`).kill();
    await world.run(world.now() + below(world.random, 2_000));
    await stage.startBroker(broker);
  }
}

async function valuesOf(stage: Stage, region: Region, topic: string): Promise<string[][]> {
  const partitions = [await stage.read(region, topic, 0), await stage.read(region, topic, 1)];
  return partitions.map((records) => records.map(({ value }) => value));
}

test.each([
  ['embedded', 'embedded', 100],
  ['embedded', 'kafka', 141],
  ['kafka', 'embedded', 122],
  ['kafka', 'kafka', 131],
] as const)(
  'nothing is lost, doubled or passed over between %s and %s, seed %i',
  { timeout: 60_000 },
  async (us, eu, seed) => {
    const stage = await new Stage(seed, { 'us-east': us, 'eu-west': eu }).start(IDENTITY);
    const { world } = stage;
    const written = new Written(stage);
    await written.write('us-east', 'order', 5 + below(world.random, 20));
    const offset = below(world.random, written.kept[0]!.length + 1);
    await world.settle(stage.of('us-east').commitOffsets('billing', [{ topic: 'orders', partition: 0, offset }]));
    await stage.until(
      () =>
        stage.isCopied(
          'eu-west',
          written.kept.map((values) => values.length),
        ),
      60_000,
    );
    await world.run(world.now() + 3_000);
    stage.cut(true);
    await written.write('us-east', 'only here', below(world.random, 6), written.onlyThere);
    world.node('us-east/broker').kill();
    const run = await stage.ask<RunView>('eu-west', 'POST', '/v1/failover', { name: 'orders', force: true });
    await disturb(stage, 'eu-west', [IDENTITY_LINK], []);
    await stage.untilDone('eu-west', run);
    await written.write('eu-west', 'after', 1 + below(world.random, 10));
    await stage.startBroker('us-east');
    stage.cut(false);
    await world.run(world.now() + 10_000);
    const back = await stage.ask<RunView>('us-east', 'POST', '/v1/failback', { name: 'orders', force: true });
    await disturb(stage, 'us-east', [], ['us-east', 'eu-west']);
    const { aside } = (await stage.untilDone('us-east', back, 200_000)).topics[0]!;
    const kept = aside === null ? [[], []] : await valuesOf(stage, 'us-east', aside.topic);
    expect(kept).toEqual(written.onlyThere);
    expect(await valuesOf(stage, 'us-east', 'orders')).toEqual(written.kept);
    expect(await stage.nextOf('us-east', 'orders')).toBe(written.kept[0]![offset]);
    await written.write('us-east', 'home', 2);
    await world.run(world.now() + 30_000);
    expect(await valuesOf(stage, 'eu-west', 'orders')).toEqual(written.kept);
    expect(await stage.nextOf('eu-west', 'orders')).toBe(written.kept[0]![offset]);
  },
);
