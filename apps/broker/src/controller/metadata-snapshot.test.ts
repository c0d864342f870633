/** Snapshots of the metadata: written by a node as its log grows, and what a start makes of them. */
import { silentLogger } from '@meridian/io';
import { createSimWorld } from '@meridian/io/sim';
import { expect, test } from 'vitest';
import { openLoneController } from '../testing/lone-controller.ts';
import { createTopics, newTopic, registration } from './decide/scenario.ts';

const FOLDER = '/data/__cluster_metadata-0';

function machine() {
  const world = createSimWorld({ seed: 1 });
  const node = world.node('broker');
  const start = async (maxBytes: number) => {
    const io = node.boot();
    const staticConfigs = new Map([['metadata.log.max.record.bytes.between.snapshots', String(maxBytes)]]);
    const config = { regionId: 3, nodeId: 1, dataFolder: '/data', regions: [], defaultPartitions: 2, staticConfigs };
    const controller = await world.settle(openLoneController({ io, config, log: silentLogger }));
    await world.settle(controller.register(registration(1).endpoints));
    const checkpoints = () => io.disk.list(FOLDER).filter((name) => name.endsWith('.checkpoint'));
    return { io, controller, checkpoints };
  };
  return { world, start };
}

test('a log that begins behind a snapshot is that snapshot and what follows', async () => {
  const { world, start } = machine();
  const { controller, checkpoints } = await start(500);
  for (const name of ['orders', 'users', 'payments']) {
    await world.settle(controller.submit(createTopics([newTopic(name)])));
  }
  await world.run(world.now() + 100);
  expect(checkpoints()).not.toContain('00000000000000000000-0000000000.checkpoint');
  const { id } = controller.image.topicsByName.get('orders')!;
  const hash = controller.imageHash();
  const { endOffset } = controller.image;
  await world.settle(controller.close());

  const second = await start(1_000_000);
  expect(second.controller.image.topicsByName.get('orders')!.id).toBe(id);
  expect(second.controller.image.endOffset).toBeGreaterThan(endOffset);
  await world.settle(second.controller.submit(createTopics([newTopic('later')])));
  await world.settle(second.controller.close());
  const third = await start(1_000_000);
  expect([...third.controller.image.topicsByName.keys()].sort()).toEqual(['later', 'orders', 'payments', 'users']);
  expect(third.controller.imageHash()).not.toBe(hash);
});

test('without a whole snapshot such a log is refused', async () => {
  const { world, start } = machine();
  const { io, controller, checkpoints } = await start(1);
  await world.settle(controller.submit(createTopics([newTopic('orders')])));
  await world.run(world.now() + 100);
  await world.settle(controller.close());
  for (const name of checkpoints()) {
    const bytes = io.disk.readFile(`${FOLDER}/${name}`);
    io.disk.replaceFile(`${FOLDER}/${name}`, bytes.subarray(0, bytes.length - 1));
  }
  await expect(start(1)).rejects.toMatchObject({ code: 'folder-corrupt' });
});
