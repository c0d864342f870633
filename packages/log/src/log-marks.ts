/**
 * What a log must remember besides its batches: up to which offset everything was fsynced (the recovery point, below
 * which a restart checks no CRC) and where the log begins. One small file of our own, `meridian-checkpoint`, beside
 * Kafka's. Invariant: the recovery point in the file is never ahead of what is durable.
 */
import type { Disk } from '@meridian/io';
import { checkpointNumber, readCheckpoint, writeCheckpoint } from './checkpoint-file.ts';

const FILE = 'meridian-checkpoint';

export interface LogMarks {
  readonly recoveryPoint: number;
  readonly startOffset: number;
}

/** A missing file means that nothing is known: everything is checked. */
export function readMarks(disk: Disk, folder: string): LogMarks {
  const path = `${folder}/${FILE}`;
  const rows = new Map((readCheckpoint(disk, path) ?? []).map((row) => [row[0], row[1]]));
  return {
    recoveryPoint: checkpointNumber(path, rows.get('recovery-point') ?? '0'),
    startOffset: checkpointNumber(path, rows.get('log-start') ?? '0'),
  };
}

export function writeMarks(disk: Disk, folder: string, marks: LogMarks): void {
  writeCheckpoint(disk, `${folder}/${FILE}`, [
    ['recovery-point', marks.recoveryPoint],
    ['log-start', marks.startOffset],
  ]);
}
