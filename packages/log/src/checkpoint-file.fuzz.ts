/**
 * Fuzzing of checkpoint files and of the epochs in them: `npm run fuzz -- checkpoint-file`. Only LogError may come out;
 * what is read has no more rows than the file has lines, and epochs that are believed ascend.
 */
import { checkpointNumber, readCheckpoint } from './checkpoint-file.ts';
import { EpochList } from './epoch-list.ts';
import { LogError } from './errors.ts';
import { diskWith, FUZZ_PATH } from './fuzz-disk.ts';

const TEXTS = ['0\n0\n', '0\n1\n0 0\n', '0\n3\n0 0\n4 17\n9 2048\n', '0\n2\norders 0 100\norders 1 9007199254740991\n'];

export function corpus(): Buffer[] {
  return TEXTS.map((text) => Buffer.from(text));
}

export function fuzz(input: Buffer): void {
  const disk = diskWith(input);
  expectLogError(() => {
    const rows = readCheckpoint(disk, FUZZ_PATH) ?? [];
    if (rows.length > input.length) throw new Error(`${rows.length} rows in ${input.length} bytes`);
    for (const [, partition, offset] of rows) {
      checkpointNumber(FUZZ_PATH, partition);
      checkpointNumber(FUZZ_PATH, offset);
    }
  });
  expectLogError(() => {
    const list = new EpochList(disk, FUZZ_PATH, () => Number.MAX_SAFE_INTEGER);
    list.load(true);
    const { epoch, endOffset } = list.endOffsetFor(list.latestEpoch - 1);
    if (epoch > list.latestEpoch || endOffset < -1) throw new Error(`epoch ${epoch} ends at ${endOffset}`);
  });
}

function expectLogError(run: () => void): void {
  try {
    run();
  } catch (error) {
    if (!(error instanceof LogError)) throw error;
  }
}
