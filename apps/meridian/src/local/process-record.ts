/**
 * `processes.json`: which processes run now, for those that come after (`leftovers.ts`) and for people. Written by
 * `meridian local` at every change.
 * Invariant: it never throws. A disk that does not take it is told once, until it does again; the platform goes on.
 */
import type { Io } from '@meridian/io';

export interface ProcessRecord {
  write(pids: Record<string, number>): void;
  remove(): void;
}

export function createProcessRecord(io: Pick<Io, 'disk'>, path: string, say: (message: string) => void): ProcessRecord {
  let isFailing = false;
  return {
    write(pids) {
      try {
        io.disk.replaceFile(path, Buffer.from(`${JSON.stringify(pids)}\n`));
        isFailing = false;
      } catch (error) {
        if (!isFailing) say(`warn: the processes cannot be recorded, ${(error as Error).message}`);
        isFailing = true;
      }
    },
    remove() {
      try {
        if (io.disk.exists(path)) io.disk.remove(path);
      } catch (error) {
        say(`warn: the record of the processes stays, ${(error as Error).message}`);
      }
    },
  };
}
