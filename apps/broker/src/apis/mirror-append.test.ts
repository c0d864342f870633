/** The mirror's append-at-offset on the internal listener: no duplicate, no hole, and the origin's epochs are kept. */
import { DeleteRecords, ERROR, Fetch, IncrementalAlterConfigs, PROMOTED_EPOCH, Produce } from '@meridian/protocol';
import { writeBatch } from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import { batchOf, produceOf, valuesOf } from '../testing/batches.ts';
import { createTopic, fetchOf, fetchOne, startTestBroker, type TestTopic } from '../testing/test-broker.ts';
import type { TestConnection } from '../testing/test-connection.ts';

const ORIGIN_ID = '00000000-0000-4000-8000-00000000000a';
const ORIGIN = {
  'meridian.origin.region': 'eu-west',
  'meridian.origin.topic.id': ORIGIN_ID,
  'meridian.origin.incarnation': '1',
};

async function startCopy() {
  const broker = await startTestBroker();
  const topic = await createTopic(broker, 'eu-west.orders', ORIGIN);
  const mirror = await broker.connectInternal();
  const append = async (
    records: Buffer | null,
    expectedEnd: number,
    { endOffset = -1, originTopicId = ORIGIN_ID }: { endOffset?: number; originTopicId?: string } = {},
  ) => {
    const tag = { originTopicId, expectedEnd, endOffset };
    const answer = await mirror.request(Produce, 11, produceOf(topic.name, records, { mirror: tag }));
    const { errorCode, logEnd } = answer.responses[0]!.partitionResponses[0]!;
    return [errorCode, logEnd];
  };
  return { broker, topic, mirror, append };
}

const at = (baseOffset: number, values: string[], leaderEpoch = 0): Buffer =>
  batchOf(values, { baseOffset, leaderEpoch, producerId: 77, producerEpoch: 0, baseSequence: baseOffset });

test('several batches are appended at the offsets of their origin, gaps kept', async () => {
  const { topic, mirror, append } = await startCopy();
  expect(await append(Buffer.concat([at(0, ['a', 'b']), at(5, ['f'])]), 0)).toEqual([ERROR.NONE, 6]);
  const fetched = await fetchOne(mirror, topic, { fetchOffset: 0 });
  expect([valuesOf(fetched.records), fetched.highWatermark]).toEqual([['a', 'b', 'f'], 6]);
});

test('a retry finds another end than it expects, and is told which', async () => {
  const { append } = await startCopy();
  expect(await append(at(0, ['a', 'b']), 0)).toEqual([ERROR.NONE, 2]);
  expect(await append(at(0, ['a', 'b']), 0)).toEqual([ERROR.OFFSET_OUT_OF_RANGE, 2]);
  expect(await append(at(9, ['j']), 9)).toEqual([ERROR.OFFSET_OUT_OF_RANGE, 2]);
  expect(await append(at(2, ['c']), 2)).toEqual([ERROR.NONE, 3]);
});

test('nothing of a request is appended unless all of it can be', async () => {
  const { append } = await startCopy();
  const broken = at(2, ['c']);
  broken[broken.length - 1]! ^= 1;
  expect(await append(Buffer.concat([at(0, ['a', 'b']), broken]), 0)).toEqual([ERROR.CORRUPT_MESSAGE, 0]);
  expect(await append(Buffer.concat([at(2, ['c']), at(0, ['a'])]), 0)).toEqual([ERROR.INVALID_RECORD, 0]);
  expect(await append(Buffer.concat([at(0, ['a']), at(1, ['b']).subarray(0, 65)]), 0)).toEqual([
    ERROR.INVALID_RECORD,
    0,
  ]);
});

