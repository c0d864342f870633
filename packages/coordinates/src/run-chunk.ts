/**
 * A few hundred runs as bytes, two or three a run: of each only what differs from where the one before it ended. Made and
 * read by `RunList` alone, in memory. Invariant: what is unpacked is what was packed, in its order.
 *
 *   a run   varint 2 × zigzag(origin gap) + more · varint count
 *           · with `more`: zigzag varints of the local gap, of the epoch's and of the mark's difference
 */
import { LIMITS } from './limits.ts';
import type { Run } from './run-table.ts';

/** `mark`: whatever its owner knows a run by, a small number. */
export interface MarkedRun extends Run {
  readonly mark: number;
}

export type Side = 'originStart' | 'localStart';
type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export interface RunChunk {
  readonly first: MarkedRun;
  readonly size: number;
  /** Plain where a distance is too wide to be packed. */
  readonly packed: Uint8Array | readonly MarkedRun[];
}

const MAX_RUN_BYTES = 40;

export function packRuns(runs: readonly MarkedRun[]): RunChunk {
  const first = runs[0]!;
  const isWide = runs.some((run, index) => index > 0 && gapsOf(runs[index - 1]!, run).some((gap) => isFar(gap)));
  const packed = isWide ? runs.slice() : packTightly(runs);
  return { first, size: runs.length, packed };
}

function packTightly(runs: readonly MarkedRun[]): Uint8Array {
  const bytes = new Uint8Array(runs.length * MAX_RUN_BYTES);
  let at = 0;
  let before = startOf(runs[0]!);
  for (const run of runs) {
    const [origin, local, epoch, mark] = gapsOf(before, run);
    const more = local === 0 && epoch === 0 && mark === 0 ? 0 : 1;
    at = writeUnsigned(bytes, at, zigzag(origin) * 2 + more);
    at = writeUnsigned(bytes, at, run.count);
    if (more) for (const value of [local, epoch, mark]) at = writeUnsigned(bytes, at, zigzag(value));
    before = run;
  }
  return bytes.slice(0, at);
}

export function unpackRuns(chunk: RunChunk): Mutable<MarkedRun>[] {
  const { packed, size } = chunk;
  if (!(packed instanceof Uint8Array)) return packed.map((run) => ({ ...run }));
  const reader = new ChunkReader(packed);
  const runs: Mutable<MarkedRun>[] = [];
  let before = startOf(chunk.first);
  for (let index = 0; index < size; index++) {
    const run = { ...before };
    reader.next(before, run);
    runs.push(run);
    before = run;
  }
  return runs;
}

/** The last run of the chunk that begins at or before the offset, and the first that begins behind it, if there is one. */
export function searchChunk(chunk: RunChunk, side: Side, offset: number): { at?: MarkedRun; after?: MarkedRun } {
  const { packed, size } = chunk;
  if (!(packed instanceof Uint8Array)) {
    const after = packed.findIndex((run) => run[side] > offset);
    return after < 0 ? { at: packed.at(-1)! } : { ...(after > 0 && { at: packed[after - 1]! }), after: packed[after]! };
  }
  const reader = new ChunkReader(packed);
  let at = startOf(chunk.first);
  let next = { ...at };
  for (let index = 0; index < size; index++) {
    reader.next(at, next);
    if (next[side] > offset) return index === 0 ? { after: next } : { at, after: next };
    [at, next] = [next, at];
  }
  return { at };
}

const startOf = ({ originEpoch, originStart, localStart, mark }: MarkedRun): Mutable<MarkedRun> => {
  return { originEpoch, originStart, localStart, count: 0, mark };
};

function gapsOf(before: MarkedRun, run: MarkedRun): [origin: number, local: number, epoch: number, mark: number] {
  return [
    run.originStart - before.originStart - before.count,
    run.localStart - before.localStart - before.count,
    run.originEpoch - before.originEpoch,
    run.mark - before.mark,
  ];
}

const isFar = (gap: number): boolean => Math.abs(gap) > LIMITS.maxPackedGap;
const zigzag = (value: number): number => (value >= 0 ? value * 2 : -value * 2 - 1);
const unzigzag = (value: number): number => (value % 2 === 0 ? value / 2 : -(value + 1) / 2);

function writeUnsigned(bytes: Uint8Array, at: number, value: number): number {
  let rest = value;
  let next = at;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes[next++] = (rest % 128) | 0x80;
  bytes[next++] = rest;
  return next;
}

class ChunkReader {
  private readonly bytes: Uint8Array;
  private at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** Reads the next run, which follows `before`, into `run`. */
  next(before: MarkedRun, run: Mutable<MarkedRun>): void {
    const head = this.unsigned();
    const more = head % 2 === 1;
    const count = this.unsigned();
    run.originStart = before.originStart + before.count + unzigzag((head - (more ? 1 : 0)) / 2);
    run.localStart = before.localStart + before.count + (more ? unzigzag(this.unsigned()) : 0);
    run.originEpoch = before.originEpoch + (more ? unzigzag(this.unsigned()) : 0);
    run.mark = before.mark + (more ? unzigzag(this.unsigned()) : 0);
    run.count = count;
  }

  private unsigned(): number {
    let value = 0;
    for (let place = 1; ; place *= 128) {
      const byte = this.bytes[this.at++]!;
      value += (byte & 0x7f) * place;
      if (byte < 0x80) return value;
    }
  }
}
