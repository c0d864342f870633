/** Which fetch sessions are kept when there is no room for all. */
import { type Fetch, type RequestOf, ZERO_UUID } from '@meridian/protocol';
import { expect, test } from 'vitest';
import type { PartitionTable } from '../partition/partition-table.ts';
import type { FetchFinder } from './fetch-part.ts';
import { FetchSessionCache, NO_SESSION } from './session-cache.ts';

const NOWHERE = { byName: () => undefined, byId: () => undefined, errorByName: () => 3, errorById: () => 100 };
const CLIENT: FetchFinder = { partitions: NOWHERE as unknown as PartitionTable, byId: false, isInternal: false };
const PEER: FetchFinder = { ...CLIENT, isInternal: true };
const EVICTION_MS = 1_000;

function caching(options: { maxSessions?: number; maxPartitions?: number } = {}) {
  let nowMs = 0;
  let next = 0;
  const { maxSessions = 2, maxPartitions = 100 } = options;
  const random = (): number => ++next / 1_000;
  const cache = new FetchSessionCache({
    maxSessions,
    maxPartitions,
    evictionMs: EVICTION_MS,
    monotonic: () => nowMs,
    random,
  });
  const request = (size: number, sessionId: number, sessionEpoch: number): RequestOf<typeof Fetch> => {
    const ask = {
      currentLeaderEpoch: -1,
      fetchOffset: 0,
      lastFetchedEpoch: -1,
      partitionMaxBytes: 1,
      originEpochsFrom: -1,
    };
    const partitions = Array.from({ length: size }, (_, partition) => ({ ...ask, partition }));
    const topics = [{ topic: 'orders', topicId: ZERO_UUID, partitions }];
    return { sessionId, sessionEpoch, topics, forgottenTopicsData: [] } as unknown as RequestOf<typeof Fetch>;
  };
  const create = (size: number, finder = CLIENT): number => {
    const context = cache.contextOf(request(size, NO_SESSION, 0), finder);
    return context.kind === 'full' ? cache.create(context.parts, finder) : NO_SESSION;
  };
  const go = (id: number, epoch: number, size = 0) => cache.contextOf(request(size, id, epoch), CLIENT).kind;
  return { cache, create, go, pass: (ms: number) => (nowMs += ms) };
}

test('young sessions are not pushed out by clients, but by peers', () => {
  const { cache, create, go } = caching();
  const [small, large] = [create(1), create(5)];
  expect(create(50)).toBe(NO_SESSION);
  expect(create(2, PEER)).not.toBe(NO_SESSION);
  expect([go(small, 1), go(large, 1), cache.size]).toEqual(['refused', 'incremental', 2]);
});

test('an old session gives way to a larger one only, a silent one to any', () => {
  const { create, go, pass } = caching();
  const [small, large] = [create(2), create(5)];
  pass(EVICTION_MS - 1);
  go(small, 1);
  go(large, 1);
  pass(2);
  expect(create(1)).toBe(NO_SESSION);
  expect(create(3)).not.toBe(NO_SESSION);
  expect(go(small, 2)).toBe('refused');
  pass(EVICTION_MS);
  expect(create(1)).not.toBe(NO_SESSION);
  expect(go(large, 2)).toBe('refused');
});

test('partitions of all sessions are counted, and bounded', () => {
  const { cache, create, go } = caching({ maxSessions: 10, maxPartitions: 10 });
  const first = create(6);
  expect(create(6)).toBe(NO_SESSION);
  const second = create(4);
  expect(cache.partitionCount).toBe(10);
  expect(go(second, 1, 9)).toBe('refused');
  expect([cache.partitionCount, cache.size]).toEqual([6, 1]);
  expect(go(first, 1, 6)).toBe('incremental');
  expect(cache.partitionCount).toBe(6);
});
