/**
 * Answers to Fetch for who compares logs and not records: of each batch its header, which bears its CRC. The batches are
 * read, and checked where they have not been, as for any other answer. Asked for on the internal listener.
 */
import { BATCH_HEADER_BYTES, batchSizeInBytes } from '@meridian/protocol/record-batch';
import type { FetchedPartition } from '../partition/read.ts';

export interface HeadersOfPartition extends FetchedPartition {
  readonly headersOnly: true;
}

export function headersOf(fetched: FetchedPartition): HeadersOfPartition {
  let count = 0;
  for (const bytes of fetched.records) {
    for (let at = 0; at < bytes.length; at += batchSizeInBytes(bytes, at)) count++;
  }
  const headers = Buffer.allocUnsafe(count * BATCH_HEADER_BYTES);
  let to = 0;
  for (const bytes of fetched.records) {
    for (let at = 0; at < bytes.length; at += batchSizeInBytes(bytes, at)) {
      to += bytes.copy(headers, to, at, at + BATCH_HEADER_BYTES);
    }
  }
  return { ...fetched, records: [headers], headersOnly: true };
}
