/**
 * Fuzzing of the file beside the producer snapshots: `npm run fuzz -- producer-batches`. If the first byte is odd the
 * checksum is made right first. Nothing may be thrown, and no more is believed than there are bytes.
 */
import { nativeCrc32c } from '@meridian/protocol';
import { decodeProducerBatches, encodeProducerBatches } from './producer-batches.ts';

const SNAPSHOT_OFFSET = 4_711;
const BATCH = { producerId: 9, producerEpoch: 1, firstSequence: 5, lastSequence: 8, firstOffset: 40, lastOffset: 43 };
const HEADER_BYTES = 18;
const ENTRY_BYTES = 42;

export function corpus(): Buffer[] {
  const batches = Array.from({ length: 20 }, (_, at) => ({ ...BATCH, producerId: at, timestamp: 1_767_225_600_000 }));
  return [[], batches.slice(0, 1), batches].flatMap((some) =>
    [0, 1].map((mode) => Buffer.concat([Buffer.from([mode]), encodeProducerBatches(SNAPSHOT_OFFSET, some)])),
  );
}

export function fuzz(input: Buffer): void {
  const bytes = Buffer.from(input.subarray(1));
  if (input[0]! % 2 === 1 && bytes.length >= HEADER_BYTES) bytes.writeUInt32BE(nativeCrc32c(bytes, 6, bytes.length), 2);
  const found = decodeProducerBatches(bytes, SNAPSHOT_OFFSET);
  if (found.length * ENTRY_BYTES > bytes.length) throw new Error(`${found.length} batches in ${bytes.length} bytes`);
}
