import type { Fetcher, FetchSubscription } from '@meridian/client';
import { nativeCrc32c } from '@meridian/protocol';
import { stampBaseOffset, writeBatch } from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import { PartitionVerifier, SAME_OFFSETS, type Sides } from './partition-verifier.ts';

interface Stored {
  readonly offset: number;
  readonly key?: string;
  readonly value: string | null;
}

const bytesOf = (text: string | null | undefined) => (text === null || text === undefined ? null : Buffer.from(text));

/** One batch for each run of consecutive offsets, of `size` records at most. */
function batchesOf(records: readonly Stored[], size: number): { base: number; next: number; bytes: Buffer }[] {
  const groups: Stored[][] = [];
  for (const record of records) {
    const last = groups.at(-1);
    if (last !== undefined && last.length < size && last.at(-1)!.offset + 1 === record.offset) last.push(record);
    else groups.push([record]);
  }
  return groups.map((group) => {
    const batch = writeBatch({
      records: group.map(({ key, value }) => ({ timestamp: 1, key: bytesOf(key), value: bytesOf(value), headers: [] })),
      crc: nativeCrc32c,
    });
    stampBaseOffset(batch, 0, group[0]!.offset);
    return { base: group[0]!.offset, next: group.at(-1)!.offset + 1, bytes: Buffer.from(batch) };
  });
}

/** A log that answers each subscription with its batches, one a slice, and then with its end. */
function logOf(records: readonly Stored[], { size = 3, start = 0, end = 0 } = {}): Fetcher {
  const batches = batchesOf(records, size);
  const logEnd = Math.max(end, batches.at(-1)?.next ?? 0);
  return {
    add: (subscription: FetchSubscription) => {
      let isRemoved = false;
      const { offset } = subscription;
      queueMicrotask(() => {
        if (offset < start) {
          const failure = { code: 1, detail: 'out of range', logStartOffset: start, highWatermark: logEnd };
          return subscription.onError(failure as never);
        }
        for (const { base, next, bytes } of batches)
          if (next > offset && !isRemoved)
            subscription.onBatches({
              buffers: [bytes],
              abortedTransactions: [],
              baseOffset: base,
              nextOffset: next,
              sizeInBytes: bytes.length,
            } as never);
        if (!isRemoved) subscription.onEnd?.(logEnd, true, start);
      });
      return { remove: () => (isRemoved = true) } as never;
    },
  } as unknown as Fetcher;
}

const place = (fetcher: Fetcher) => ({ fetcher, topic: 't', topicId: 'id', partition: 0 });
const timers = { after: () => ({ cancel: () => {} }) } as unknown as Sides['timers'];
const BOUNDS = {
  ...{ windowOffsets: 8, windowBytes: 1_000_000, headerWindowOffsets: 16, headerWindowBytes: 1_000_000 },
  ...{ maxKeys: 100, timeoutMs: 1_000 },
};
const forever = new AbortController().signal;

function verify(origin: Fetcher, copy: Fetcher, to: number, more: Partial<Sides> = {}) {
  const sides = {
    timers,
    origin: place(origin),
    copy: place(copy),
    coordinates: SAME_OFFSETS,
    isRebased: false,
    isCompacted: false,
  };
  return new PartitionVerifier({ ...sides, ...more }, BOUNDS, 0).verify(to, forever);
}

const records = (count: number): Stored[] =>
  Array.from({ length: count }, (_, offset) => ({ offset, value: `v${offset}` }));
const changed = (at: number, value: string) =>
  records(20).map((each) => (each.offset === at ? { ...each, value } : each));

test('equal logs are equal to their end, and every record counts once, in whatever windows its batch lies', async () => {
  for (const size of [1, 3, 20]) {
    const verified = await verify(logOf(records(20), { size }), logOf(records(20), { size }), 20);
    expect(verified).toMatchObject({ from: 0, end: 20, records: 20, difference: null });
  }
});

test('records that lie in other batches are equal', async () => {
  const verified = await verify(logOf(records(20)), logOf(records(20), { size: 2 }), 20);
  expect(verified).toMatchObject({ end: 20, difference: null });
});

test('the first offset that differs is named, whatever comes behind it', async () => {
  const copy = changed(13, 'other').filter(({ offset }) => offset !== 17);
  expect(await verify(logOf(records(20)), logOf(copy), 20)).toMatchObject({
    end: 13,
    difference: { offset: 13, kind: 'different' },
  });
});

test('a record that is missing or too many is named', async () => {
  const hole = records(20).filter(({ offset }) => offset !== 9);
  expect((await verify(logOf(records(20)), logOf(hole), 20)).difference).toEqual({ offset: 9, kind: 'missing' });
  expect((await verify(logOf(hole), logOf(records(20)), 20)).difference).toEqual({ offset: 9, kind: 'surplus' });
});

test('what the origin has deleted meanwhile is passed over', async () => {
  const verified = await verify(logOf(records(20), { start: 11 }), logOf(records(20)), 20);
  expect(verified).toMatchObject({ from: 11, end: 20, difference: null });
});

test('a re-based copy is compared at its origin’s offsets', async () => {
  const origin = records(20).filter(({ offset }) => offset < 5 || offset >= 9);
  const copy = origin.map((record, offset) => ({ ...record, offset: offset + 100 }));
  const local = new Map(origin.map(({ offset }, index) => [offset, index + 100]));
  const coordinates = {
    toOrigin: (offset: number) => origin[offset - 100]?.offset,
    toCopy: (offset: number) => [...local].find(([each]) => each >= offset)?.[1] ?? 116,
  };
  const more = { coordinates, isRebased: true };
  expect(await verify(logOf(origin), logOf(copy), 20, more)).toMatchObject({ end: 20, difference: null });
  const other = copy.map((each) => (each.offset === 107 ? { ...each, value: 'other' } : each));
  expect((await verify(logOf(origin), logOf(other), 20, more)).difference).toEqual({ offset: 11, kind: 'different' });
});

test('a compacted topic may lack what a later record of the key replaced, and nothing else', async () => {
  const keyed = records(20).map((each) => ({ ...each, key: `k${each.offset % 4}` }));
  const cleaned = keyed.filter(({ offset }) => offset >= 14);
  const more = { isCompacted: true };
  expect(await verify(logOf(keyed), logOf(cleaned), 20, more)).toMatchObject({ end: 20, difference: null });
  const lacking = keyed.filter(({ offset }) => offset !== 18);
  expect((await verify(logOf(keyed), logOf(lacking), 20, more)).difference).toEqual({ offset: 18, kind: 'missing' });
});
