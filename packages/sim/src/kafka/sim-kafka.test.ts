import { type Client, createClient, EARLIEST, type FetchedSlice, LATEST } from '@meridian/client';
import { silentLogger } from '@meridian/io';
import { createSimWorld } from '@meridian/io/sim';
import { AddPartitionsToTxn, DescribeTransactions, EndTxn, ERROR, InitProducerId } from '@meridian/protocol';
import { iterateBatches, readBatchHeader, readRecords, writeBatch } from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import { createSimKafka } from './sim-kafka.ts';
import { SimKafkaDisk } from './sim-kafka-disk.ts';

interface Producer {
  readonly producerId: number;
  readonly producerEpoch: number;
}

function batch(values: readonly string[], producer?: Producer & { sequence: number; transactional?: boolean }): Buffer {
  const records = values.map((value) => ({ timestamp: 1, key: Buffer.from(value), value: Buffer.from(value) }));
  const { sequence = -1, ...rest } = producer ?? {};
  return Buffer.from(writeBatch({ records, ...rest, ...(producer && { baseSequence: sequence }) }).buffer);
}

async function setUp() {
  const world = createSimWorld({ seed: 4 });
  const disk = new SimKafkaDisk();
  const node = world.node('kafka');
  const boot = async () => {
    await world.settle(
      createSimKafka({ io: node.boot(), host: 'kafka', port: 9092, disk, initialRebalanceDelayMs: 0 }),
    );
  };
  await boot();
  const io = world.node('client').boot();
  const bootstrap = [{ host: 'kafka', port: 9092 }];
  const open = () => createClient({ io, bootstrap, clientId: 'test', log: silentLogger });
  const client = open();
  await world.settle(client.createTopics([{ name: 'cities', numPartitions: 2 }]));
  const produce = (bytes: Buffer) => world.settle(client.produce('cities', 0, [bytes], { sequenced: true }));
  return { world, disk, node, boot, open, client, produce };
}

type Stage = Awaited<ReturnType<typeof setUp>>;

async function read({ world }: Stage, client: Client, isolation: 'read_committed' | 'read_uncommitted', ms = 500) {
  const slices: FetchedSlice[] = [];
  const fetcher = client.fetcher({ isolation });
  fetcher.add({
    topic: 'cities',
    partition: 0,
    offset: 0,
    onBatches: (slice) => slices.push(slice),
    onError: () => {},
  });
  await world.run(world.now() + ms);
  fetcher.close();
  const batches = slices.flatMap(({ buffers }) =>
    buffers.flatMap((bytes) => Array.from(iterateBatches(bytes), (each) => Buffer.from(each.bytes))),
  );
  return { slices, batches };
}

const valuesOf = (bytes: Buffer): string[] => {
  const records = readBatchHeader(bytes).isControl ? [] : [...readRecords(bytes)];
  return records.map(({ value }) => Buffer.from(value!).toString());
};

test('what was acknowledged is there after a kill, led in a new epoch', async () => {
  const stage = await setUp();
  const { world, node, boot, client, produce } = stage;
  expect(await produce(batch(['a', 'b']))).toMatchObject({ errorCode: 0, baseOffset: 0 });
  node.kill();
  await boot();
  const again = world.settle(client.produce('cities', 0, [batch(['c'])], { retryUnknown: true }));
  expect(await again).toMatchObject({ errorCode: 0, baseOffset: 2 });
  const { batches } = await read(stage, client, 'read_uncommitted');
  expect(batches.map((bytes) => [readBatchHeader(bytes).partitionLeaderEpoch, valuesOf(bytes).join()])).toEqual([
    [0, 'a,b'],
    [1, 'c'],
  ]);
  const [end] = await world.settle(client.offsetForLeaderEpoch([{ topic: 'cities', partition: 0, leaderEpoch: 0 }]));
  expect(end).toMatchObject({ leaderEpoch: 0, endOffset: 2 });
});

test('sequences: a gap is refused, one of the last five is a duplicate, a new epoch begins at 0, an old one is fenced', async () => {
  const { produce } = await setUp();
  const by = (producerEpoch: number, sequence: number) =>
    produce(batch(['x'], { producerId: 77, producerEpoch, sequence }));
  const code = async (producerEpoch: number, sequence: number) => (await by(producerEpoch, sequence)).errorCode;
  expect(await code(0, 5)).toBe(ERROR.NONE); // nobody knows it yet
  for (const sequence of [6, 7, 8, 9, 10]) expect(await code(0, sequence)).toBe(ERROR.NONE);
  expect(await code(0, 12)).toBe(ERROR.OUT_OF_ORDER_SEQUENCE_NUMBER);
  expect(await by(0, 6)).toMatchObject({ errorCode: ERROR.NONE, baseOffset: 1 });
  expect(await code(0, 5)).toBe(ERROR.OUT_OF_ORDER_SEQUENCE_NUMBER);
  expect(await code(1, 11)).toBe(ERROR.OUT_OF_ORDER_SEQUENCE_NUMBER);
  expect(await code(1, 0)).toBe(ERROR.NONE);
  expect(await code(0, 11)).toBe(ERROR.INVALID_PRODUCER_EPOCH);
});

