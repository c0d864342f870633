import { silentLogger } from '@meridian/io';
import { createSimWorld } from '@meridian/io/sim';
import { writeBatch } from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import { createClient } from '../client.ts';
import { FakeBroker } from '../testing/fake-broker.ts';

const VALUE_BYTES = 10_000;
const BATCHES = 20;

function batch(): Buffer {
  const records = [{ timestamp: 1, key: null, value: new Uint8Array(VALUE_BYTES), headers: [] }];
  const bytes = writeBatch({ records });
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Follows all partitions of a topic; an answer holds a batch each of some of them. */
async function setUp(partitions: number) {
  const world = createSimWorld({ seed: 9 });
  const broker = new FakeBroker({ host: 'broker', port: 9093 });
  await world.settle(broker.start(world.node('broker').boot()));
  broker.createTopic('cities', partitions);
  const io = world.node('client').boot();
  const bootstrap = [{ host: 'broker', port: 9093 }];
  const client = createClient({ io, bootstrap, clientId: 'test', log: silentLogger });
  const fetcher = client.fetcher({ maxBytes: 5 * VALUE_BYTES, partitionMaxBytes: 1.5 * VALUE_BYTES });
  const holes: number[] = [];
  const ends = new Array<number>(partitions).fill(0);
  const follow = (partition: number) =>
    fetcher.add({
      topic: 'cities',
      partition,
      offset: 0,
      onBatches: ({ nextOffset }) => {
        ends[partition] = nextOffset;
      },
      onEnd: (_end, hole) => {
        if (hole) holes.push(partition);
      },
      onError: ({ detail }) => expect.fail(detail),
    });
  return { world, broker, follow, holes, ends };
}

test('partitions whose turn has not come are not asked for one by one', async () => {
  const { world, broker, follow, holes, ends } = await setUp(8);
  for (let partition = 0; partition < 8; partition++) {
    for (let count = 0; count < BATCHES; count++) broker.partition('cities', partition).append(batch());
    follow(partition);
  }
  await world.runUntil(() => ends.every((end) => end === BATCHES), 60_000);
  expect([ends, holes]).toEqual([new Array(8).fill(BATCHES), []]);
  const fetches = broker.requests.filter((api) => api === 'Fetch').length;
  expect(fetches).toBeLessThan(0.5 * 8 * BATCHES);
});

test('a hole beside a partition that always has something is passed, too', async () => {
  const { world, broker, follow, holes } = await setUp(2);
  const [busy, holed] = [broker.partition('cities', 0), broker.partition('cities', 1)];
  for (let count = 0; count < 3; count++) holed.append(batch());
  holed.compact(0, 3);
  const feed = (): void => {
    for (let count = 0; count < 5; count++) busy.append(batch());
    broker.wake();
  };
  feed();
  follow(0);
  const handle = follow(1);
  for (let round = 0; round < 50 && handle.position < 3; round++) {
    feed();
    await world.run(world.now() + 10);
  }
  expect([handle.position, holes]).toEqual([3, [1]]);
});
