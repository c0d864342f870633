/**
 * Brings a partition's folder back to a state that may be served, whatever a crash left: called by `openLog` alone,
 * before anything else touches the folder.
 *
 *   1. sweep: compactions that were interrupted are finished or undone, half-made files and indexes without their
 *      segment removed;
 *   2. segments below the recovery point, and all after a clean stop, are trusted if their indexes are sane; the others
 *      are walked in order: below the recovery point headers only, from there on every CRC; their indexes are made anew;
 *   3. at the first batch that is torn, damaged or out of order: cut there and remove every later segment;
 *   4. producers are known again by the newest snapshot and the batches behind it.
 *
 * Invariant: what is left is a gapless prefix of what was appended, with everything that was fsynced; doing it again
 * changes nothing. Damage below the recovery point is not repaired but refused (`corrupt-batch`).
 */
import type { Disk } from '@meridian/io';
import { scanBatches, type VisitBatch } from './batch-scan.ts';
import { settleSwaps } from './cleaner/interrupted-swap.ts';
import type { EpochList } from './epoch-list.ts';
import { LogError } from './errors.ts';
import { MAX_RELATIVE_OFFSET } from './limits.ts';
import { offsetFileName } from './offset-file-name.ts';
import { type RestoreInput, restoreProducers, tidySnapshots } from './producer-restore.ts';
import type { ProducerTable } from './producer-state.ts';
import { Segment } from './segment.ts';
import { TimeIndex } from './sparse-index.ts';
import { type TrustedFiles, trustActive, trustSealed } from './trusted-segment.ts';

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
  /** The log was closed in order: its end is trusted too. */
  readonly wasClean: boolean;
  /** Its folder has just been made: nobody has taken anything away in it. */
  readonly isNew: boolean;
  /** False: the leader epochs are not known, so every batch is looked at. */
  readonly mayTrust: boolean;
}

export interface Recovered {
  readonly segments: Segment[];
  /** What was cut off, for the log line; undefined if nothing was. */
  readonly damage: string | undefined;
  /** Offset of the newest producer snapshot that was used; −1 without one. */
  readonly snapshotOffset: number;
}

/** What is known of the folder while it is walked. */
interface Walk extends RestoreInput {
  readonly input: RecoveryInput;
  readonly bases: readonly number[];
  /** Index files without their segment; they go when it is clear that none is missing. */
  readonly orphans: readonly string[];
  readonly segments: Segment[];
  /** Segments that were walked: their index files may have to be written. */
  readonly walked: Set<Segment>;
  /** Of the snapshot that the producers were restored from; undefined until they are. */
  snapshotOffset: number | undefined;
  /** The segment at whose end the producers are known. */
  producersOf: Segment | undefined;
}

export function recoverSegments(input: RecoveryInput): Recovered {
  const walk = beginWalk(input);
  const { segments } = walk;
  const damage = walkSegments(walk);
  for (const name of walk.orphans) input.disk.remove(`${input.folder}/${name}`);
  const end = segments.at(-1)?.nextOffset ?? input.startOffset;
  if (walk.producersOf === undefined || walk.producersOf !== segments.at(-1)) restoreUpTo(walk, segments, end);
  tidySnapshots(walk, segments, end, input.wasClean ? Number.POSITIVE_INFINITY : 0);
  const isSealed = sealWalked(walk);
  // What was taken away, by the process before us too, must not come back behind what is appended now. After a clean stop
  // only older snapshots went, which may.
  const mayComeBack = !input.wasClean && !input.isNew;
  if (mayComeBack || damage !== undefined || isSealed) input.disk.syncFolder(input.folder);
  return { segments, damage, snapshotOffset: walk.snapshotOffset ?? -1 };
}

/**
 * Index files tell of segments that are durable, and that the next one's name is: behind a closed segment a gap is
 * compaction's. So both are made so first. Returns whether there were any.
 */