test('control batches, several batches, batches with holes and records without a key for a compacted topic are refused', async () => {
  const { world, client, produce } = await setUp();
  const control = writeBatch({ records: [{ timestamp: 1, key: Buffer.alloc(4) }], control: true });
  expect((await produce(Buffer.from(control.buffer))).errorCode).toBe(ERROR.INVALID_RECORD);
  expect((await produce(Buffer.concat([batch(['a']), batch(['b'])]))).errorCode).toBe(ERROR.INVALID_RECORD);
  const holes = writeBatch({ records: [{ timestamp: 1 }, { timestamp: 1, offsetDelta: 4 }] });
  expect((await produce(Buffer.from(holes.buffer))).errorCode).toBe(ERROR.INVALID_RECORD);
  const spoiled = batch(['a']);
  spoiled[spoiled.length - 1]! ^= 1;
  expect((await produce(spoiled)).errorCode).toBe(ERROR.CORRUPT_MESSAGE);
  const configs = { 'cleanup.policy': 'compact' };
  await world.settle(client.createTopics([{ name: 'kept', numPartitions: 1, configs }]));
  const keyless = Buffer.from(writeBatch({ records: [{ timestamp: 1, value: Buffer.alloc(1) }] }).buffer);
  expect((await world.settle(client.produce('kept', 0, [keyless]))).errorCode).toBe(ERROR.INVALID_RECORD);
});

async function begin({ world, client }: Stage, transactionalId: string): Promise<Producer> {
  const body = { transactionalId, transactionTimeoutMs: 60_000 };
  const producer = await world.settle(client.send(InitProducerId, body, 'any'));
  await world.settle(
    client.send(
      AddPartitionsToTxn,
      {
        v3AndBelowTransactionalId: transactionalId,
        v3AndBelowProducerId: producer.producerId,
        v3AndBelowProducerEpoch: producer.producerEpoch,
        v3AndBelowTopics: [{ name: 'cities', partitions: [0] }],
      },
      'any',
    ),
  );
  return { producerId: producer.producerId, producerEpoch: producer.producerEpoch };
}

const stateOf = async ({ world, client }: Stage, id: string) =>
  (await world.settle(client.send(DescribeTransactions, { transactionalIds: [id] }, 'any'))).transactionStates[0]
    ?.transactionState;

test('a reader of what is committed waits for the end of a transaction and is told which were aborted', async () => {
  const stage = await setUp();
  const { world, client, produce } = stage;
  for (const committed of [true, false]) {
    const producer = await begin(stage, 'tx');
    const written = await produce(batch(['t'], { ...producer, sequence: 0, transactional: true }));
    expect(written.errorCode).toBe(ERROR.NONE);
    const seen = (await read(stage, client, 'read_committed', 100)).batches.flatMap(valuesOf);
    expect(seen).toHaveLength(committed ? 0 : 1);
    await world.settle(client.send(EndTxn, { transactionalId: 'tx', ...producer, committed }, 'any'));
    await world.run(world.now() + 100);
  }
  await produce(batch(['plain']));
  const { slices, batches } = await read(stage, client, 'read_committed');
  expect(batches.map((bytes) => readBatchHeader(bytes).isControl)).toEqual([false, true, false, true, false]);
  expect(slices.flatMap(({ abortedTransactions }) => abortedTransactions)).toEqual([{ producerId: 0, firstOffset: 2 }]);
});

test('transactional data of a producer that has not named the partition is refused', async () => {
  const stage = await setUp();
  const outside = batch(['t'], { producerId: 3, producerEpoch: 0, sequence: 0, transactional: true });
  expect((await stage.produce(outside)).errorCode).toBe(ERROR.TRANSACTION_ABORTABLE);
});

test('EndTxn answers before the markers are written', async () => {
  const stage = await setUp();
  const { world, client, disk } = stage;
  let early = 0;
  for (let n = 0; n < 10; n++) {
    const producer = await begin(stage, `tx-${n}`);
    const end = disk.partition('cities', 0)!.endOffset;
    await world.settle(client.send(EndTxn, { transactionalId: `tx-${n}`, ...producer, committed: false }, 'any'));
    if (disk.partition('cities', 0)!.endOffset === end) early++;
    await world.run(world.now() + 100);
    expect(disk.partition('cities', 0)!.endOffset).toBe(end + 1);
    expect(await stateOf(stage, `tx-${n}`)).toBe('CompleteAbort');
  }
  expect(early).toBeGreaterThan(5);
});

