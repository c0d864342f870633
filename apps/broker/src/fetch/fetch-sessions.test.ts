/** Fetch sessions over the network: what they save, and how they end. */
import { ERROR, errorName, Fetch, Produce, type RequestInput, ZERO_UUID } from '@meridian/protocol';
import { expect, test } from 'vitest';
import { batchOf, produceOf, valuesOf } from '../testing/batches.ts';
import { createTopic, deleteTopic, startTestBroker, type TestTopic } from '../testing/test-broker.ts';
import type { TestConnection } from '../testing/test-connection.ts';

const NAMED = 12;
const BY_ID = 18;

interface Ask {
  readonly sessionId?: number;
  readonly sessionEpoch?: number;
  /** Offsets by partition. */
  readonly offsets?: Readonly<Record<number, number>>;
  readonly forget?: readonly number[];
  readonly version?: number;
  readonly maxWaitMs?: number;
}

function requestOf({ name, topicId }: TestTopic, ask: Ask): RequestInput<typeof Fetch> {
  const { sessionId = 0, sessionEpoch = 0, offsets = {}, forget = [], version = NAMED, maxWaitMs = 0 } = ask;
  const topic = version > NAMED ? { topicId } : { topic: name };
  const partitions = Object.entries(offsets).map(([partition, fetchOffset]) => ({
    partition: Number(partition),
    fetchOffset,
    partitionMaxBytes: 1_000_000,
  }));
  const forgottenTopicsData = forget.length > 0 ? [{ ...topic, partitions: forget }] : [];
  const topics = partitions.length > 0 ? [{ ...topic, partitions }] : [];
  return { maxWaitMs, minBytes: 1, maxBytes: 1_000_000, sessionId, sessionEpoch, topics, forgottenTopicsData };
}

async function fetch(connection: TestConnection, topic: TestTopic, ask: Ask) {
  const version = ask.version ?? NAMED;
  const answer = await connection.request(Fetch, version, requestOf(topic, ask));
  const partitions = answer.responses.flatMap((each) => each.partitions);
  return {
    error: errorName(answer.errorCode),
    sessionId: answer.sessionId,
    told: partitions.map((each) => [each.partitionIndex, errorName(each.errorCode), ...valuesOf(each.records)]),
  };
}

async function start(limits: Parameters<typeof startTestBroker>[0] = {}) {
  const broker = await startTestBroker(limits);
  const connection = await broker.connect();
  const topic = await createTopic(broker, 'orders');
  const produce = (index: number, value: string) =>
    connection.request(Produce, 12, produceOf('orders', batchOf([value]), { index }));
  return { broker, connection, topic, produce };
}

test.each([NAMED, BY_ID])('a session of version %i tells of news only', async (version) => {
  const { connection, topic, produce } = await start();
  const full = await fetch(connection, topic, { version, offsets: { 0: 0, 1: 0 } });
  expect([full.error, full.told.length]).toEqual(['NONE', 2]);
  const { sessionId } = full;
  expect(sessionId).toBeGreaterThan(0);
  expect(await fetch(connection, topic, { version, sessionId, sessionEpoch: 1 })).toEqual({
    error: 'NONE',
    sessionId,
    told: [],
  });
  await produce(1, 'a');
  const news = await fetch(connection, topic, { version, sessionId, sessionEpoch: 2 });
  expect(news.told).toEqual([[1, 'NONE', 'a']]);
  const moved = await fetch(connection, topic, { version, sessionId, sessionEpoch: 3, offsets: { 1: 1 } });
  expect(moved.told).toEqual([]);
});

