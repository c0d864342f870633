/** A link's compression as its users see it: on, off with a reason, refused, and spoilt by what the origin sends. */
import type { Packer } from '@meridian/client/testing';
import { compress } from '@meridian/protocol';
import { CODECS } from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import { Stage } from '../testing/stage.ts';

const honest: Packer = (plain, codec) =>
  codec === 0 ? undefined : { block: Buffer.from(compress(CODECS[codec]!, plain)), codec, sizeInBytes: plain.length };

async function stageWith(seed: number, packs: Packer | undefined, link: Stage['link']): Promise<Stage> {
  const stage = new Stage(seed);
  stage.link = link;
  stage.us.packs = packs;
  stage.us.createTopic('cities', 1);
  return stage.start();
}

const wireOf = (stage: Stage) => stage.mirror!.status()[0]!.wire;

test.each(['zstd', 'lz4'] as const)(
  'by %s records land as they were, and the status says what came over the line',
  async (compression) => {
    const stage = await stageWith(41, honest, { compression });
    for (let round = 0; round < 20; round++) stage.write('cities', 0, 100);
    await stage.until(() => stage.status('cities')?.position === 2_000);
    expect(stage.same('cities')).toBe(true);
    const { codec, wireBytes, recordBytes, off } = wireOf(stage)!;
    expect([codec, off]).toEqual([compression, null]);
    expect(wireBytes).toBeLessThan(recordBytes / 5);
    expect(recordBytes).toBe(Buffer.concat(stage.us.partition('cities').batches).length);
  },
);

test('an origin of an older release is mirrored as before, and the status says that nothing is compressed', async () => {
  const stage = await stageWith(42, undefined, { compression: 'zstd' });
  stage.write('cities', 0, 500);
  await stage.until(() => stage.same('cities'));
  const { wireBytes, recordBytes, off } = wireOf(stage)!;
  expect(wireBytes).toBe(recordBytes);
  expect(off).toBe('broker 1 of us-east is of an older release, which does not compress on the wire');
  // It is upgraded.
  stage.us.packs = honest;
  await stage.restart('us');
  stage.write('cities', 0, 500);
  await stage.until(() => stage.same('cities') && wireOf(stage)!.off === null);
  expect(wireOf(stage)!.wireBytes).toBeLessThan(wireOf(stage)!.recordBytes * 0.7);
});

test('a link without compression has none, and gets it while it runs', async () => {
  const stage = await stageWith(43, honest, { topics: { list: ['none'] } });
  expect(wireOf(stage)).toBeUndefined();
  await stage.ask('POST', '/v1/links', { name: 'more', from: 'us-east', to: 'eu-west', topics: { list: ['cities'] } });
  stage.write('cities', 0, 300);
  await stage.until(() => stage.same('cities'));
  expect(await stage.ask('PATCH', '/v1/links/more', { compression: 'zstd' })).toMatchObject({
    link: { compression: 'zstd' },
  });
  stage.write('cities', 0, 300);
  const more = () => stage.mirror!.status().find(({ name }) => name === 'more')!;
  await stage.until(() => stage.same('cities') && (more().wire?.recordBytes ?? 0) > 0);
  expect(more().wire!.wireBytes).toBeLessThan(more().wire!.recordBytes / 3);
});

test('a bomb holds its partition up with a reason, and nothing else; then it goes on, with nothing lost or doubled', async () => {
  const bomb = Buffer.from(compress('zstd', Buffer.alloc(80_000_000)));
  const stage = await stageWith(44, honest, { compression: 'zstd' });
  stage.us.createTopic('rivers', 1);
  stage.write('cities', 0, 100);
  await stage.until(() => stage.same('cities'));
  stage.us.packs = (plain, codec) =>
    plain.length > 5_000 ? { block: bomb, codec, sizeInBytes: plain.length } : honest(plain, codec);
  stage.write('cities', 0, 300);
  stage.write('rivers', 0, 10);
  await stage.until(() => stage.status('cities')?.state === 'retrying');
  expect(stage.status('cities')!.reason).toMatch(/came compressed and cannot be read: zstd: more than \d+ bytes/);
  await stage.until(() => stage.same('rivers'));
  stage.us.packs = honest;
  await stage.until(() => stage.same('cities') && stage.status('cities')?.state === 'running');
});

test('compression from a region of Apache Kafka, and codecs that are none, are refused', async () => {
  const stage = new Stage(45);
  stage.others = [{ region: 'ap', kafka: { 'bootstrap.servers': 'ap:9092' } }];
  await stage.start();
  const refusal = (body: object): Promise<string> =>
    stage.ask('POST', '/v1/links', { to: 'eu-west', ...body }).then(
      () => 'done',
      (error: Error) => error.message,
    );
  expect(await refusal({ from: 'ap', compression: 'zstd' })).toMatch(
    /^compression must be none: ap is an Apache Kafka/,
  );
  expect(await refusal({ from: 'us-east', name: 'x', compression: 'snappy' })).toMatch(/must be one of/);
  expect(await refusal({ from: 'ap', compression: 'none' })).toBe('done');
});
