/**
 * Kafka's `cleaner-offset-checkpoint` of a data folder: how far each of its logs is compacted. Read and written by the
 * broker's cleaner. It only saves work: where it is missing or damaged, logs are compacted from their start again.
 */
import type { Disk } from '@meridian/io';
import { checkpointNumber, readCheckpoint, writeCheckpoint } from '../checkpoint-file.ts';
import { LogError } from '../errors.ts';

const FILE = 'cleaner-offset-checkpoint';

export interface CleanedPartition {
  readonly topic: string;
  readonly partition: number;
  readonly cleanedEnd: number;
}

export function readCleanerCheckpoint(disk: Disk, dataFolder: string): CleanedPartition[] {
  const path = `${dataFolder}/${FILE}`;
  const number = (field: string | undefined) => checkpointNumber(path, field);
  try {
    const rows = readCheckpoint(disk, path) ?? [];
    return rows.map((row) => ({ topic: row[0] ?? '', partition: number(row[1]), cleanedEnd: number(row[2]) }));
  } catch (error) {
    if (error instanceof LogError) return [];
    throw error;
  }
}

export function writeCleanerCheckpoint(disk: Disk, dataFolder: string, partitions: readonly CleanedPartition[]): void {
  const rows = partitions.map(({ topic, partition, cleanedEnd }) => [topic, partition, cleanedEnd]);
  writeCheckpoint(disk, `${dataFolder}/${FILE}`, rows);
}
