/**
 * What compaction must keep, for the random and the crash tests: every record that was appended, and the rules that any
 * state of the log must obey. A tombstone may be missing only after its retention, counted from its append.
 */
import { below, chance, type SimWorld } from '@meridian/io/sim';
import { expect } from 'vitest';
import type { Log } from '../log.ts';
import { append, type Entry, type Found, recordsIn } from './test-log.ts';

const CODECS = ['none', 'none', 'none', 'lz4', 'gzip'] as const;
const PRODUCERS = 3;

interface Appended extends Found {
  readonly appendedMs: number;
}

export interface CompactionModel {
  records: Appended[];
  /** The next sequence of each producer. */
  readonly sequences: number[];
}

export const createModel = (): CompactionModel => ({ records: [], sequences: Array(PRODUCERS).fill(0) });

/** Appends a random batch of few keys to both. */
export function appendRandom(world: SimWorld, log: Log, model: CompactionModel, keys: number): void {
  const entries: Entry[] = Array.from({ length: 1 + below(world.random, 4) }, () => {
    const value = chance(world.random, 0.2)
      ? null
      : `${Math.floor(world.now())}-${'v'.repeat(below(world.random, 40))}`;
    return [`k${below(world.random, keys)}`, value];
  });
  const timestamp = 1 + below(world.random, 10_000);
  const producerId = below(world.random, PRODUCERS + 2);
  const sequence = model.sequences[producerId];
  const producer = sequence === undefined ? {} : { producerId, producerEpoch: 0, baseSequence: sequence };
  if (sequence !== undefined) model.sequences[producerId] = sequence + entries.length;
  const codec = CODECS[below(world.random, CODECS.length)]!;
  const offset = append(log, entries, { timestamp, codec, ...producer });
  const found = entries.map(([key, value], index) => ({
    offset: offset + index,
    key: key!,
    value,
    timestamp: timestamp + index,
  }));
  model.records.push(...found.map((record) => ({ ...record, appendedMs: Math.floor(world.now()) })));
}

/** Nothing invented, nothing out of order, and the newest record of every key there. */
export function checkModel(log: Log, model: CompactionModel, nowMs: number, deleteRetentionMs: number): void {
  const byOffset = new Map(model.records.map((record) => [record.offset, record]));
  const newest = new Map(model.records.map((record) => [record.key, record]));
  const found = recordsIn(log);
  found.forEach(({ offset, key, value, timestamp }, index) => {
    expect(byOffset.get(offset)).toMatchObject({ key, value, timestamp });
    if (index > 0) expect(offset).toBeGreaterThan(found[index - 1]!.offset);
  });
  const offsets = new Set(found.map(({ offset }) => offset));
  for (const { offset, key, value, appendedMs } of newest.values()) {
    const mayBeGone = value === null && nowMs >= appendedMs + deleteRetentionMs;
    if (!mayBeGone) expect(offsets.has(offset), `the newest of ${key}, at ${offset}, is there`).toBe(true);
  }
}

/** Below the cleaned end no key is left twice. */
export function checkCleaned(log: Log, cleanedEnd: number): void {
  const keys = recordsIn(log)
    .filter(({ offset }) => offset < cleanedEnd)
    .map(({ key }) => key);
  expect(keys.length).toBe(new Set(keys).size);
}