test('a parked fetch of a session is woken by any of its partitions', async () => {
  const { connection, broker, topic } = await start();
  const { sessionId } = await fetch(connection, topic, { offsets: { 0: 0, 1: 0 } });
  const other = await broker.connect();
  connection.send(Fetch, NAMED, requestOf(topic, { sessionId, sessionEpoch: 1, maxWaitMs: 5_000 }));
  await other.request(Produce, 12, produceOf('orders', batchOf(['a']), { index: 1 }));
  const answer = await connection.receive(Fetch, NAMED);
  expect(answer.responses.map(({ partitions }) => partitions.map((each) => each.partitionIndex))).toEqual([[1]]);
});

test('partitions join a session and leave it; the last one ends it', async () => {
  const { connection, topic, produce } = await start();
  const { sessionId } = await fetch(connection, topic, { offsets: { 0: 0 } });
  await produce(0, 'a');
  await produce(1, 'b');
  const joined = await fetch(connection, topic, { sessionId, sessionEpoch: 1, offsets: { 1: 0 } });
  expect(joined.told).toEqual([
    [0, 'NONE', 'a'],
    [1, 'NONE', 'b'],
  ]);
  const left = await fetch(connection, topic, { sessionId, sessionEpoch: 2, forget: [0] });
  expect(left.told).toEqual([[1, 'NONE', 'b']]);
  expect(await fetch(connection, topic, { sessionId, sessionEpoch: 3, forget: [1] })).toEqual({
    error: 'NONE',
    sessionId: 0,
    told: [],
  });
  expect((await fetch(connection, topic, { sessionId, sessionEpoch: 4 })).error).toBe('FETCH_SESSION_ID_NOT_FOUND');
});

test('unknown sessions, wrong epochs and the other way of naming topics are refused', async () => {
  const { connection, topic } = await start();
  const { sessionId } = await fetch(connection, topic, { offsets: { 0: 0 } });
  const refused = async (ask: Ask) => {
    const { error, sessionId: id, told } = await fetch(connection, topic, ask);
    return [error, id, told.length];
  };
  expect(await refused({ sessionId: sessionId + 1, sessionEpoch: 1 })).toEqual(['FETCH_SESSION_ID_NOT_FOUND', 0, 0]);
  expect(await refused({ sessionId, sessionEpoch: 2 })).toEqual(['INVALID_FETCH_SESSION_EPOCH', 0, 0]);
  expect(await refused({ sessionId, sessionEpoch: 1, version: BY_ID })).toEqual(['FETCH_SESSION_TOPIC_ID_ERROR', 0, 0]);
  expect((await fetch(connection, topic, { sessionId, sessionEpoch: 1 })).error).toBe('NONE');
});

test('a final fetch ends the session and makes no new one', async () => {
  const { connection, topic } = await start();
  const { sessionId } = await fetch(connection, topic, { offsets: { 0: 0 } });
  const last = await fetch(connection, topic, { sessionId, sessionEpoch: -1, offsets: { 0: 0 } });
  expect([last.error, last.sessionId, last.told.length]).toEqual(['NONE', 0, 1]);
  expect((await fetch(connection, topic, { sessionId, sessionEpoch: 1 })).error).toBe('FETCH_SESSION_ID_NOT_FOUND');
});

test('errors are told every time, and a topic of the same name is read from when it is there', async () => {
  const { broker, connection, topic, produce } = await start();
  const { sessionId } = await fetch(connection, topic, { offsets: { 0: 0, 9: 0 } });
  const unknown = [9, 'UNKNOWN_TOPIC_OR_PARTITION'];
  expect((await fetch(connection, topic, { sessionId, sessionEpoch: 1 })).told).toEqual([unknown]);
  await deleteTopic(broker, 'orders');
  const gone = await fetch(connection, topic, { sessionId, sessionEpoch: 2 });
  expect(gone.told).toEqual([[0, 'UNKNOWN_TOPIC_OR_PARTITION'], unknown]);
  await createTopic(broker, 'orders');
  await produce(0, 'new');
  const back = await fetch(connection, topic, { sessionId, sessionEpoch: 3 });
  expect(back.told).toEqual([[0, 'NONE', 'new'], unknown]);
});

