/** Re-based copies through the port, over a broker as Apache Kafka is one: what goes up is the origin's. */
import { createClient } from '@meridian/client';
import { FakeBroker } from '@meridian/client/testing';
import {
  CompactedTopic,
  type CopyFacts,
  encodeRunChange,
  FactsStore,
  RUNS_TOPIC,
  type RunChange,
  RunsStore,
  runsPartitionOf,
} from '@meridian/coordinates';
import { silentLogger } from '@meridian/io';
import { createSimWorld } from '@meridian/io/sim';
import { batchBaseOffset, batchLeaderEpoch, iterateBatches, writeBatch } from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import type { OldSlice, Slice, TopicFacts } from './broker-port.ts';
import { createClientBroker } from './client-broker.ts';

const COPY = 'us-east.acme.cities';
const ORIGIN_ID = '00000000-0000-4000-8000-0000000000aa';
const CONTROL_BITS = 0x30;

async function setUp() {
  const world = createSimWorld({ seed: 11 });
  const bootstrap = [{ host: 'broker', port: 9092 }];
  const fake = new FakeBroker({ host: 'broker', port: 9092 });
  await world.settle(fake.start(world.node('broker').boot()));
  fake.createTopic(COPY, 1);
  const mirrorIo = world.node('mirror').boot();
  const client = createClient({ io: mirrorIo, bootstrap, clientId: 'mirror', log: silentLogger });
  const runs = new RunsStore({ io: mirrorIo, client, mayCreate: true });
  await world.settle(runs.ensure());
  const broker = createClientBroker(
    world.node('gateway').boot(),
    { region: 'eu-west', engine: 'kafka', bootstrap },
    silentLogger,
  );
  const copyId = (await world.settle(client.metadata([COPY]))).topics.get(COPY)!.id;
  const facts: CopyFacts = {
    ...{ copy: COPY, copyId, originRegion: 'us-east', originTopic: 'acme.cities', originTopicId: ORIGIN_ID },
    ...{ incarnation: 1, policy: 'prefix', link: 'us-east-eu-west' },
  };
  const store = new FactsStore({ io: mirrorIo, client, mayCreate: true });
  await world.settle(store.put(facts, undefined));
  const place = { copyId, partition: 0 };
  const topic = new CompactedTopic({
    ...{ io: mirrorIo, client, topic: RUNS_TOPIC, partition: runsPartitionOf(place), onRecord: () => undefined },
  });
  const writeRun = (originEpoch: number, originStart: number, localStart: number, count = 0) => {
    const tenure = { producerId: 7, producerEpoch: 1, localStart: 0 };
    const change: RunChange = { type: 'put', run: { originEpoch, originStart, localStart, count, tenure } };
    return world.settle(topic.putAll([encodeRunChange(place, change)]));
  };
  const log = fake.partition(COPY, 0);
  const append = (count: number, isMarker = false) => {
    const records = Array.from({ length: count }, () => ({ timestamp: 1, key: null, value: null }));
    const batch = Buffer.from(writeBatch({ records }));
    if (isMarker) batch[22] = CONTROL_BITS;
    log.append(batch);
  };
  const described = async (): Promise<TopicFacts> =>
    (await world.settle(broker.describe([COPY]))).get(COPY) as TopicFacts;
  return { world, broker, fake, store, facts, writeRun, append, described, log };
}

/** A marker of the first owner, 10 records, two markers of the second one, 5 records after a hole at the origin. */
async function filled() {
  const all = await setUp();
  all.append(1, true);
  await all.writeRun(3, 100, 1, 10);
  all.append(4);
  all.append(6);
  all.append(1, true);
  all.append(1, true);
  await all.writeRun(4, 113, 13);
  all.append(5);
  all.append(1, true);
  return all;
}

const places = ({ buffers }: Slice) =>
  buffers.flatMap((buffer) =>
    [...iterateBatches(buffer)].map(({ bytes }) => [batchBaseOffset(bytes), batchLeaderEpoch(bytes)]),
  );

