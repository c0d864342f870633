/** A metadata log that begins behind a snapshot, as Apache Kafka leaves it. */
import type { Io } from '@meridian/io';
import { silentLogger } from '@meridian/io';
import { createSimWorld } from '@meridian/io/sim';
import { openLog } from '@meridian/log';
import { CONTROL_RECORD_TYPE, ControlRecordKey, encodeMessage, SnapshotFooterRecord } from '@meridian/protocol';
import { iterateBatches, writeBatch } from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import { createTopics, newTopic, registration } from './decide/scenario.ts';
import { openController } from './open-controller.ts';

const FOLDER = '/data/__cluster_metadata-0';
const CONFIG = { region: 'us-east', regionId: 3, nodeId: 1, dataFolder: '/data', regions: [], defaultPartitions: 2 };

function machine() {
  const world = createSimWorld({ seed: 1 });
  const node = world.node('broker');
  const start = async () => {
    const controller = await world.settle(openController({ io: node.boot(), config: CONFIG, log: silentLogger }));
    await world.settle(controller.register(registration(1).endpoints));
    return controller;
  };
  return { world, node, start };
}

const footer = Buffer.from(
  writeBatch({
    records: [
      {
        timestamp: 0,
        key: encodeMessage(ControlRecordKey, 0, { type: CONTROL_RECORD_TYPE.SNAPSHOT_FOOTER }),
        value: encodeMessage(SnapshotFooterRecord, 0, { version: 0 }),
      },
    ],
    control: true,
  }),
);

/** Puts all of the log into a snapshot, and leaves a log that begins behind it. */
async function shorten(io: Io, tail: Buffer, settle: (closed: Promise<void>) => Promise<void>): Promise<void> {
  const log = openLog({ io, folder: FOLDER });
  const { endOffset } = log;
  const all = log.read(0, { maxBytes: 1_000_000 }).buffers.flatMap((buffer) => [...iterateBatches(buffer)]);
  const data = all.filter(({ header }) => !header.isControl).map(({ bytes }) => Buffer.from(bytes));
  log.truncateFullyAndStartAt(endOffset);
  await settle(log.close(true));
  const name = `${String(endOffset).padStart(20, '0')}-0000000007.checkpoint`;
  io.disk.replaceFile(`${FOLDER}/${name}`, Buffer.concat([...data, tail]));
}

test('a log that begins behind a snapshot is that snapshot and what follows', async () => {
  const { world, node, start } = machine();
  const controller = await start();
  await world.settle(controller.submit(createTopics([newTopic('orders')])));
  const { id } = controller.image.topicsByName.get('orders')!;
  const { highWatermark } = controller.quorum();
  await world.settle(controller.close());
  await shorten(node.boot(), footer, (closed) => world.settle(closed));
  const again = await start();
  expect(again.image.topicsByName.get('orders')!.id).toBe(id);
  expect(again.quorum().leaderEpoch).toBe(8);
  expect(again.quorum().highWatermark).toBeGreaterThan(highWatermark);
  await world.settle(again.submit(createTopics([newTopic('later')])));
  await world.settle(again.close());
  const third = await start();
  expect([...third.image.topicsByName.keys()]).toEqual(['orders', 'later']);
});

test('without a whole snapshot such a log is refused', async () => {
  const { world, node, start } = machine();
  await world.settle((await start()).close());
  await shorten(node.boot(), Buffer.alloc(0), (closed) => world.settle(closed));
  await expect(start()).rejects.toMatchObject({ code: 'folder-corrupt' });
});