test('the first of two requests of a session that overlap is given up', async () => {
  const { connection, topic } = await start();
  const { sessionId } = await fetch(connection, topic, { offsets: { 0: 0 } });
  connection.send(Fetch, NAMED, requestOf(topic, { sessionId, sessionEpoch: 1, maxWaitMs: 200 }));
  connection.send(Fetch, NAMED, requestOf(topic, { sessionId, sessionEpoch: 2, maxWaitMs: 0 }));
  const first = await connection.receive(Fetch, NAMED);
  const second = await connection.receive(Fetch, NAMED);
  expect([first.errorCode, second.errorCode]).toEqual([ERROR.INVALID_FETCH_SESSION_EPOCH, ERROR.NONE]);
});

test('where no session can be kept, fetches stay full', async () => {
  const { broker, connection, topic } = await start({ limits: { maxFetchSessions: 1 } });
  const { sessionId } = await fetch(connection, topic, { offsets: { 0: 0 } });
  expect((await fetch(connection, topic, { offsets: { 0: 0, 1: 0 } })).sessionId).toBe(0);
  expect((await fetch(connection, topic, { sessionId, sessionEpoch: 1 })).error).toBe('NONE');
  await broker.world.run(broker.world.now() + 150_000);
  const again = await broker.connect();
  expect((await fetch(again, topic, { offsets: { 0: 0, 1: 0 } })).sessionId).toBeGreaterThan(0);
  expect((await fetch(again, topic, { sessionId, sessionEpoch: 2 })).error).toBe('FETCH_SESSION_ID_NOT_FOUND');
});

test('a topic id that nobody knows is an error of its partition', async () => {
  const { connection } = await start();
  const nobody = { name: '', topicId: '11111111-1111-4111-8111-111111111111' };
  const nothing = { name: '', topicId: ZERO_UUID };
  const ask = { version: BY_ID, offsets: { 0: 0 } };
  expect((await fetch(connection, nobody, ask)).told).toEqual([[0, 'UNKNOWN_TOPIC_ID']]);
  expect((await fetch(connection, nothing, { ...ask, sessionEpoch: -1 })).told).toEqual([[0, 'UNKNOWN_TOPIC_ID']]);
  const opened = await fetch(connection, nothing, ask);
  expect([opened.error, opened.told]).toEqual(['NONE', [[0, 'UNKNOWN_TOPIC_ID']]]);
});

test('partitions that are not there are told behind those that are', async () => {
  const { connection, topic } = await start();
  const { told } = await fetch(connection, topic, { offsets: { 0: 0, 7: 0, 1: 0, 9: 0 } });
  expect(told.map(([partition]) => partition)).toEqual([0, 1, 7, 9]);
});

test('a topic whose id a session has known is missed as a topic, one never known as an id', async () => {
  const { broker, connection, topic } = await start();
  const { sessionId } = await fetch(connection, topic, { version: BY_ID, offsets: { 0: 0 } });
  await deleteTopic(broker, 'orders');
  const gone = await fetch(connection, topic, { version: BY_ID, sessionId, sessionEpoch: 1 });
  expect(gone.told).toEqual([[0, 'UNKNOWN_TOPIC_OR_PARTITION']]);
  const never = await fetch(connection, topic, { version: BY_ID, offsets: { 0: 0 } });
  expect(never.told).toEqual([[0, 'UNKNOWN_TOPIC_ID']]);
});

test('what a request names and forgets at once is told, and leaves no session behind', async () => {
  const { connection, topic } = await start();
  const { sessionId } = await fetch(connection, topic, { offsets: { 0: 0 } });
  const last = await fetch(connection, topic, { sessionId, sessionEpoch: 1, offsets: { 0: 0 }, forget: [0] });
  expect([last.error, last.sessionId, last.told]).toEqual(['NONE', 0, [[0, 'NONE']]]);
});
