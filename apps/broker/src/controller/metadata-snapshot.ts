/**
 * KRaft's snapshots of the metadata, `<end offset>-<epoch>.checkpoint` beside the metadata log: record batches that make
 * an image from nothing, between a header and a footer. Apache Kafka writes them and shortens its log behind them; this
 * release reads them. Called by `metadata-log.ts`.
 * Invariant: one without its footer was never finished, and is not taken.
 */
import { join } from 'node:path';
import type { Disk } from '@meridian/io';
import { CONTROL_RECORD_TYPE, ControlRecordKey, decodeMessage, type MetadataRecord } from '@meridian/protocol';
import { iterateBatches, readRecords } from '@meridian/protocol/record-batch';
import { recordsOf } from './metadata-batch.ts';

const NAME = /^(\d{20})-(\d{10})\.checkpoint$/;

export interface MetadataSnapshot {
  /** The snapshot holds what lies below it in the log. */
  readonly endOffset: number;
  readonly epoch: number;
  readonly records: readonly MetadataRecord[];
}

/** The newest whole one that ends at `from` or behind it, and at `to` at most; undefined if there is none. */
export function readSnapshot(disk: Disk, folder: string, from: number, to: number): MetadataSnapshot | undefined {
  for (const name of disk.list(folder).reverse()) {
    const [, endOffset, epoch] = NAME.exec(name) ?? [];
    const end = Number(endOffset ?? -1);
    if (end < from || end > to) continue;
    const records = recordsIn(disk.readFile(join(folder, name)));
    if (records !== undefined) return { endOffset: end, epoch: Number(epoch), records };
  }
  return undefined;
}

function recordsIn(bytes: Buffer): MetadataRecord[] | undefined {
  const records: MetadataRecord[] = [];
  let isWhole = false;
  for (const batch of iterateBatches(bytes)) {
    if (batch.header.isControl) isWhole ||= holdsFooter(batch.bytes);
    else for (const record of recordsOf(batch.bytes)) records.push(record);
  }
  return isWhole ? records : undefined;
}

function holdsFooter(batch: Uint8Array): boolean {
  for (const { key } of readRecords(batch)) {
    const { type } = decodeMessage(ControlRecordKey, 0, Buffer.from(key ?? []));
    if (type === CONTROL_RECORD_TYPE.SNAPSHOT_FOOTER) return true;
  }
  return false;
}
