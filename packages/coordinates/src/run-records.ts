/**
 * What lies in the compacted topic `__meridian_runs` of an Apache Kafka target: a record per run, per lost range, and one
 * that says how far the origin is known to hold nothing more. Without a value, it is gone. The task's shell writes and
 * reads them. Invariant: bytes that are not exactly such a record are an error, never half a run.
 *
 *   key    int16 version 0 · uuid of the copy's topic · int32 partition · int8 kind · int64 at
 *   run    kind 0, at: localStart
 *          int16 version 0 · int32 originEpoch · int64 originStart · int64 count (0: open)
 *          · int64 producerId · int16 producerEpoch · int64 tenureStart
 *   lost   kind 1, at: the first lost offset     int16 version 0 · int64 the last
 *   end    kind 2, at: 0                         int16 version 0 · int64 originEnd · int64 localEnd
 *
 * An open run ends where the next one of its tenure begins, the last one where the data of the log does.
 */
import { ZERO_UUID } from '@meridian/protocol';
import { murmur2 } from '@meridian/protocol/record-batch';
import { CoordinateError } from './errors.ts';
import type { LostRange, Run } from './run-table.ts';

export const RUNS_TOPIC = '__meridian_runs';
export const RUNS_PARTITIONS = 8;

/** From a take-over to the next: who wrote, and where the batch of sequence 0 lay. */
export interface Tenure {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly localStart: number;
}

export interface StoredRun extends Run {
  readonly tenure: Tenure;
}

export type RunChange =
  | { readonly type: 'put'; readonly run: StoredRun }
  | { readonly type: 'drop'; readonly localStart: number }
  /** Offsets of the origin that never came and never will. */
  | { readonly type: 'lost'; readonly range: LostRange }
  | { readonly type: 'dropLost'; readonly from: number }
  /** Up to here nothing follows what is in the runs: control batches, aborted data, what compaction took, markers. */
  | { readonly type: 'skipped'; readonly originEnd: number; readonly localEnd: number }
  | { readonly type: 'dropSkipped' };

/** A partition of a copy. */
export interface CopyPartition {
  /** Topic id of the copy: a copy of the same name that is made anew has nothing to do with it. */
  readonly copyId: string;
  readonly partition: number;
}

const VERSION = 0;
const KEY_BYTES = 31;
const RUN_BYTES = 40;
const LOST_BYTES = 10;
const END_BYTES = 18;
const KIND = { run: 0, lost: 1, end: 2 } as const;
const MAX_PRODUCER_EPOCH = 32_767;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The partition of `__meridian_runs` that all of a copy's partition goes to. */
export function runsPartitionOf(place: CopyPartition): number {
  return (murmur2(encodeKey(place, KIND.run, 0).subarray(2, 22)) & 0x7fffffff) % RUNS_PARTITIONS;
}

export function encodeRunChange(place: CopyPartition, change: RunChange): { key: Buffer; value: Buffer | null } {
  switch (change.type) {
    case 'put':
      return { key: encodeKey(place, KIND.run, change.run.localStart), value: encodeRun(change.run) };
    case 'drop':
      return { key: encodeKey(place, KIND.run, change.localStart), value: null };
    case 'lost':
      return { key: encodeKey(place, KIND.lost, change.range.from), value: int64s(LOST_BYTES, [change.range.to]) };
    case 'dropLost':
      return { key: encodeKey(place, KIND.lost, change.from), value: null };
    case 'skipped':
      return { key: encodeKey(place, KIND.end, 0), value: int64s(END_BYTES, [change.originEnd, change.localEnd]) };
    case 'dropSkipped':
      return { key: encodeKey(place, KIND.end, 0), value: null };
  }
}

export function decodeRunChange(key: Buffer, value: Buffer | null): { place: CopyPartition; change: RunChange } {
  checkVersion(key, KEY_BYTES);
  checkSize(key, KEY_BYTES);
  const hex = key.toString('hex', 2, 18);
  const parts = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)];
  const place = { copyId: parts.join('-'), partition: atLeast(0, key.readInt32BE(18), 'partition') };
  if (place.copyId === ZERO_UUID) throw refused('no topic id');
  return { place, change: changeOf(key.readInt8(22), atLeast(0, readInt64(key, 23), 'at'), value) };
}

function changeOf(kind: number, at: number, value: Buffer | null): RunChange {
  if (kind === KIND.run) {
    return value === null ? { type: 'drop', localStart: at } : { type: 'put', run: decodeRun(at, value) };
  }
  if (kind === KIND.lost) {
    if (value === null) return { type: 'dropLost', from: at };
    checkVersion(value, LOST_BYTES);
    checkSize(value, LOST_BYTES);
    return { type: 'lost', range: { from: at, to: atLeast(at, readInt64(value, 2), 'to') } };
  }
  if (kind !== KIND.end || at !== 0) throw refused(`kind ${kind} at ${at}`);
  if (value === null) return { type: 'dropSkipped' };
  checkVersion(value, END_BYTES);
  checkSize(value, END_BYTES);
  const [originEnd, localEnd] = [readInt64(value, 2), readInt64(value, 10)];
  return {
    type: 'skipped',
    originEnd: atLeast(0, originEnd, 'originEnd'),
    localEnd: atLeast(0, localEnd, 'localEnd'),
  };
}

