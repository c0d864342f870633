/**
 * Fuzzing of transaction indexes: `npm run fuzz -- transaction-index`. Nothing may be thrown; a sound file's entries ascend
 * by their markers and are as many as the file has room for.
 */
import { diskWith, FUZZ_PATH } from './fuzz-disk.ts';
import { TransactionIndex } from './transaction-index.ts';

const ENTRY_BYTES = 34;

export function corpus(): Buffer[] {
  const bytes = Buffer.alloc(ENTRY_BYTES * 10);
  for (let entry = 0; entry < 10; entry++) {
    const first = BigInt(entry * 100);
    [7n, first, first + 50n, first + 51n].forEach((value, field) => {
      bytes.writeBigInt64BE(value, entry * ENTRY_BYTES + 2 + field * 8);
    });
  }
  return [bytes, bytes.subarray(0, ENTRY_BYTES), Buffer.alloc(0)];
}

export function fuzz(input: Buffer): void {
  const disk = diskWith(input);
  const index = new TransactionIndex(FUZZ_PATH);
  index.trust(true);
  const isSound = index.isSound(disk);
  const entries = index.entries(disk);
  if (entries.length !== (isSound ? input.length / ENTRY_BYTES : 0)) throw new Error(`${entries.length} entries`);
  if (entries.some(({ lastOffset }, at) => at > 0 && lastOffset <= entries[at - 1]!.lastOffset)) {
    throw new Error('entries do not ascend');
  }
}