function sealWalked({ input, segments, walked }: Walk): boolean {
  const sealed = segments.slice(0, -1).filter((segment) => walked.has(segment));
  if (sealed.length === 0) return false;
  input.disk.syncFolder(input.folder);
  for (const segment of sealed) segment.sealRecovered(true);
  return true;
}

function beginWalk(input: RecoveryInput): Walk {
  const { disk, folder, producers, startOffset } = input;
  const { names, orphans } = sweep(disk, folder);
  const bases = names.flatMap((name) => LOG_FILE.exec(name)?.[1] ?? []).map(Number);
  while (bases.length > 1 && bases[1]! <= startOffset) new Segment(disk, folder, bases.shift()!, 'open').remove();
  const unknown = { snapshotOffset: undefined, producersOf: undefined };
  return { input, disk, folder, names, orphans, producers, bases, segments: [], walked: new Set(), ...unknown };
}

/** Returns what was cut off. */
function walkSegments(walk: Walk): string | undefined {
  const { input, bases, segments } = walk;
  const files = { disk: input.disk, names: new Set(walk.names) };
  for (let index = 0; index < bases.length; index++) {
    const before = segments.at(-1);
    let damage = before === undefined ? undefined : gapBefore(bases[index]!, before, walk);
    if (damage === undefined) {
      const segment = new Segment(input.disk, input.folder, bases[index]!, 'open');
      segments.push(segment);
      const next = bases[index + 1];
      if (!input.mayTrust || !isTrusted(segment, next, input, files)) damage = recoverSegment(segment, walk);
    }
    if (damage !== undefined) {
      // Not closed any more, durably: else the last of the later ones, back after a loss of power, would follow a gap.
      segments.at(-1)?.dropIndexFiles();
      input.disk.syncFolder(input.folder);
      for (const later of bases.slice(segments.length).reverse()) {
        new Segment(input.disk, input.folder, later, 'open').remove();
      }
      return damage;
    }
  }
  return undefined;
}

function isTrusted(segment: Segment, next: number | undefined, input: RecoveryInput, files: TrustedFiles): boolean {
  if (next === undefined) return input.wasClean && trustActive(segment, files, input.epochs.latestEpoch);
  return (input.wasClean || next <= input.recoveryPoint) && trustSealed(segment, next, files);
}

/** Removes what no running log left behind; returns the names that stay, and index files without a segment. */
function sweep(disk: Disk, folder: string): { names: string[]; orphans: string[] } {
  settleSwaps(disk, folder);
  const found = disk.list(folder);
  const bases = new Set(found.flatMap((name) => LOG_FILE.exec(name)?.[1] ?? []));
  const orphans: string[] = [];
  const names = found.filter((name) => {
    const base = INDEX_FILE.exec(name)?.[1];
    const isOrphan = base !== undefined && !bases.has(base);
    if (isOrphan) orphans.push(name);
    else if (HALF_MADE.test(name)) disk.remove(`${folder}/${name}`);
    else return true;
    return false;
  });
  return { names, orphans };
}

/**
 * Why the segment at `base` must not be served behind `before`: a segment that is not fsynced yet begins exactly where the one
 * before ends, so that one has lost its tail. Compaction leaves gaps as well: below the recovery point, and behind
 * a segment that was closed when the crash came, they are let pass, as Kafka lets all of them pass. A segment that is
 * gone but for its indexes is noticed: where nothing can have been lost the log is refused.
 */
function gapBefore(base: number, before: Segment, walk: Walk): string | undefined {
  const { input, orphans, folder } = walk;
  const isDurable = input.wasClean || base <= input.recoveryPoint;
  const orphan = orphans.find(
    (name) => Number(name.slice(0, 20)) > before.baseOffset && Number(name.slice(0, 20)) < base,
  );
  if (orphan !== undefined && isDurable) throw new LogError('missing-segment', `${folder}: ${orphan} has no .log file`);
  const mayHaveGap = orphan === undefined && (isDurable || wasClosed(before, walk));
  const ok = before.nextOffset === base || (mayHaveGap && before.nextOffset < base);
  return ok ? undefined : `segment ${base} does not follow offset ${before.nextOffset}`;
}

