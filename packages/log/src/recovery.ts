/**
 * Brings a partition's folder back to a state that may be served, whatever a crash left: called by `openLog` alone,
 * before anything else touches the folder.
 *
 *   1. sweep: compactions that were interrupted are finished or undone, half-made files and indexes without their
 *      segment removed;
 *   2. walk the segments in order: below the recovery point headers only (to rebuild what lives in memory), from there on
 *      every CRC; the indexes of what was checked are made anew;
 *   3. at the first batch that is torn, damaged or out of order: cut there and remove every later segment.
 *
 * Invariant: what is left is a gapless prefix of what was appended, with everything that was fsynced; doing it again
 * changes nothing. Damage below the recovery point is not repaired but refused (`corrupt-batch`).
 */
import type { Disk } from '@meridian/io';
import type { BatchHeader } from '@meridian/protocol/record-batch';
import { scanBatches } from './batch-scan.ts';
import { settleSwaps } from './cleaner/interrupted-swap.ts';
import type { EpochList } from './epoch-list.ts';
import { LogError } from './errors.ts';
import { MAX_RELATIVE_OFFSET } from './limits.ts';
import type { ProducerTable } from './producer-state.ts';
import { Segment } from './segment.ts';

const LOG_FILE = /^(\d{20})\.log$/;
const INDEX_FILE = /^(\d{20})\.(index|timeindex|txnindex)$/;
const RECOVERY_POINT = 'recovery point';
const HALF_MADE = /\.(deleted|cleaned|swap|tmp)$/;

export interface RecoveryInput {
  readonly disk: Disk;
  readonly folder: string;
  readonly recoveryPoint: number;
  readonly startOffset: number;
  readonly indexIntervalBytes: number;
  readonly epochs: EpochList;
  readonly producers: ProducerTable;
}

export interface Recovered {
  readonly segments: Segment[];
  /** What was cut off, for the log line; undefined if nothing was. */
  readonly damage: string | undefined;
}

export function recoverSegments(input: RecoveryInput): Recovered {
  const recovered = walkSegments(input);
  for (const segment of recovered.segments.slice(0, -1)) segment.sealRecovered();
  return recovered;
}

function walkSegments(input: RecoveryInput): Recovered {
  const bases = sweep(input.disk, input.folder);
  const segments: Segment[] = [];
  for (let index = 0; index < bases.length; index++) {
    const before = segments.at(-1);
    let damage = before === undefined ? undefined : gapBefore(bases[index]!, before, input.recoveryPoint);
    if (damage === undefined) {
      const segment = new Segment(input.disk, input.folder, bases[index]!, 'open');
      segments.push(segment);
      damage = recoverSegment(segment, input);
    }
    if (damage !== undefined) {
      for (const later of bases.slice(segments.length).reverse()) {
        new Segment(input.disk, input.folder, later, 'open').remove();
      }
      return { segments, damage };
    }
  }
  return { segments, damage: undefined };
}

/** Removes what no running log left behind; returns the base offsets of the segments. */
function sweep(disk: Disk, folder: string): number[] {
  settleSwaps(disk, folder);
  const names = disk.list(folder);
  const bases = names.flatMap((name) => LOG_FILE.exec(name)?.[1] ?? []);
  for (const name of names) {
    const orphan = INDEX_FILE.exec(name);
    if (HALF_MADE.test(name) || (orphan !== null && !bases.includes(orphan[1]!))) disk.remove(`${folder}/${name}`);
  }
  return bases.map(Number);
}

/**
 * A segment that is not fsynced yet begins exactly where the one before ends: if that one has lost its tail, this one
 * must not be served. Below the recovery point compaction may have left gaps.
 */
function gapBefore(base: number, before: Segment, recoveryPoint: number): string | undefined {
  const ok = before.nextOffset === base || (base <= recoveryPoint && before.nextOffset < base);
  return ok ? undefined : `segment ${base} does not follow offset ${before.nextOffset}`;
}

/**
 * Returns what was cut off. Below the recovery point nothing can be torn: damage there is bit rot, and the log refuses to
 * open rather than throw away what was acknowledged.
 */
function recoverSegment(segment: Segment, input: RecoveryInput): string | undefined {
  const size = segment.file.size();
  segment.resetIndexes();
  const visit = (header: BatchHeader, position: number) => accept(segment, header, position, input);
  const trusted = scanBatches(segment.file, { from: 0, to: size }, false, (header, position) =>
    header.baseOffset >= input.recoveryPoint ? RECOVERY_POINT : visit(header, position),
  );
  if (trusted.damage !== undefined && segment.nextOffset < input.recoveryPoint && trusted.damage !== RECOVERY_POINT) {
    throw new LogError('corrupt-batch', `${segment.file.path} at ${trusted.end}: ${trusted.damage}`);
  }
  const checked = scanBatches(segment.file, { from: trusted.end, to: size }, true, visit);
  if (checked.damage === undefined) return undefined;
  segment.file.truncate(checked.end);
  segment.file.syncNow();
  return `${segment.file.path} was cut from ${size} to ${checked.end} bytes: ${checked.damage}`;
}

/** Takes a sound batch into the books, or says why it cannot follow what is there. */
function accept(segment: Segment, header: BatchHeader, position: number, input: RecoveryInput): string | undefined {
  if (header.baseOffset < segment.nextOffset) return `offset ${header.baseOffset} where ${segment.nextOffset} is next`;
  if (header.lastOffset - segment.baseOffset > MAX_RELATIVE_OFFSET)
    return `offset ${header.lastOffset} is too far away`;
  segment.note(header, position, input.indexIntervalBytes);
  input.epochs.assign(header.partitionLeaderEpoch, header.baseOffset);
  input.producers.update(header);
  return undefined;
}
