/** The mirror's append-at-offset on the internal listener: no duplicate, no hole, and the origin's epochs are kept. */
import { ERROR, Produce } from '@meridian/protocol';
import { expect, test } from 'vitest';
import { batchOf, produceOf, valuesOf } from '../testing/batches.ts';
import { createTopic, fetchOne, startTestBroker } from '../testing/test-broker.ts';

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
