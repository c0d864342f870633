/**
 * Hostile fetches on a real broker process: replicas that are none, sessions of others, and partitions by the hundred
 * thousand. Each trial has the expectations of `testing/victim.ts` besides its own.
 */
import { ERROR, Fetch, ListOffsets, Metadata, ZERO_UUID } from '@meridian/protocol';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Victim } from '../testing/victim.ts';

const MANY = 10_000;
const TOO_MANY = 500_000;
const QUIET = { lines: 0 };

let victim: Victim;
beforeAll(async () => {
  victim = await Victim.start();
});
afterAll(() => victim?.broker.stop());

const askOf = (count: number, partitionMaxBytes = 2 ** 31 - 1) =>
  Array.from({ length: count }, (_, partition) => ({ partition, fetchOffset: 0, partitionMaxBytes }));
const fetchOf = (partitions: ReturnType<typeof askOf>, more: object = {}) => ({
  maxWaitMs: 0,
  minBytes: 0,
  maxBytes: 2 ** 31 - 1,
  topics: [{ topic: 'orders', topicId: ZERO_UUID, partitions }],
  ...more,
});

test('a fetch of a replica is refused, partition by partition, in the older form and in the newer', async () => {
  const older = await victim.unharmed(
    (client) => client.request(Fetch, 12, fetchOf(askOf(1), { replicaId: 1 })),
    QUIET,
  );
  const [partition] = older.responses[0]!.partitions;
  expect(partition!.errorCode).toBe(ERROR.TOPIC_AUTHORIZATION_FAILED);
  expect(Buffer.concat(partition!.records ?? [])).toHaveLength(0);
  const replicaState = { replicaId: 0, replicaEpoch: 1 };
  const newer = await victim.unharmed(
    (client) => client.request(Fetch, 17, fetchOf(askOf(1), { replicaState })),
    QUIET,
  );
  expect(newer.responses[0]!.partitions[0]!.errorCode).toBe(ERROR.TOPIC_AUTHORIZATION_FAILED);
});

test('a session cannot be guessed, nor taken over by its epoch', async () => {
  await victim.unharmed(async (client) => {
    const session = await client.request(Fetch, 12, fetchOf(askOf(1), { sessionId: 0, sessionEpoch: 0 }));
    expect(session.sessionId).toBeGreaterThan(0);
    await victim.with(async (stranger) => {
      for (let guess = 1; guess <= 1_000; guess++) {
        const ask = fetchOf([], { sessionId: guess, sessionEpoch: 1, topics: [] });
        expect((await stranger.request(Fetch, 12, ask)).errorCode).toBe(ERROR.FETCH_SESSION_ID_NOT_FOUND);
      }
      const epoch = fetchOf([], { sessionId: session.sessionId, sessionEpoch: 77, topics: [] });
      expect((await stranger.request(Fetch, 12, epoch)).errorCode).toBe(ERROR.INVALID_FETCH_SESSION_EPOCH);
    });
  }, QUIET);
});

test.each([-1, -2, 2 ** 31 - 1])('a fetch of all bytes from offset %i is answered', async (fetchOffset) => {
  const ask = fetchOf([{ partition: 0, fetchOffset, partitionMaxBytes: 2 ** 31 - 1 }]);
  const answer = await victim.unharmed((client) => client.request(Fetch, 12, ask), QUIET);
  expect(answer.responses[0]!.partitions[0]!.errorCode).toBe(ERROR.OFFSET_OUT_OF_RANGE);
});

test('sizes below zero are none', async () => {
  const ask = fetchOf(askOf(1, -1), { maxBytes: -(2 ** 31), minBytes: -5, maxWaitMs: -1 });
  const answer = await victim.unharmed((client) => client.request(Fetch, 12, ask), QUIET);
  expect(answer.responses[0]!.partitions[0]!.errorCode).toBe(ERROR.NONE);
});

test(`a fetch of ${MANY} partitions and of all bytes is answered`, async () => {
  const ask = fetchOf(askOf(MANY), { sessionEpoch: -1 });
  const answer = await victim.unharmed((client) => client.request(Fetch, 12, ask), QUIET);
  expect(answer.responses[0]!.partitions).toHaveLength(MANY);
});

test(`a fetch of ${TOO_MANY} partitions is refused unread`, async () => {
  const ask = fetchOf(askOf(TOO_MANY), { sessionEpoch: -1 });
  await victim.unharmed((client) => expect(client.request(Fetch, 12, ask)).rejects.toThrow('closed'));
});

test('one partition a hundred thousand times is answered, and holds nobody up', async () => {
  const partitions = Array.from({ length: 100_000 }, () => ({ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 }));
  const ask = fetchOf(partitions, { sessionEpoch: -1 });
  await victim.unharmed((client) => client.request(Fetch, 12, ask).catch(() => undefined), { lines: 0 });
});

test('offsets of one partition a hundred thousand times are looked up without holding anybody up', async () => {
  const partitions = Array.from({ length: 100_000 }, () => ({ partitionIndex: 0, timestamp: 1 }));
  const ask = { replicaId: -1, topics: [{ name: 'orders', partitions }] };
  await victim.unharmed((client) => client.request(ListOffsets, 5, ask).catch(() => undefined), QUIET);
});

test('a hundred thousand topics that do not exist are unknown', async () => {
  const topics = Array.from({ length: 100_000 }, (_, i) => ({ name: `no-such-topic-${i}` }));
  const answer = await victim.unharmed(
    (client) => client.request(Metadata, 9, { topics, allowAutoTopicCreation: false }),
    QUIET,
  );
  expect(answer.topics[0]!.errorCode).toBe(ERROR.UNKNOWN_TOPIC_OR_PARTITION);
});
