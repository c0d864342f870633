/** Checkers are held against histories that break exactly one promise: each must find it, and nothing in a good one. */
import { writeBatch } from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import type { ReaderLedger } from '../ledger.ts';
import type { StoredPartition } from '../stored.ts';
import { acknowledgedStored } from './acknowledged-stored.ts';
import type { Checker, Outcome } from './checker.ts';
import { copiesEqualOrigins } from './copies-equal-origins.ts';
import { readersMissNothing } from './readers-miss-nothing.ts';
import { readersToldTruth } from './readers-told-truth.ts';
import { storedOnce } from './stored-once.ts';
import { writersInOrder } from './writers-in-order.ts';

const CHECKERS = {
  acknowledgedStored,
  copiesEqualOrigins,
  readersMissNothing,
  readersToldTruth,
  storedOnce,
  writersInOrder,
};

function partition(at: string, topic: string, values: string[]): StoredPartition {
  const records = values.map((value, offset) => ({ offset, value }));
  const batches = records.map(({ value, offset }) =>
    Buffer.from(
      writeBatch({
        baseOffset: offset,
        records: [{ timestamp: 0, key: null, value: Buffer.from(value), headers: [] }],
      }),
    ),
  );
  return { at, topic, partition: 0, batches, records };
}

const VALUES = ['w:0', 'w:1', 'w:2'];

/** A history in which every promise was kept. */
function good(): Outcome & { reader: ReaderLedger; origin: StoredPartition; copy: StoredPartition } {
  const origin = partition('us-east', 'acme.orders', VALUES);
  const copy = partition('eu-west', 'us-east.acme.orders', VALUES);
  const place = { region: 'us-east', topicId: 'id', partition: 0, epoch: 0 };
  const reader: ReaderLedger = {
    name: 'reader',
    delivered: VALUES.map((value, offset) => ({ ...place, offset, value })),
    told: [{ region: 'us-east', partition: 0, status: 'exact', offset: 0, behindBy: undefined, expected: 0 }],
    gaps: [],
    failures: [],
  };
  const acknowledged = VALUES.map((value, offset) => ({
    region: 'us-east',
    topic: 'acme.orders',
    partition: 0,
    offset,
    value,
  }));
  return {
    ledger: { acknowledged, unknown: new Set(), readers: [reader] },
    origins: [origin],
    copies: [{ origin: 'us-east', stored: copy }],
    partitions: 1,
    reader,
    origin,
    copy,
  };
}

const found = (outcome: Outcome): string[] =>
  Object.entries(CHECKERS)
    .filter(([, check]: [string, Checker]) => check(outcome).length > 0)
    .map(([name]) => name);

test('a good history has no violation', () => {
  expect(found(good())).toEqual([]);
});

test('a record that the origin lost is found', () => {
  const outcome = good();
  outcome.origin.records.pop();
  expect(found(outcome)).toContain('acknowledgedStored');
});

test('a record that the copy has at another offset is found', () => {
  const outcome = good();
  outcome.copy.records[2] = { offset: 3, value: 'w:2' };
  expect(found(outcome)).toContain('acknowledgedStored');
});

test('a region without a copy is found', () => {
  expect(found({ ...good(), copies: [] })).toContain('acknowledgedStored');
});

test('one changed byte in a copy is found; another leader epoch is not a difference', () => {
  const outcome = good();
  outcome.copy.batches[1]?.fill(7, 12, 16);
  expect(found(outcome)).toEqual([]);
  outcome.copy.batches[1]?.fill(7, 60, 61);
  expect(found(outcome)).toEqual(['copiesEqualOrigins']);
});

test('a value that is stored twice is found', () => {
  const outcome = good();
  outcome.origin.records.push({ offset: 3, value: 'w:1' });
  expect(found(outcome)).toEqual(expect.arrayContaining(['storedOnce', 'writersInOrder']));
});

test('a reader that misses, doubles or swaps a message is found', () => {
  const [missing, doubled, swapped] = [good(), good(), good()];
  missing.reader.delivered.splice(1, 1);
  doubled.reader.delivered.push(doubled.reader.delivered[2] as (typeof doubled.reader.delivered)[0]);
  swapped.reader.delivered.reverse();
  for (const outcome of [missing, doubled, swapped]) expect(found(outcome)).toEqual(['readersMissNothing']);
});

test('a gap that is none, a position behind what was read, and a copy that is behind by nothing are found', () => {
  const [gap, back, behind] = [good(), good(), good()];
  gap.reader.gaps.push('gap');
  expect(found(gap)).toEqual(['readersMissNothing']);
  const told = {
    region: 'us-east',
    partition: 0,
    status: 'exact' as const,
    offset: 1,
    behindBy: undefined,
    expected: 2,
  };
  back.reader.told.push(told);
  behind.reader.told.push({ ...told, offset: 2, status: 'behind', behindBy: 0 });
  for (const outcome of [back, behind]) expect(found(outcome)).toEqual(['readersToldTruth']);
});
