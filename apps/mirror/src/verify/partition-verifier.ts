/**
 * Compares a range of one partition in two regions: window by window its digests, and where these differ its records.
 * Where both sides are ours, digests are made of headers alone, and records are read only where these differ.
 * Asked by `link-verifier.ts` for the newest windows all the time, and for everything when somebody wants it.
 *
 *   digests of a window's     records                    then
 *   batches, or its records
 *   equal                     not looked at              next window (batches may have been merged on their way)
 *   differ                    equal                      next window (they were encoded anew)
 *   differ                    differ                     the first offset that differs
 *   (compacted topic)         always looked at           a record may be gone on one side, unless it is its key's last
 *   not in the log any more                              next window, from the log's start
 *
 * Invariant: `end` is the end of what was compared and equal, or the offset that differs; offsets are the origin's.
 */
import type { Fetcher } from '@meridian/client';
import type { Timers } from '@meridian/io';
import { RecordsDigest, WindowDigest } from './batch-digest.ts';
import { CompactionLedger } from './compaction-ledger.ts';
import type { HeaderReader, HeaderWindow } from './header-window.ts';
import { type LogPlace, type LogWindow, OutOfLog, readWindow } from './log-window.ts';
import { type Difference, differences, type RecordDigest, recordsOf } from './record-digest.ts';

/** Between offsets of the origin and those of the copy. */
export interface Coordinates {
  /** Undefined: no record that was copied lies there. */
  toOrigin(copyOffset: number): number | undefined;
  /** Where the first record at or behind lies. */
  toCopy(originOffset: number): number;
}

export const SAME_OFFSETS: Coordinates = { toOrigin: (offset) => offset, toCopy: (offset) => offset };

export interface Sides {
  readonly timers: Timers;
  readonly origin: LogPlace & { readonly fetcher: Fetcher };
  readonly copy: LogPlace & { readonly fetcher: Fetcher };
  readonly coordinates: Coordinates;
  /** Control batches and aborted records are not copied. */
  readonly isRebased: boolean;
  readonly isCompacted: boolean;
  /** Of both sides; undefined: batches need not be the same. */
  readonly headers?: { readonly origin: HeaderReader; readonly copy: HeaderReader } | undefined;
}

export interface VerifyBounds {
  readonly windowOffsets: number;
  readonly windowBytes: number;
  /** The same where only headers are read. */
  readonly headerWindowOffsets: number;
  readonly headerWindowBytes: number;
  readonly maxKeys: number;
  readonly timeoutMs: number;
}

export interface Verified {
  /** Where comparing began: what the origin has lost meanwhile is passed over. */
  readonly from: number;
  readonly end: number;
  readonly records: number;
  readonly sizeInBytes: number;
  readonly difference: { readonly offset: number; readonly kind: Difference['kind'] } | null;
  /** Of compacted topics: records that could not be decided on. */
  readonly undecided: number;
}

export class PartitionVerifier {
  private readonly sides: Sides;
  private readonly bounds: VerifyBounds;
  private readonly ledger: CompactionLedger | undefined;
  private from: number;
  private end: number;
  private records = 0;
  private countedEnd = 0;
  private sizeInBytes = 0;
  private difference: Difference | undefined;
  /** Headers do not tell up to here that both sides are equal. */
  private recordsUntil = 0;

  constructor(sides: Sides, bounds: VerifyBounds, from: number) {
    this.sides = sides;
    this.bounds = bounds;
    this.from = from;
    this.end = from;
    this.ledger = sides.isCompacted ? new CompactionLedger(bounds.maxKeys) : undefined;
  }

  /** All of it, unless `signal` ends it or something differs. */
  async verify(to: number, signal: AbortSignal): Promise<Verified> {
    while (this.end < to && this.difference === undefined && !signal.aborted) await this.verifyWindow(to);
    return this.verified(this.end >= to);
  }

  /** At most one window beginning where the last one ended. */
  async verifyOnce(to: number): Promise<Verified> {
    await this.verifyWindow(to);
    return this.verified(false);
  }

  private verified(isComplete: boolean): Verified {
    const difference = this.difference ?? (isComplete ? this.ledger?.first() : undefined);
    const { from, records, sizeInBytes } = this;
    return {
      from,
      end: difference?.offset ?? this.end,
      records,
      sizeInBytes,
      difference: difference === undefined ? null : { offset: difference.offset, kind: difference.kind },
      undecided: this.ledger?.undecided ?? 0,
    };
  }

  private async verifyWindow(to: number): Promise<void> {
    const { origin, copy, coordinates } = this.sides;
    const { windowOffsets } = this.bounds;
    // Windows end at multiples, wherever they began: the same range has the same digest whoever reads it.
    const wanted = Math.min(to, (Math.floor(this.end / windowOffsets) + 1) * windowOffsets);
    try {
      if (await this.verifyHeaders(to)) return;
      const there = await this.read(origin, this.end, wanted);
      const here = await this.readWhole(copy, coordinates.toCopy(this.end), coordinates.toCopy(there.next));
      this.compare(there, here, { from: this.end, to: there.next });
      if (this.difference === undefined) this.end = there.next;
    } catch (error) {
      if (!(error instanceof OutOfLog)) throw error;
      this.passOver(error, wanted);
    }
  }