function encodeKey({ copyId, partition }: CopyPartition, kind: number, at: number): Buffer {
  if (!UUID.test(copyId) || copyId === ZERO_UUID) throw refused(`topic id ${copyId}`);
  const bytes = Buffer.alloc(KEY_BYTES);
  bytes.writeInt16BE(VERSION, 0);
  bytes.write(copyId.replaceAll('-', ''), 2, 'hex');
  bytes.writeInt32BE(atLeast(0, partition, 'partition'), 18);
  bytes.writeInt8(kind, 22);
  bytes.writeBigInt64BE(BigInt(atLeast(0, at, 'at')), 23);
  return bytes;
}

function int64s(size: number, values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(size);
  bytes.writeInt16BE(VERSION, 0);
  for (const [index, value] of values.entries())
    bytes.writeBigInt64BE(BigInt(atLeast(0, value, 'offset')), 2 + index * 8);
  return bytes;
}

function encodeRun({ originEpoch, originStart, count, tenure }: StoredRun): Buffer {
  const bytes = Buffer.alloc(RUN_BYTES);
  bytes.writeInt16BE(VERSION, 0);
  bytes.writeInt32BE(originEpoch, 2);
  bytes.writeBigInt64BE(BigInt(originStart), 6);
  bytes.writeBigInt64BE(BigInt(count), 14);
  bytes.writeBigInt64BE(BigInt(tenure.producerId), 22);
  bytes.writeInt16BE(tenure.producerEpoch, 30);
  bytes.writeBigInt64BE(BigInt(tenure.localStart), 32);
  return bytes;
}

function decodeRun(localStart: number, bytes: Buffer): StoredRun {
  checkVersion(bytes, RUN_BYTES);
  checkSize(bytes, RUN_BYTES);
  const run = {
    originEpoch: atLeast(-1, bytes.readInt32BE(2), 'originEpoch'),
    originStart: atLeast(0, readInt64(bytes, 6), 'originStart'),
    localStart,
    count: atLeast(0, readInt64(bytes, 14), 'count'),
    tenure: {
      producerId: atLeast(0, readInt64(bytes, 22), 'producerId'),
      producerEpoch: atLeast(0, bytes.readInt16BE(30), 'producerEpoch'),
      localStart: atLeast(0, readInt64(bytes, 32), 'tenureStart'),
    },
  };
  if (run.tenure.localStart > localStart) throw refused('a run begins before its tenure');
  atLeast(0, run.originStart + run.count, 'origin end');
  atLeast(0, run.localStart + run.count, 'local end');
  return run;
}

/** Whether the batch at `baseOffset` was written in the tenure: its sequences advance with the offsets. */
export function isOfTenure(
  tenure: Tenure,
  batch: { baseOffset: number; producerId: number; producerEpoch: number; baseSequence: number },
): boolean {
  if (batch.producerId !== tenure.producerId || batch.producerEpoch !== tenure.producerEpoch) return false;
  return batch.baseOffset >= tenure.localStart && sequenceAt(tenure, batch.baseOffset) === batch.baseSequence;
}

/** Sequence of the record at a local offset; it wraps behind 2^31 − 1. */
export const sequenceAt = (tenure: Tenure, localOffset: number): number => (localOffset - tenure.localStart) % 2 ** 31;

/** Before the epoch wraps, the broker hands out another producer id, which would fence nobody. */
export const isEpochNearItsEnd = (producerEpoch: number): boolean => producerEpoch >= MAX_PRODUCER_EPOCH - 1;

function checkVersion(bytes: Buffer, minBytes: number): void {
  if (bytes.length < 2) throw refused(`${bytes.length} bytes`);
  const version = bytes.readInt16BE(0);
  if (version !== VERSION) throw refused(`version ${version} is not known: written by another release`);
  if (bytes.length < minBytes) throw refused(`${bytes.length} bytes`);
}

function checkSize(bytes: Buffer, sizeInBytes: number): void {
  if (bytes.length !== sizeInBytes) throw refused(`${bytes.length} bytes instead of ${sizeInBytes}`);
}

function readInt64(bytes: Buffer, at: number): number {
  return Number(bytes.readBigInt64BE(at));
}

function atLeast(least: number, value: number, field: string): number {
  if (!Number.isSafeInteger(value) || value < least) throw refused(`${field} ${value}`);
  return value;
}

const refused = (detail: string): CoordinateError => new CoordinateError('run-record', detail);