test('a copy is known by the mirror’s record of it, and by nothing else', async () => {
  const { described, store, facts, world } = await setUp();
  expect(await described()).toMatchObject({
    ...{ originRegion: 'us-east', originTopicId: ORIGIN_ID, isCopy: true, isRebased: true },
  });
  const before = store.get(facts.copyId);
  await world.settle(store.put({ ...facts, incarnation: 2, promotedAt: [7] }, before));
  expect(await described()).toMatchObject({
    ...{ originRegion: 'eu-west', originTopicId: facts.copyId, isCopy: false, isRebased: false },
    promoted: { region: 'us-east', topicId: ORIGIN_ID, cuts: [7] },
  });
  await world.settle(store.remove(facts.copyId));
  expect(await described()).toMatchObject({ originRegion: 'eu-west', isCopy: false });
});

test('it begins and ends where the origin’s records do, whatever markers lie around them', async () => {
  const { world, broker, described } = await filled();
  const topic = await described();
  const ask = (epoch: number) => world.settle(broker.ends(topic, [{ partition: 0, epoch }]));
  expect(await ask(-1)).toEqual([{ start: 100, end: 118, epochEnd: undefined }]);
  expect(await ask(3)).toEqual([{ start: 100, end: 118, epochEnd: { epoch: 3, endOffset: 113 } }]);
  expect(await ask(9)).toEqual([{ start: 100, end: 118, epochEnd: { epoch: 4, endOffset: 118 } }]);
});

test('old records are read from any offset of the origin, behind markers and holes, too', async () => {
  const { world, broker, described } = await filled();
  const topic = await described();
  const read = async (offset: number) =>
    places((await world.settle(broker.read(topic, 0, offset, 1 << 20))) as OldSlice);
  expect(await read(100)).toEqual([
    [100, 3],
    [104, 3],
    [113, 4],
  ]);
  expect((await read(107))[0]).toEqual([104, 3]);
  expect(await read(111)).toEqual([[113, 4]]);
  expect(await read(118)).toEqual([]);
  for (const outside of [99, 119]) {
    const answer = await world.settle(broker.read(topic, 0, outside, 1 << 20));
    expect(answer).toEqual({ outOfRange: { start: 100, end: 118 } });
  }
});

test('a tail hears of records as the origin has them, also of a run that begins while it follows', async () => {
  const { world, broker, described, append, writeRun } = await filled();
  const seen: unknown[] = [];
  const tail = broker.tail(await described(), 0, 116, {
    onSlice: (slice) => seen.push(...places(slice)),
    onAdvance: (offset) => seen.push({ advance: offset }),
    onOutOfRange: (range) => seen.push({ outOfRange: range }),
    onDiverged: (offset) => seen.push({ diverged: offset }),
  });
  await world.run(world.now() + 1_000);
  expect(seen.splice(0)).toEqual([[113, 4]]);
  await writeRun(4, 113, 13, 5);
  await writeRun(5, 140, 19);
  append(2);
  append(1);
  await world.run(world.now() + 1_000);
  expect(seen.splice(0)).toEqual([
    [140, 5],
    [142, 5],
  ]);
  tail.seek(20);
  await world.run(world.now() + 1_000);
  expect(seen.splice(0)).toEqual([{ outOfRange: { start: 100, end: 143 } }]);
  tail.seek(142);
  await world.run(world.now() + 1_000);
  expect(seen.splice(0)).toEqual([[142, 5]]);
  tail.remove();
  append(1);
  await world.run(world.now() + 1_000);
  expect(seen).toEqual([]);
});

test('what somebody else wrote into the copy is not passed off as the origin’s', async () => {
  const { world, broker, described, append, writeRun } = await setUp();
  append(2);
  await writeRun(1, 50, 2, 3);
  append(3);
  append(4);
  const answer = await world.settle(broker.read(await described(), 0, 50, 1 << 20));
  expect(places(answer as OldSlice)).toEqual([[50, 1]]);
});
