/**
 * What lies in the compacted topic `__meridian_runs` of an Apache Kafka target: one record per run, keyed by copy,
 * partition and the run's local start; without a value, the run is gone. The task's shell writes and reads them.
 * Invariant: bytes that are not exactly such a record are an error, never half a run.
 *
 *   key    int16 version 0 · int16 length, copy's name in UTF-8 · int32 partition · int64 localStart
 *   value  int16 version 0 · int32 originEpoch · int64 originStart · int64 count (0: open)
 *          · int64 producerId · int16 producerEpoch · int64 tenureStart
 *
 * An open run ends where the next one of its tenure begins, the last one where the data of the log does.
 */
import { CoordinateError } from './errors.ts';
import type { Run } from './run-table.ts';

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
  | { readonly type: 'drop'; readonly localStart: number };

export interface RunKey {
  readonly copy: string;
  readonly partition: number;
  readonly localStart: number;
}

const VERSION = 0;
const MAX_NAME_BYTES = 249;
const KEY_BYTES = 16;
const VALUE_BYTES = 40;
const MAX_PRODUCER_EPOCH = 32_767;

export function encodeRunKey({ copy, partition, localStart }: RunKey): Buffer {
  const name = Buffer.from(copy, 'utf8');
  if (name.length === 0 || name.length > MAX_NAME_BYTES) throw refused(`name of ${name.length} bytes`);
  const bytes = Buffer.alloc(KEY_BYTES + name.length);
  bytes.writeInt16BE(VERSION, 0);
  bytes.writeInt16BE(name.length, 2);
  name.copy(bytes, 4);
  bytes.writeInt32BE(partition, 4 + name.length);
  bytes.writeBigInt64BE(BigInt(atLeast(0, localStart, 'localStart')), 8 + name.length);
  return bytes;
}

export function decodeRunKey(bytes: Buffer): RunKey {
  checkVersion(bytes, KEY_BYTES + 1);
  const nameBytes = bytes.readInt16BE(2);
  if (nameBytes < 1 || nameBytes > MAX_NAME_BYTES) throw refused(`name of ${nameBytes} bytes`);
  checkSize(bytes, KEY_BYTES + nameBytes);
  return {
    copy: bytes.toString('utf8', 4, 4 + nameBytes),
    partition: atLeast(0, bytes.readInt32BE(4 + nameBytes), 'partition'),
    localStart: atLeast(0, readInt64(bytes, 8 + nameBytes), 'localStart'),
  };
}

export function encodeRunValue({ originEpoch, originStart, count, tenure }: StoredRun): Buffer {
  const bytes = Buffer.alloc(VALUE_BYTES);
  bytes.writeInt16BE(VERSION, 0);
  bytes.writeInt32BE(originEpoch, 2);
  bytes.writeBigInt64BE(BigInt(originStart), 6);
  bytes.writeBigInt64BE(BigInt(count), 14);
  bytes.writeBigInt64BE(BigInt(tenure.producerId), 22);
  bytes.writeInt16BE(tenure.producerEpoch, 30);
  bytes.writeBigInt64BE(BigInt(tenure.localStart), 32);
  return bytes;
}

/** The run of a key and its value. */
export function decodeRun({ localStart }: RunKey, bytes: Buffer): StoredRun {
  checkVersion(bytes, VALUE_BYTES);
  checkSize(bytes, VALUE_BYTES);
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
