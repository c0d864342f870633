/**
 * What a log must remember besides its batches: up to which offset everything was fsynced (the recovery point, below
 * which a restart checks no CRC) and where the log begins. A log dir keeps the marks of its partitions together
 * (`log-dir.ts`); a log that stands alone has one small file of our own, `meridian-checkpoint`.
 * Invariant: the recovery point in the file is never ahead of what is durable.
 */
import type { Disk } from '@meridian/io';
import { checkpointNumber, readCheckpoint, writeCheckpoint } from './checkpoint-file.ts';

const FILE = 'meridian-checkpoint';

export interface LogMarks {
  readonly recoveryPoint: number;
  readonly startOffset: number;
}

export interface MarksStore {
  /** The log was closed in order, so its end can be trusted. */
  readonly wasClean: boolean;
  /** Zeros where nothing is known: everything is checked then. */
  read(): LogMarks;
  /** A recovery point or start that goes back is durable when it returns; one that goes forward soon after. */
  write(marks: LogMarks): void;
  /** As it was found at the start; 0 where nothing is known. */
  readonly savedHighWatermark: number;
  /** One that goes back is durable when it returns. */
  noteHighWatermark(offset: number): void;
  /** Makes durable what was written and is not yet. */
  flush(): void;
}

/** The store of a log that stands alone. */
export function folderMarks(disk: Disk, folder: string): MarksStore {
  const path = `${folder}/${FILE}`;
  return {
    wasClean: false,
    read() {
      const rows = new Map((readCheckpoint(disk, path) ?? []).map((row) => [row[0], row[1]]));
      return {
        recoveryPoint: checkpointNumber(path, rows.get('recovery-point') ?? '0'),
        startOffset: checkpointNumber(path, rows.get('log-start') ?? '0'),
      };
    },
    write(marks) {
      if (marks.recoveryPoint === 0 && marks.startOffset === 0 && !disk.exists(path)) return;
      writeCheckpoint(disk, path, [
        ['recovery-point', marks.recoveryPoint],
        ['log-start', marks.startOffset],
      ]);
    },
    savedHighWatermark: 0,
    noteHighWatermark() {},
    flush() {},
  };
}