test('the end advances without data, and a reader sees it', async () => {
  const { topic, mirror, append, broker } = await startCopy();
  expect(await append(at(0, ['a']), 0, { endOffset: 10 })).toEqual([ERROR.NONE, 10]);
  expect(await append(null, 10, { endOffset: 5_000_000_000 })).toEqual([ERROR.NONE, 5_000_000_000]);
  expect((await fetchOne(mirror, topic, { fetchOffset: 10 })).highWatermark).toBe(5_000_000_000);
  broker.node.kill();
  await broker.restart();
  const again = await broker.connectInternal();
  expect((await fetchOne(again, topic, { fetchOffset: 5_000_000_000, maxWaitMs: 1 })).errorCode).toBe(ERROR.NONE);
});

test('a copy of another topic id, or no copy at all, takes nothing of the mirror', async () => {
  const { broker, append, mirror } = await startCopy();
  const other = '00000000-0000-4000-8000-00000000000b';
  expect(await append(at(0, ['a']), 0, { originTopicId: other })).toEqual([ERROR.INCONSISTENT_TOPIC_ID, 0]);
  await createTopic(broker, 'plain');
  const tag = { originTopicId: ORIGIN_ID, expectedEnd: 0, endOffset: -1 };
  const answer = await mirror.request(Produce, 11, produceOf('plain', at(0, ['a']), { mirror: tag }));
  expect(answer.responses[0]!.partitionResponses[0]!.errorCode).toBe(ERROR.POLICY_VIOLATION);
});

test('clients cannot write to a copy, with the tag or without', async () => {
  const { broker, topic } = await startCopy();
  const client = await broker.connect();
  for (const mirror of [null, { originTopicId: ORIGIN_ID, expectedEnd: 0, endOffset: -1 }]) {
    const answer = await client.request(Produce, 11, produceOf(topic.name, at(0, ['a']), { mirror }));
    expect(answer.responses[0]!.partitionResponses[0]!.errorCode).toBe(ERROR.POLICY_VIOLATION);
  }
});

test("the origin's epochs are kept and handed out on the internal listener only", async () => {
  const { broker, topic, mirror, append } = await startCopy();
  await append(Buffer.concat([at(0, ['a'], 3), at(1, ['b'], 3), at(2, ['c'], 8)]), 0);
  const entries = [
    { epoch: 3, startOffset: 0 },
    { epoch: 8, startOffset: 2 },
  ];
  expect((await fetchOne(mirror, topic, { fetchOffset: 0, originEpochsFrom: 0 })).originEpochs).toEqual(entries);
  expect((await fetchOne(mirror, topic, { fetchOffset: 0, originEpochsFrom: 1 })).originEpochs).toEqual([entries[1]]);
  const client = await broker.connect();
  expect((await fetchOne(client, topic, { fetchOffset: 0, originEpochsFrom: 0 })).originEpochs).toEqual([]);
  broker.node.powerLoss();
  await broker.restart();
  const again = await broker.connectInternal();
  const { originEpochs, logStartOffset } = await fetchOne(again, topic, {
    fetchOffset: 0,
    originEpochsFrom: 0,
    maxWaitMs: 1,
  });
  expect([originEpochs.length <= 2, logStartOffset]).toEqual([true, 0]);
});

async function readCommitted(connection: TestConnection, topic: TestTopic) {
  const request = fetchOf(topic, { fetchOffset: 0, maxWaitMs: 1 });
  const { responses } = await connection.request(Fetch, 12, { ...request, isolationLevel: 1 });
  return responses[0]!.partitions[0]!;
}

const SET = 0;
const TOPIC = 2;

async function configure(
  mirror: TestConnection,
  name: string,
  values: Record<string, string>,
): Promise<[number, string | null]> {
  const configs = Object.entries(values).map(([key, value]) => ({ name: key, value, configOperation: SET }));
  const resources = [{ resourceType: TOPIC, resourceName: name, configs }];
  const answer = await mirror.request(IncrementalAlterConfigs, 1, { resources, validateOnly: false });
  const { errorCode, errorMessage } = answer.responses[0]!;
  return [errorCode, errorMessage];
}

