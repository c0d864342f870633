/**
 * Fuzzing of index files: `npm run fuzz -- sparse-index`. The first byte chooses offset or time index. Nothing may be
 * thrown; a file that is believed holds what it had, in order, and answers within its own bounds.
 */
import { diskWith, FUZZ_PATH } from './fuzz-disk.ts';
import { OffsetIndex, TimeIndex } from './sparse-index.ts';

export function corpus(): Buffer[] {
  const offsets = Buffer.alloc(1 + 8 * 20);
  const times = Buffer.alloc(1 + 12 * 20, 0);
  times[0] = 1;
  for (let entry = 0; entry < 20; entry++) {
    offsets.writeInt32BE(entry * 10, 1 + entry * 8);
    offsets.writeInt32BE(entry * 4_096, 1 + entry * 8 + 4);
    times.writeBigInt64BE(1_767_225_600_000n + BigInt(entry), 1 + entry * 12);
    times.writeInt32BE(entry * 10, 1 + entry * 12 + 8);
  }
  return [offsets, times, Buffer.from([0]), Buffer.from([1])];
}

export function fuzz(input: Buffer): void {
  const content = input.subarray(1);
  if ((input[0] ?? 0) % 2 === 0) fuzzOffsets(content);
  else fuzzTimes(content);
}

function fuzzOffsets(content: Buffer): void {
  const index = new OffsetIndex(FUZZ_PATH);
  if (!index.load(diskWith(content))) return;
  if (index.count * 8 !== content.length) throw new Error(`${index.count} entries in ${content.length} bytes`);
  for (const offset of [0, 1, 100, 2 ** 31 - 1]) {
    const position = index.positionFor(offset);
    if (position < 0 || position > Math.max(0, index.lastPosition)) throw new Error(`position ${position}`);
  }
  index.truncate(4_096);
  if (index.lastPosition >= 4_096) throw new Error(`position ${index.lastPosition} survives the cut`);
}

function fuzzTimes(content: Buffer): void {
  const index = new TimeIndex(FUZZ_PATH);
  if (!index.load(diskWith(content))) return;
  if (index.count * 12 !== content.length) throw new Error(`${index.count} entries in ${content.length} bytes`);
  for (const timestamp of [-1, 0, 1_767_225_600_005, Number.MAX_SAFE_INTEGER]) {
    const offset = index.offsetFor(timestamp);
    if (offset < 0 || offset > Math.max(0, index.last?.relativeOffset ?? 0)) throw new Error(`offset ${offset}`);
  }
  index.truncate(50);
  if ((index.last?.relativeOffset ?? 0) >= 50) throw new Error('an entry survives the cut');
}
