/** Logs with keys for the cleaner's tests: appends, policies, and what a reader finds of keys and values. */
import type { Io } from '@meridian/io';
import type { SimWorld } from '@meridian/io/sim';
import { compress, decompress, nativeCrc32c } from '@meridian/protocol';
import {
  type BatchHeader,
  type BatchOptions,
  type Codec,
  readBatchHeader,
  readRecords,
  writeBatch,
} from '@meridian/protocol/record-batch';
import { type CompactionPolicy, type Log, openLog } from '../log.ts';
import { batchesIn } from '../test-batches.ts';

export const FOLDER = '/data/topic-0';
export type Entry = readonly [key: string | null, value: string | null];
export interface Found {
  readonly offset: number;
  readonly key: string;
  readonly value: string | null;
  readonly timestamp: number;
}

export function openKeyed(io: Io, segmentBytes = 400): Log {
  const config = { segmentBytes, indexIntervalBytes: 100, fileDeleteDelayMs: 1000 };
  return openLog({ io, folder: FOLDER, config, limits: { tailBytes: 300, pendingBytes: 900 } });
}

export function keyedBatch(
  baseOffset: number,
  entries: readonly Entry[],
  extras: BatchOptions & { codec?: Codec; timestamp?: number } = {},
): Buffer {
  const records = entries.map(([key, value], index) => ({
    timestamp: (extras.timestamp ?? 1000 + baseOffset) + index,
    key: key === null ? null : Buffer.from(key),
    value: value === null ? null : Buffer.from(value),
    headers: [{ key: 'h', value: Buffer.from([index]) }],
  }));
  return Buffer.from(writeBatch({ baseOffset, records, compress, crc: nativeCrc32c, ...extras }));
}

export function append(log: Log, entries: readonly Entry[], extras: Parameters<typeof keyedBatch>[2] = {}): number {
  const offset = log.endOffset;
  log.append([keyedBatch(offset, entries, extras)], 1);
  return offset;
}

/** Kafka's end marker: version 0 and type in the key. */
export function appendMarker(log: Log, producerId: number, isCommit: boolean): number {
  const offset = log.endOffset;
  const records = [{ timestamp: 1000 + offset, key: Buffer.from([0, 0, 0, isCommit ? 1 : 0]), value: Buffer.alloc(6) }];
  const extras = { producerId, producerEpoch: 0, transactional: true, control: true, crc: nativeCrc32c };
  log.append([Buffer.from(writeBatch({ baseOffset: offset, records, ...extras }))], 1);
  return offset;
}

/** Closes the active segment: fills it up with one key, and waits until all before it is durable. */
export async function seal(world: SimWorld, log: Log): Promise<void> {
  append(log, [['filler', 'f'.repeat(350)]]);
  append(log, [['filler', 'f'.repeat(350)]]);
  await world.settle(log.flush());
}

export function policy(changes: Partial<CompactionPolicy> = {}): CompactionPolicy {
  const never = Number.POSITIVE_INFINITY;
  const ages = { minCompactionLagMs: 0, maxCompactionLagMs: never, deleteRetentionMs: 500 };
  return { nowMs: 10_000, maxOffset: never, ...ages, ...changes };
}

export function headersIn(log: Log): BatchHeader[] {
  return batchesIn(log).map(({ bytes }) => readBatchHeader(bytes));
}

/** Every data record with a key, but not the filler. */
export function recordsIn(log: Log): Found[] {
  const text = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString());
  return batchesIn(log)
    .filter(({ bytes }) => !readBatchHeader(bytes).isControl)
    .flatMap(({ bytes }) => [...readRecords(bytes, { decompress })])
    .map(({ offset, key, value, timestamp }) => ({ offset, key: text(key) ?? '', value: text(value), timestamp }))
    .filter(({ key, offset }) => key !== 'filler' && offset >= log.startOffset);
}

export const pairsIn = (log: Log): string[] => recordsIn(log).map(({ key, value }) => `${key}=${value}`);