const transactional = (baseOffset: number, producerId: number, type?: number): Buffer => {
  const control = type !== undefined;
  const key = control ? Buffer.from([0, 0, 0, type]) : null;
  const value = control ? Buffer.from([0, 0, 0, 0, 0, 7]) : Buffer.from(`${producerId}`);
  const given = { producerId, producerEpoch: 0, baseSequence: control ? -1 : baseOffset, transactional: true, control };
  const bytes = writeBatch({ ...given, records: [{ timestamp: 1, key, value }], baseOffset, leaderEpoch: 0 });
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
};

test('readers of committed records see of a copy what readers of its origin see', async () => {
  const { topic, mirror, append } = await startCopy();
  const [ABORT, COMMIT] = [0, 1];
  const first = Buffer.concat([transactional(0, 5), transactional(1, 6), transactional(2, 5, ABORT)]);
  expect(await append(first, 0)).toEqual([ERROR.NONE, 3]);
  const open = await readCommitted(mirror, topic);
  expect([open.lastStableOffset, valuesOf(open.records)]).toEqual([1, ['5']]);
  expect(open.abortedTransactions).toEqual([{ producerId: 5, firstOffset: 0 }]);
  await append(Buffer.concat([transactional(3, 6, COMMIT), transactional(4, 7)]), 3);
  const { lastStableOffset, abortedTransactions } = await readCommitted(mirror, topic);
  expect([lastStableOffset, abortedTransactions]).toEqual([4, [{ producerId: 5, firstOffset: 0 }]]);
});

test('a sealed copy takes nothing of anybody and tells its end; a promoted one is for clients', async () => {
  const { broker, topic, mirror, append } = await startCopy();
  const client = await broker.connect();
  const produce = async () => {
    const answer = await client.request(Produce, 9, produceOf(topic.name, batchOf(['new'])));
    return answer.responses[0]!.partitionResponses[0]!.errorCode;
  };
  await append(Buffer.concat([at(0, ['a']), transactional(1, 5)]), 0);
  expect(await configure(mirror, topic.name, { 'meridian.origin.promoted': 'sealed' })).toEqual([ERROR.NONE, null]);
  expect(await append(at(2, ['c']), 2)).toEqual([ERROR.POLICY_VIOLATION, 2]);
  expect(await produce()).toBe(ERROR.POLICY_VIOLATION);
  const promotion = { 'meridian.origin.promoted': '2,0', 'meridian.origin.incarnation': '2' };
  expect(await configure(mirror, topic.name, promotion)).toEqual([ERROR.NONE, null]);
  expect(await append(at(2, ['c']), 2)).toEqual([ERROR.POLICY_VIOLATION, 3]);
  expect(await produce()).toBe(ERROR.NONE);
  const cut = { epoch: PROMOTED_EPOCH, startOffset: 2 };
  const epochs = async (originEpochsFrom: number) =>
    (await fetchOne(mirror, topic, { fetchOffset: 0, originEpochsFrom })).originEpochs;
  expect([await epochs(0), await epochs(1), await epochs(2)]).toEqual([[{ epoch: 0, startOffset: 0 }, cut], [cut], []]);
  const seen = await readCommitted(mirror, topic);
  expect([seen.lastStableOffset, seen.abortedTransactions]).toEqual([4, [{ producerId: 5, firstOffset: 1 }]]);
});

test('the mirror alone moves the start of a copy, also where nothing but compaction deletes', async () => {
  const { broker, topic, mirror, append } = await startCopy();
  await append(at(0, ['a', 'b']), 0);
  await configure(mirror, topic.name, { 'cleanup.policy': 'compact' });
  const client = await broker.connect();
  const cut = async (connection: TestConnection) => {
    const topics = [{ name: topic.name, partitions: [{ partitionIndex: 0, offset: 1 }] }];
    const answer = await connection.request(DeleteRecords, 2, { topics, timeoutMs: 1_000 });
    const { errorCode, lowWatermark } = answer.topics[0]!.partitions[0]!;
    return [errorCode, lowWatermark];
  };
  expect((await cut(client))[0]).toBe(ERROR.POLICY_VIOLATION);
  expect(await cut(mirror)).toEqual([ERROR.NONE, 1]);
});
