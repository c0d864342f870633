/**
 * Kafka's producer snapshots: what is known of a log's producers at one offset, as `<offset>.snapshot` beside the segments.
 * Written when a segment is closed and when the log is, read when it is opened, so that a start need not walk the log.
 * Invariant: a file that was torn or damaged is not believed (CRC); the log then takes an older one and walks on from it.
 */
import type { Disk } from '@meridian/io';
import { nativeCrc32c } from '@meridian/protocol';
import { MAX_SNAPSHOT_BYTES } from './limits.ts';
import { offsetFileName } from './offset-file-name.ts';

/** int16 version, uint32 CRC of what follows, int32 count, entries. */
const VERSION = 1;
const CRC_AT = 2;
const COUNT_AT = 6;
const HEADER_BYTES = 10;
/** Producer id, epoch, last sequence, last offset, sequence span, timestamp, coordinator epoch, transaction start. */
const ENTRY_BYTES = 46;
const SNAPSHOT_FILE = /^(\d{20})\.snapshot$/;

export interface SnapshotEntry {
  readonly producerId: number;
  readonly producerEpoch: number;
  /** −1 when nothing but a marker is known of it. */
  readonly lastSequence: number;
  readonly lastOffset: number;
  /** Last minus first offset of its last batch. */
  readonly offsetDelta: number;
  readonly timestamp: number;
  readonly coordinatorEpoch: number;
  /** First offset of the transaction that is open; −1 if there is none. */
  readonly transactionStart: number;
}

export function encodeSnapshot(entries: readonly SnapshotEntry[]): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES + entries.length * ENTRY_BYTES);
  bytes.writeInt16BE(VERSION, 0);
  bytes.writeInt32BE(entries.length, COUNT_AT);
  let at = HEADER_BYTES;
  for (const entry of entries) {
    bytes.writeBigInt64BE(BigInt(entry.producerId), at);
    bytes.writeInt16BE(entry.producerEpoch, at + 8);
    bytes.writeInt32BE(entry.lastSequence, at + 10);
    bytes.writeBigInt64BE(BigInt(entry.lastOffset), at + 14);
    bytes.writeInt32BE(entry.offsetDelta, at + 22);
    bytes.writeBigInt64BE(BigInt(entry.timestamp), at + 26);
    bytes.writeInt32BE(entry.coordinatorEpoch, at + 34);
    bytes.writeBigInt64BE(BigInt(entry.transactionStart), at + 38);
    at += ENTRY_BYTES;
  }
  bytes.writeUInt32BE(nativeCrc32c(bytes, COUNT_AT, bytes.length), CRC_AT);
  return bytes;
}

/** Undefined if the bytes are not a whole snapshot of this version. */
export function decodeSnapshot(bytes: Buffer): SnapshotEntry[] | undefined {
  if (bytes.length < HEADER_BYTES || bytes.readInt16BE(0) !== VERSION) return undefined;
  const count = bytes.readInt32BE(COUNT_AT);
  if (bytes.length !== HEADER_BYTES + count * ENTRY_BYTES) return undefined;
  if (bytes.readUInt32BE(CRC_AT) !== nativeCrc32c(bytes, COUNT_AT, bytes.length)) return undefined;
  return Array.from({ length: count }, (_, index) => decodeEntry(bytes, HEADER_BYTES + index * ENTRY_BYTES));
}

function decodeEntry(bytes: Buffer, at: number): SnapshotEntry {
  return {
    producerId: Number(bytes.readBigInt64BE(at)),
    producerEpoch: bytes.readInt16BE(at + 8),
    lastSequence: bytes.readInt32BE(at + 10),
    lastOffset: Number(bytes.readBigInt64BE(at + 14)),
    offsetDelta: bytes.readInt32BE(at + 22),
    timestamp: Number(bytes.readBigInt64BE(at + 26)),
    coordinatorEpoch: bytes.readInt32BE(at + 34),
    transactionStart: Number(bytes.readBigInt64BE(at + 38)),
  };
}

/** Not durable: one that is lost or torn is done without. */
export function writeSnapshot(disk: Disk, folder: string, offset: number, entries: readonly SnapshotEntry[]): void {
  const file = disk.open(`${folder}/${offsetFileName(offset, 'snapshot')}`, 'w+');
  try {
    file.writev([encodeSnapshot(entries)], 0);
  } finally {
    file.close();
  }
}

/** Offsets of the snapshots among a folder's names, ascending. */
export function snapshotOffsets(names: readonly string[]): number[] {
  return names.flatMap((name) => Number(SNAPSHOT_FILE.exec(name)?.[1] ?? Number.NaN)).filter(Number.isSafeInteger);
}

/** The newest snapshot at or below `offset` that can be believed; those that cannot are removed. */
export function newestSnapshot(
  disk: Disk,
  folder: string,
  offsets: readonly number[],
  offset: number,
): { offset: number; entries: SnapshotEntry[] } | undefined {
  for (const at of offsets.filter((each) => each <= offset).reverse()) {
    const entries = readSnapshot(disk, folder, at);
    if (entries !== undefined) return { offset: at, entries };
    removeSnapshot(disk, folder, at);
  }
  return undefined;
}

/** Undefined if there is none, or none that can be believed. */
export function readSnapshot(disk: Disk, folder: string, offset: number): SnapshotEntry[] | undefined {
  const path = `${folder}/${offsetFileName(offset, 'snapshot')}`;
  if (!disk.exists(path) || disk.stat(path).size > MAX_SNAPSHOT_BYTES) return undefined;
  return decodeSnapshot(disk.readFile(path));
}

export function removeSnapshot(disk: Disk, folder: string, offset: number): void {
  const path = `${folder}/${offsetFileName(offset, 'snapshot')}`;
  if (disk.exists(path)) disk.remove(path);
}
