/**
 * A disk that has one file, for the fuzzing of what is read from files. Its content is handed out as it is, without a copy.
 * Invariant: whoever writes, or looks for another file, gets an error.
 */
import type { Disk } from '@meridian/io';

export const FUZZ_PATH = '/fuzz/file';

export function diskWith(content: Buffer): Disk {
  const given: Partial<Disk> = {
    exists: (path) => path === FUZZ_PATH,
    stat: () => ({ size: content.length, modifiedMs: 0, isFolder: false }),
    readFile: (path) => {
      if (path !== FUZZ_PATH) throw new Error(`${path} was read`);
      return content;
    },
  };
  return given as Disk;
}