  /** False: it takes the records. */
  private async verifyHeaders(to: number): Promise<boolean> {
    const { headers, origin, copy } = this.sides;
    if (headers === undefined || this.ledger !== undefined || this.end < this.recordsUntil) return false;
    const { headerWindowOffsets: offsets, headerWindowBytes: maxBytes, timeoutMs } = this.bounds;
    const wanted = { from: this.end, to: Math.min(to, (Math.floor(this.end / offsets) + 1) * offsets) };
    const there = await headers.origin.read(origin, { ...wanted, maxBytes, timeoutMs });
    const here = there && (await headers.copy.read(copy, { ...wanted, to: there.next, maxBytes, timeoutMs }, true));
    if (there === undefined || here === undefined || headersDigest(there) !== headersDigest(here)) {
      this.recordsUntil = there === undefined || here === undefined ? Number.POSITIVE_INFINITY : there.next;
      return false;
    }
    this.count(there, here);
    this.end = Math.min(there.next, to);
    return true;
  }

  private count(there: Compared, here: Compared): void {
    this.sizeInBytes += there.sizeInBytes + here.sizeInBytes;
    for (const { header } of there.batches) {
      if (header.nextOffset > this.countedEnd) this.records += header.recordCount; // else it began in the window before
      this.countedEnd = Math.max(this.countedEnd, header.nextOffset);
    }
  }

  /** One side does not have it any more: its retention has gone on. */
  private passOver({ logStart }: OutOfLog, wanted: number): void {
    const start = this.sides.coordinates === SAME_OFFSETS ? Math.min(Math.max(logStart, 0), wanted) : wanted;
    if (this.from === this.end) this.from = Math.max(start, this.end + 1);
    this.end = Math.max(start, this.end + 1);
  }

  private read(place: Sides['origin'], from: number, to: number): Promise<LogWindow> {
    const { windowBytes: maxBytes, timeoutMs } = this.bounds;
    const { fetcher, topic, topicId, partition } = place;
    return readWindow(fetcher, this.sides.timers, { topic, topicId, partition }, { from, to, maxBytes, timeoutMs });
  }

  /** As much as the origin's window has, whatever its size. */
  private async readWhole(place: Sides['copy'], from: number, to: number): Promise<LogWindow> {
    const batches: LogWindow['batches'][number][] = [];
    let [next, sizeInBytes] = [from, 0];
    while (next < to) {
      const more = await this.read(place, next, to);
      batches.push(...more.batches);
      next = more.next;
      sizeInBytes += more.sizeInBytes;
    }
    return { batches, sizeInBytes, next };
  }

  private compare(there: LogWindow, here: LogWindow, range: { from: number; to: number }): void {
    this.count(there, here);
    const { toOrigin } = this.sides.coordinates;
    if (this.ledger === undefined && this.isEqual(there, here, range)) return;
    const origin = this.recordsIn(there, range, same);
    const copy = this.recordsIn(here, range, toOrigin);
    const { ledger } = this;
    if (ledger !== undefined) for (const record of merged(origin, copy)) ledger.see(record);
    for (const difference of differences(origin, copy)) {
      if (ledger !== undefined && !ledger.isDifference(difference)) continue;
      this.difference = difference;
      return;
    }
  }

  private isEqual(there: LogWindow, here: LogWindow, range: { from: number; to: number }): boolean {
    const { coordinates, isRebased } = this.sides;
    const originOf = (offset: number) => coordinates.toOrigin(offset);
    if (this.digest(there, same) === this.digest(here, originOf)) return true;
    return isRebased && this.recordsDigest(there, range, same) === this.recordsDigest(here, range, originOf);
  }

  private recordsDigest(
    { batches }: LogWindow,
    { from, to }: { from: number; to: number },
    originOf: (offset: number) => number | undefined,
  ): string {
    const digest = new RecordsDigest();
    const placeOf = (offset: number): number | undefined => {
      const origin = originOf(offset);
      return origin === undefined || origin < from || origin >= to ? undefined : origin;
    };
    for (const batch of batches) if (this.isCopied(batch.kind)) digest.add(batch, placeOf);
    return digest.text();
  }

  private digest({ batches }: LogWindow, originOf: (offset: number) => number | undefined): string {
    const digest = new WindowDigest();
    for (const batch of batches) {
      const base = originOf(batch.header.baseOffset);
      if (this.isCopied(batch.kind) && base !== undefined) digest.add(base, batch);
    }
    return digest.text();
  }

  private recordsIn(
    { batches }: LogWindow,
    range: { from: number; to: number },
    originOf: (offset: number) => number | undefined,
  ): RecordDigest[] {
    return batches.flatMap((batch) => (this.isCopied(batch.kind) ? [...recordsOf(batch, range, originOf)] : []));
  }

  private isCopied(kind: LogWindow['batches'][number]['kind']): boolean {
    return !this.sides.isRebased || kind === 'data';
  }
}

type Compared = Pick<HeaderWindow, 'batches' | 'sizeInBytes'>;

function headersDigest({ batches }: HeaderWindow): string {
  const digest = new WindowDigest();
  for (const batch of batches) digest.add(batch.header.baseOffset, batch);
  return digest.text();
}

const same = (offset: number): number => offset;

const merged = (a: readonly RecordDigest[], b: readonly RecordDigest[]): RecordDigest[] =>
  [...a, ...b].sort((one, other) => one.offset - other.offset);
