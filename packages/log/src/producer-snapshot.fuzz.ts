/**
 * Fuzzing of producer snapshots: `npm run fuzz -- producer-snapshot`. If the first byte is odd the checksum is made right
 * first, so that what lies behind it is reached. Nothing may be thrown; what is believed is the file, entry by entry.
 */
import { nativeCrc32c } from '@meridian/protocol';
import { decodeSnapshot, encodeSnapshot } from './producer-snapshot.ts';

const ENTRY = {
  producerId: 1_000,
  producerEpoch: 2,
  lastSequence: 41,
  lastOffset: 4_711,
  offsetDelta: 9,
  timestamp: 1_767_225_600_000,
  coordinatorEpoch: -1,
  transactionStart: -1,
};
const HEADER_BYTES = 10;
const MIN_ENTRY_BYTES = 46;

export function corpus(): Buffer[] {
  const many = Array.from({ length: 30 }, (_, at) => ({ ...ENTRY, producerId: at, transactionStart: at * 100 }));
  return [[], [ENTRY], many].flatMap((entries) =>
    [0, 1].map((mode) => Buffer.concat([Buffer.from([mode]), encodeSnapshot(entries)])),
  );
}

export function fuzz(input: Buffer): void {
  const bytes = Buffer.from(input.subarray(1));
  if (input[0]! % 2 === 1 && bytes.length >= HEADER_BYTES) bytes.writeUInt32BE(nativeCrc32c(bytes, 6, bytes.length), 2);
  const entries = decodeSnapshot(bytes);
  if (entries === undefined) return;
  if (entries.length * MIN_ENTRY_BYTES > bytes.length)
    throw new Error(`${entries.length} entries in ${bytes.length} bytes`);
  if (entries.every(isExact) && !encodeSnapshot(entries).equals(bytes)) throw new Error('does not encode to the same');
}

/** Whether no integer was rounded when it was read. */
function isExact(entry: (typeof ENTRY & object) | Readonly<typeof ENTRY>): boolean {
  return Object.values(entry).every(Number.isSafeInteger);
}
