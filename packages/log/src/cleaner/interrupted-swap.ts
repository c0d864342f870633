/**
 * Finishes or undoes exchanges of segments that a crash interrupted; recovery's first step (Apache Kafka's
 * `LogLoader` does the same, so its folders are understood too):
 *
 *   `.deleted`                                          → removed
 *   `.swap` whose renaming had not ended (its base is at or above a `.cleaned` one, or its log file is missing) → removed
 *   `.cleaned`                                          → removed
 *   `.swap` that is left: old segments in its range     → removed, then it gets its final name
 *
 * Invariant: done twice, or interrupted and done again, it ends the same.
 */
import type { Disk } from '@meridian/io';
import { scanBatches } from '../batch-scan.ts';
import { LogError } from '../errors.ts';

const LEFT_OVER = /^(\d{20})\.(log|index|timeindex|txnindex)\.(deleted|cleaned|swap)$/;
const FINAL = /^(\d{20})\.(?:log|index|timeindex|txnindex)$/;

interface LeftOver {
  readonly name: string;
  readonly baseOffset: number;
  readonly kind: string;
  readonly suffix: string;
}

export function settleSwaps(disk: Disk, folder: string): void {
  const all = disk.list(folder).flatMap((name): LeftOver[] => {
    const [, base, kind, suffix] = LEFT_OVER.exec(name) ?? [];
    return base === undefined ? [] : [{ name, baseOffset: Number(base), kind: kind!, suffix: suffix! }];
  });
  if (all.length === 0) return;
  const cleaned = all.filter(({ suffix }) => suffix === 'cleaned');
  const firstCleaned = Math.min(Number.POSITIVE_INFINITY, ...cleaned.map(({ baseOffset }) => baseOffset));
  const swaps = all.filter(({ suffix }) => suffix === 'swap');
  const valid = swaps.filter(({ kind, baseOffset }) => kind === 'log' && baseOffset < firstCleaned);
  const isValid = ({ baseOffset }: LeftOver) => valid.some((log) => log.baseOffset === baseOffset);
  const remove = (files: readonly LeftOver[]) => {
    for (const { name } of files) disk.remove(`${folder}/${name}`);
    if (files.length > 0) disk.syncFolder(folder);
  };
  remove(all.filter(({ suffix }) => suffix === 'deleted'));
  remove(swaps.filter((file) => !isValid(file)));
  remove(cleaned);
  for (const log of valid) removeRange(disk, folder, log);
  if (valid.length > 0) disk.syncFolder(folder);
  const logsLast = swaps.filter(isValid).toSorted((a, b) => Number(a.kind === 'log') - Number(b.kind === 'log'));
  for (const { name } of logsLast) disk.rename(`${folder}/${name}`, `${folder}/${name.slice(0, -'.swap'.length)}`);
  if (valid.length > 0) disk.syncFolder(folder);
}

/** Removes the segments that `swap` was made of. It was durable before it got its name, so damage in it is bit rot. */
function removeRange(disk: Disk, folder: string, swap: LeftOver): void {
  const file = disk.open(`${folder}/${swap.name}`, 'r');
  let end = swap.baseOffset + 1;
  try {
    const { damage } = scanBatches(file, { from: 0, to: file.size() }, true, (header) => {
      end = Math.max(end, header.nextOffset);
      return undefined;
    });
    if (damage !== undefined) throw new LogError('corrupt-batch', `${file.path}: ${damage}`);
  } finally {
    file.close();
  }
  for (const name of disk.list(folder)) {
    const base = FINAL.exec(name)?.[1];
    if (base === undefined) continue;
    if (Number(base) >= swap.baseOffset && Number(base) < end) disk.remove(`${folder}/${name}`);
  }
}
