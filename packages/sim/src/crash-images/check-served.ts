/**
 * What a log serves after a crash, held against what was appended: called for every image, and by the scene itself for each
 * life that follows a crash. Throws `Violation`.
 * The rule: whatever is served is sound and is what was appended there; what was promised is there; nothing is missing
 * between two batches that are there, but what compaction may have left out.
 */
import type { Random } from '@meridian/io';
import { below } from '@meridian/io/sim';
import { type Log, LogError } from '@meridian/log';
import { decompress, nativeCrc32c } from '@meridian/protocol';
import {
  type BatchHeader,
  batchCrcValid,
  iterateBatches,
  readBatchHeader,
  readRecords,
} from '@meridian/protocol/record-batch';
import type { AppendedBatch, Expected } from './partition-model.ts';

/**
 * What a crash may have taken: nothing but what was never written, what was not durable, what a lying disk never kept
 * (anything), or what rotted: anything as well, if the log says that it is damaged.
 */
export type Lost = 'unwritten' | 'unsynced' | 'anything' | 'noticed';

export class Violation extends Error {}

export interface ServedBatch {
  readonly header: BatchHeader;
  readonly bytes: Uint8Array;
}

/** The same, with the partition's name in what it throws. */
export function checkServed(
  log: Log,
  expected: Expected,
  how: { lost: Lost; random: Random },
): readonly ServedBatch[] | undefined {
  try {
    return checkBatches(log, expected, how);
  } catch (error) {
    (error as Error).message = `${expected.topic}: ${(error as Error).message}`;
    throw error;
  }
}

/** What was served; undefined if the log refused to, as it may where the disk was not honest. */
function checkBatches(
  log: Log,
  expected: Expected,
  { lost, random }: { lost: Lost; random: Random },
): readonly ServedBatch[] | undefined {
  const isHonest = lost === 'unwritten' || lost === 'unsynced';
  const found: ServedBatch[] = [];
  const isWhole = readAll(log, random, found, isHonest);
  const byOffset = new Map(expected.batches.map((batch) => [batch.offset, batch]));
  for (const batch of found) checkBatch(batch, expected, byOffset, lost);
  if (!isWhole) return undefined;
  if (lost === 'anything' || (lost === 'noticed' && log.recoveredDamage !== undefined)) return found;
  checkBounds(log, expected, lost);
  checkMissing(log, expected, found);
  return found;
}

/** False if the log answered that it is damaged. */
function readAll(log: Log, random: Random, found: ServedBatch[], isHonest: boolean): boolean {
  try {
    for (let offset = log.startOffset; offset < log.endOffset; ) {
      const { buffers, nextOffset } = log.read(offset, { maxBytes: 1 + below(random, 6_000), minOneBatch: true });
      if (buffers.length === 0) break;
      for (const buffer of buffers) for (const batch of iterateBatches(buffer)) found.push(batch);
      if (nextOffset <= offset) throw new Violation(`a read at ${offset} leads to ${nextOffset}`);
      offset = nextOffset;
    }
    return true;
  } catch (error) {
    if (isHonest || !(error instanceof LogError)) throw error;
    return false;
  }
}

function checkBatch(
  { header, bytes }: ServedBatch,
  expected: Expected,
  byOffset: ReadonlyMap<number, AppendedBatch>,
  lost: Lost,
): void {
  if (!batchCrcValid(bytes, nativeCrc32c)) throw new Violation(`a corrupt batch was served at ${header.baseOffset}`);
  const appended = byOffset.get(header.baseOffset);
  if (appended !== undefined && equals(bytes, appended.bytes)) return;
  const ever = expected.ever.get(header.baseOffset) ?? [];
  if (lost === 'anything' && ever.some((each) => equals(bytes, each))) return;
  if (!expected.isCompacted) throw new Violation(`a batch that was not appended was served at ${header.baseOffset}`);
  // Compaction keeps a batch's base offset.
  const of = lost === 'anything' ? ever : appended === undefined ? [] : [appended.bytes];
  if (!of.some((each) => isPart(bytes, each)))
    throw new Violation(`the batch at ${header.baseOffset} says other things`);
}

/** Every record of the one is one of the other's. */
function isPart(bytes: Uint8Array, of: Buffer): boolean {
  const whole = new Map(recordsOf(of).map((record) => [record.offset, record.text]));
  return recordsOf(bytes).every(({ offset, text }) => whole.get(offset) === text);
}

function checkBounds(log: Log, expected: Expected, lost: Lost): void {
  const promised = lost === 'unwritten' ? expected.writtenEnd : expected.durableEnd;
  if (log.endOffset < promised) throw new Violation(`it ends at ${log.endOffset}, where ${promised} was promised`);
  if (log.startOffset > expected.maxStart) {
    throw new Violation(`it begins at ${log.startOffset}, where ${expected.maxStart} is the most`);
  }
}

function checkMissing(log: Log, expected: Expected, found: readonly ServedBatch[]): void {
  const there = new Set(found.map(({ header }) => header.baseOffset));
  const isInside = ({ nextOffset }: AppendedBatch) => nextOffset > log.startOffset && nextOffset <= log.endOffset;
  const inside = expected.batches.filter(isInside);
  if (!expected.isCompacted) {
    const missing = inside.find(({ offset }) => !there.has(offset));
    if (missing !== undefined)
      throw new Violation(`the batch at ${missing.offset} is missing, the log ends at ${log.endOffset}`);
    return;
  }
  const records = new Set(found.flatMap(({ bytes }) => recordsOf(bytes)).map(({ offset }) => offset));
  const needed = newestRecords(inside);
  for (const [key, offset] of needed) {
    if (!records.has(offset)) throw new Violation(`the newest record of ${key}, at ${offset}, is missing`);
  }
}

/** Offset of each key's newest record that compaction must keep: not a tombstone, not of an aborted transaction. */
function newestRecords(batches: readonly AppendedBatch[]): Map<string, number> {
  const newest = new Map<string, number>();
  const aborted = abortedBatches(batches);
  for (const { bytes, offset } of batches) {
    if (readBatchHeader(bytes).isControl || aborted.has(offset)) continue;
    for (const record of recordsOf(bytes)) {
      if (record.hasValue) newest.set(record.key, record.offset);
      else newest.delete(record.key);
    }
  }
  return newest;
}

function abortedBatches(batches: readonly AppendedBatch[]): Set<number> {
  const aborted = new Set<number>();
  const open = new Map<number, number[]>();
  for (const { bytes, offset } of batches) {
    const header = readBatchHeader(bytes);
    if (!header.isTransactional) continue;
    const data = open.get(header.producerId) ?? [];
    if (!header.isControl) open.set(header.producerId, [...data, offset]);
    else {
      open.delete(header.producerId);
      const [record] = readRecords(bytes);
      if (record?.key?.[3] === 0) for (const each of data) aborted.add(each);
    }
  }
  return aborted;
}

interface PlainRecord {
  readonly offset: number;
  readonly key: string;
  readonly hasValue: boolean;
  readonly text: string;
}

function recordsOf(bytes: Uint8Array): PlainRecord[] {
  return [...readRecords(bytes, { decompress })].map(({ offset, key, value, timestamp }) => {
    const name = key === null ? '' : Buffer.from(key).toString('latin1');
    const text = `${timestamp} ${name} ${value === null ? 'none' : Buffer.from(value).toString('base64')}`;
    return { offset, key: name, hasValue: value !== null, text };
  });
}

const equals = (bytes: Uint8Array, other: Uint8Array): boolean => Buffer.compare(bytes, other) === 0;