test('who is fenced off cannot write any more once the fence has returned', async () => {
  const stage = await setUp();
  const { world, client, disk, produce } = stage;
  const place = { topic: 'cities', partition: 0 };
  const zombie = await world.settle(client.fence('mirror', [place]));
  expect((await produce(batch(['a'], { ...zombie, sequence: 0 }))).errorCode).toBe(ERROR.NONE);
  const heir = await world.settle(client.fence('mirror', [place]));
  expect(heir.producerEpoch).toBeGreaterThan(zombie.producerEpoch);
  const { endOffset } = disk.partition('cities', 0)!;
  expect((await produce(batch(['b'], { ...zombie, sequence: 1 }))).errorCode).toBe(ERROR.INVALID_PRODUCER_EPOCH);
  expect(disk.partition('cities', 0)!.endOffset).toBe(endOffset);
  expect((await produce(batch(['b'], { ...heir, sequence: 0 }))).errorCode).toBe(ERROR.NONE);
});

test('a coordinator that was killed between the decision and the marker completes, at times without the marker', async () => {
  const seen = new Set<boolean>();
  for (let n = 0; n < 12 && seen.size < 2; n++) {
    const stage = await setUp();
    const { world, client, disk, node, boot } = stage;
    for (let skip = 0; skip < n; skip++) await world.settle(client.initProducerId());
    await world.run(world.now() + n * 7);
    const producer = await begin(stage, 'tx');
    const end = disk.partition('cities', 0)!.endOffset;
    await world.settle(client.send(EndTxn, { transactionalId: 'tx', ...producer, committed: false }, 'any'));
    if (disk.partition('cities', 0)!.endOffset !== end) continue;
    node.kill();
    await boot();
    await world.run(world.now() + 100);
    expect(await stateOf(stage, 'tx')).toBe('CompleteAbort');
    seen.add(disk.partition('cities', 0)!.endOffset === end + 1);
    // The client's fence looks for the marker, and begins anew until it is there.
    await world.settle(client.fence('tx', [{ topic: 'cities', partition: 0 }]));
  }
  expect(seen.has(true)).toBe(true);
});

test('offsets are committed from outside only while the group has no members', async () => {
  const { world, client } = await setUp();
  const place = { topic: 'cities', partition: 0 };
  const commit = async (offset: number) =>
    (await world.settle(client.commitOffsets('readers', [{ ...place, offset }])))[0]?.errorCode;
  expect(await commit(0)).toBe(ERROR.NONE);
  const listed = await world.settle(client.listGroups());
  expect(listed).toMatchObject([{ group: 'readers', state: 'Empty' }]);
  const generations: number[] = [];
  const member = client.joinGroup({
    ...{ group: 'readers', protocolType: 'test', protocolName: 'p', metadata: Buffer.from('me') },
    ...{ sessionTimeoutMs: 6_000, rebalanceTimeoutMs: 1_000, heartbeatMs: 500 },
    assign: (members) => new Map(members.map(({ memberId }) => [memberId, Buffer.from('all')])),
    onAssigned: ({ generation }) => generations.push(generation),
    onLost: () => undefined,
  });
  expect(await world.runUntil(() => generations.length > 0, 5_000)).toBe(true);
  expect(await commit(7)).toBe(ERROR.UNKNOWN_MEMBER_ID);
  const told = { metadata: Buffer.from('me'), assignment: Buffer.from('all') };
  expect(await world.settle(client.groupMembers('readers'))).toMatchObject([told]);
  expect(await world.settle(client.groupMembers('nobody'))).toEqual([]);
  await world.settle(member.leave());
  await world.run(world.now() + 100);
  expect(await commit(8)).toBe(ERROR.NONE);
  const committed = await world.settle(client.committedOffsets(['readers']));
  expect(committed.get('readers')).toMatchObject([{ ...place, offset: 8 }]);
});

test('configs that Apache Kafka does not know are refused', async () => {
  const { world, client } = await setUp();
  const configs = { 'meridian.origin.region': 'us-east' };
  const [made] = await world.settle(client.createTopics([{ name: 'x', numPartitions: 1, configs }]));
  expect(made?.errorCode).toBe(ERROR.INVALID_CONFIG);
});

test('a cut log, deleted records and compaction leave what they leave of a real one', async () => {
  const stage = await setUp();
  const { world, client, disk, produce } = stage;
  for (const value of ['a', 'b', 'a', 'c']) await produce(batch([value]));
  disk.cut('cities', 0, 3);
  expect(await produce(batch(['d']))).toMatchObject({ baseOffset: 3 });
  disk.topics.get('cities')!.configs.set('cleanup.policy', 'compact');
  disk.compact('cities');
  expect((await read(stage, client, 'read_uncommitted')).batches.flatMap(valuesOf)).toEqual(['b', 'a', 'd']);
  disk.deleteRecords('cities', 0, 2);
  const list = async (timestamp: number) =>
    (await world.settle(client.listOffsets([{ topic: 'cities', partition: 0, timestamp }])))[0]?.offset;
  expect([await list(EARLIEST), await list(LATEST)]).toEqual([2, 4]);
});
