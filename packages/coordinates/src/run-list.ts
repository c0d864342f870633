/**
 * Runs in the order of their local starts, packed in chunks but for the newest: what `RunTable` and the store of
 * `__meridian_runs` keep them in. Invariant: at most two chunks' worth of runs lie unpacked, and of the others a lookup
 * reads one chunk; so a hundred thousand runs are a few hundred kilobytes.
 */
import { LIMITS } from './limits.ts';
import { type MarkedRun, packRuns, type RunChunk, type Side, searchChunk, unpackRuns } from './run-chunk.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export class RunList {
  private chunks: RunChunk[] = [];
  private tail: Mutable<MarkedRun>[] = [];
  private packedSize = 0;

  get size(): number {
    return this.packedSize + this.tail.length;
  }

  get first(): MarkedRun | undefined {
    return this.chunks[0]?.first ?? this.tail[0];
  }

  get last(): MarkedRun | undefined {
    return this.tail.at(-1);
  }

  /** Behind all others. */
  push(run: MarkedRun): void {
    this.tail.push({ ...run });
    if (this.tail.length < 2 * LIMITS.chunkRuns) return;
    this.chunks.push(packRuns(this.tail.splice(0, LIMITS.chunkRuns)));
    this.packedSize += LIMITS.chunkRuns;
  }

  setLastCount(count: number): void {
    this.tail.at(-1)!.count = count;
  }

  /** The last run that begins at or before the offset, and the first that begins behind it. */
  around(side: Side, offset: number): { readonly at: MarkedRun | undefined; readonly after: MarkedRun | undefined } {
    if (this.tail.length > 0 && this.tail[0]![side] <= offset) {
      const behind = firstBehind(this.tail, (run) => run[side], offset);
      return { at: this.tail[behind - 1], after: this.tail[behind] };
    }
    const behind = firstBehind(this.chunks, ({ first }) => first[side], offset);
    const following = this.chunks[behind]?.first ?? this.tail[0];
    if (behind === 0) return { at: undefined, after: following };
    const { at, after = following } = searchChunk(this.chunks[behind - 1]!, side, offset);
    return { at, after };
  }

  /** Puts a run where its local start belongs, in the place of one that begins there. */
  put(run: MarkedRun): void {
    const { last } = this;
    if (last === undefined || run.localStart > last.localStart) return this.push(run);
    this.edit(run.localStart, (runs) => {
      const behind = firstBehind(runs, ({ localStart }) => localStart, run.localStart);
      const isThere = runs[behind - 1]?.localStart === run.localStart;
      runs.splice(isThere ? behind - 1 : behind, isThere ? 1 : 0, { ...run });
    });
  }

  remove(localStart: number): void {
    this.edit(localStart, (runs) => {
      const index = runs.findIndex((run) => run.localStart === localStart);
      if (index >= 0) runs.splice(index, 1);
    });
  }

  /** Forgets the runs that begin at `localEnd` or behind it. */
  truncate(localEnd: number): void {
    while (this.chunks.length > 0 && this.chunks.at(-1)!.first.localStart >= localEnd) {
      this.packedSize -= this.chunks.pop()!.size;
      this.tail = [];
    }
    if (this.chunks.length > 0 && (this.tail[0]?.localStart ?? localEnd) >= localEnd) {
      this.tail = [];
      this.unpackLast();
    }
    this.tail = this.tail.filter((run) => run.localStart < localEnd);
  }

  /** Forgets the runs that end at or before `localOffset`, but never the last; returns their local starts. */
  dropEnded(localOffset: number): number[] {
    const gone: number[] = [];
    const isGone = (run: MarkedRun, next: MarkedRun | undefined): boolean =>
      next !== undefined && (run.count === 0 ? next.localStart : run.localStart + run.count) <= localOffset;
    while (this.chunks.length > 0) {
      const runs = unpackRuns(this.chunks[0]!);
      const next = this.chunks[1]?.first ?? this.tail[0];
      const keep = runs.findIndex((run, index) => !isGone(run, runs[index + 1] ?? next));
      gone.push(...runs.slice(0, keep < 0 ? runs.length : keep).map((run) => run.localStart));
      this.replace(0, keep < 0 ? [] : keep === 0 ? undefined : runs.slice(keep));
      if (keep >= 0) return gone;
    }
    const keep = this.tail.findIndex((run, index) => !isGone(run, this.tail[index + 1]));
    gone.push(...this.tail.splice(0, Math.max(keep, 0)).map((run) => run.localStart));
    return gone;
  }

  *[Symbol.iterator](): Generator<MarkedRun, void, undefined> {
    for (const chunk of this.chunks) yield* unpackRuns(chunk);
    for (const run of this.tail) yield { ...run };
  }

  /** Bytes that the packed runs take. */
  get packedBytes(): number {
    return this.chunks.reduce((sum, { packed }) => sum + (packed instanceof Uint8Array ? packed.length : 0), 0);
  }

  private edit(localStart: number, change: (runs: Mutable<MarkedRun>[]) => void): void {
    const isInTail = this.chunks.length === 0 || (this.tail[0]?.localStart ?? Number.POSITIVE_INFINITY) <= localStart;
    if (isInTail) {
      change(this.tail);
      if (this.tail.length === 0 && this.chunks.length > 0) this.unpackLast();
      return;
    }
    const index = Math.max(0, firstBehind(this.chunks, ({ first }) => first.localStart, localStart) - 1);
    const runs = unpackRuns(this.chunks[index]!);
    change(runs);
    this.replace(index, runs);
  }

  private replace(index: number, runs: readonly MarkedRun[] | undefined): void {
    if (runs === undefined) return;
    const parts =
      runs.length <= 2 * LIMITS.chunkRuns ? [runs] : [runs.slice(0, runs.length / 2), runs.slice(runs.length / 2)];
    const packed = parts.flatMap((part) => (part.length === 0 ? [] : [packRuns(part)]));
    this.packedSize += runs.length - this.chunks[index]!.size;
    this.chunks.splice(index, 1, ...packed);
  }

  private unpackLast(): void {
    const chunk = this.chunks.pop()!;
    this.packedSize -= chunk.size;
    this.tail = [...unpackRuns(chunk), ...this.tail];
  }
}

/** How many of the sorted items begin at or before the offset. */
function firstBehind<T>(items: readonly T[], startOf: (item: T) => number, offset: number): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (startOf(items[middle]!) <= offset) low = middle + 1;
    else high = middle;
  }
  return low;
}