/**
 * Index files are written when the batches are durable, with the largest timestamp last. Those of a clean stop tell
 * of the segment as it was then: it ended at the recovery point.
 */
function wasClosed(segment: Segment, { input, names }: Walk): boolean {
  if (segment.size === 0 || (input.recoveryPoint > 0 && segment.nextOffset === input.recoveryPoint)) return false;
  if (!names.includes(offsetFileName(segment.baseOffset, 'index'))) return false;
  if (!names.includes(offsetFileName(segment.baseOffset, 'timeindex'))) return false;
  return new TimeIndex(segment.timeIndex.path).peek(input.disk)?.key === segment.maxTimestamp;
}

function restoreUpTo(walk: Walk, segments: readonly Segment[], offset: number): void {
  walk.snapshotOffset = restoreProducers(walk, segments, offset);
}

/**
 * Returns what was cut off. Below the recovery point nothing can be torn: damage there is bit rot, and the log refuses to
 * open rather than throw away what was acknowledged.
 */
function recoverSegment(segment: Segment, walk: Walk): string | undefined {
  const { input } = walk;
  const size = segment.file.size();
  const before = walk.segments.slice(0, -1);
  // Segments that were trusted have not told of their producers.
  if (walk.producersOf === undefined || walk.producersOf !== before.at(-1)) {
    restoreUpTo(walk, before, segment.baseOffset);
  }
  walk.producersOf = segment;
  walk.walked.add(segment);
  segment.rewind();
  segment.transactions.reset();
  const visit: VisitBatch = (header, position, bytesOf) => accept(segment, input, header, position, bytesOf);
  const trusted = scanBatches(segment.file, { from: 0, to: size }, false, (header, position, bytesOf) =>
    header.baseOffset >= input.recoveryPoint ? RECOVERY_POINT : visit(header, position, bytesOf),
  );
  if (trusted.damage !== undefined && segment.nextOffset < input.recoveryPoint && trusted.damage !== RECOVERY_POINT) {
    throw new LogError('corrupt-batch', `${segment.file.path} at ${trusted.end}: ${trusted.damage}`);
  }
  const checked = scanBatches(segment.file, { from: trusted.end, to: size }, true, visit);
  segment.sound(trusted.end, checked.end);
  if (checked.damage !== undefined) {
    // Nor may it be closed when it is cut: a crash then would leave a gap behind it that is let pass.
    segment.dropIndexFiles();
    input.disk.syncFolder(input.folder);
    segment.file.truncate(checked.end);
  }
  // A cut of ours, or of a process that died before its fsync: what was cut off must not come back behind a new batch.
  segment.file.syncNow();
  if (checked.damage === undefined) return undefined;
  return `${segment.file.path} was cut from ${size} to ${checked.end} bytes: ${checked.damage}`;
}

/** Takes a sound batch into the books, or says why it cannot follow what is there. */
function accept(
  segment: Segment,
  input: RecoveryInput,
  ...[header, position, bytesOf]: Parameters<VisitBatch>
): string | undefined {
  if (header.baseOffset < segment.nextOffset) return `offset ${header.baseOffset} where ${segment.nextOffset} is next`;
  if (header.lastOffset - segment.baseOffset > MAX_RELATIVE_OFFSET) {
    return `offset ${header.lastOffset} is too far away`;
  }
  const aborted = input.producers.update(header, bytesOf); // throws on a marker that cannot be read, and notes nothing then
  segment.note(header, position, input.indexIntervalBytes);
  input.epochs.assign(header.partitionLeaderEpoch, header.baseOffset);
  if (aborted !== undefined) segment.transactions.append(aborted, input.disk);
  return undefined;
}
