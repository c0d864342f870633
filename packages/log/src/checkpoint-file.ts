/**
 * Kafka's text form of a checkpoint: a version, a count, and as many lines of space-separated fields. Used for leader
 * epochs, origin epochs and the log's own marks. Invariant: a file is replaced as a whole, so it is old or new.
 */
import type { Disk } from '@meridian/io';
import { LogError } from './errors.ts';
import { MAX_CHECKPOINT_BYTES } from './limits.ts';

const VERSION = 0;

/** The lines' fields; undefined if there is no such file. Throws `corrupt-checkpoint` or `newer-format`. */
export function readCheckpoint(disk: Disk, path: string): string[][] | undefined {
  if (!disk.exists(path)) return undefined;
  if (disk.stat(path).size > MAX_CHECKPOINT_BYTES) throw new LogError('corrupt-checkpoint', path);
  const lines = disk.readFile(path).toString('utf8').split('\n');
  const version = Number(lines[0]);
  if (!/^\d+$/.test(lines[0] ?? '')) throw new LogError('corrupt-checkpoint', path);
  if (version > VERSION) throw new LogError('newer-format', `${path} has version ${version}`);
  const count = /^\d+$/.test(lines[1] ?? '') ? Number(lines[1]) : -1;
  if (count < 0 || lines.length !== count + 3 || lines.at(-1) !== '') throw new LogError('corrupt-checkpoint', path);
  return lines.slice(2, -1).map((line) => line.split(' '));
}

export function writeCheckpoint(disk: Disk, path: string, rows: readonly (readonly (string | number)[])[]): void {
  disk.replaceFile(path, checkpointBytes(rows));
}

function checkpointBytes(rows: readonly (readonly (string | number)[])[]): Buffer {
  const lines = [String(VERSION), String(rows.length), ...rows.map((row) => row.join(' ')), ''];
  return Buffer.from(lines.join('\n'));
}

/** A field that must be a whole number from 0 to 2^53 − 1. */
export function checkpointNumber(path: string, field: string | undefined): number {
  const value = Number(field);
  if (!/^\d+$/.test(field ?? '') || !Number.isSafeInteger(value)) throw new LogError('corrupt-checkpoint', path);
  return value;
}
