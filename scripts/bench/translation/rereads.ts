/**
 * What a group reads again, or never, if it goes on in a copy where a mirror told it to. Pure; used by the translation bench.
 */

/** A partition as a reader of committed records sees it: at `offsets[n]` lies the record that was written as the `numbers[n]`-th. */
export interface Readable {
  readonly offsets: Float64Array;
  readonly numbers: Float64Array;
}

export interface MovedGroup {
  /** Processed at the source before, and delivered again. */
  readonly rereads: number;
  /** Not processed at the source, and not delivered either. */
  readonly skipped: number;
}

/** A group that has processed these numbers at the source and goes on at offset `translated` in the copy. */
export function moved(
  isProcessed: (number: number) => boolean,
  { offsets, numbers }: Readable,
  translated: number,
): MovedGroup {
  let [rereads, skipped] = [0, 0];
  for (let at = 0; at < offsets.length; at++) {
    const isDelivered = offsets[at]! >= translated;
    if (isProcessed(numbers[at]!) === isDelivered) isDelivered ? rereads++ : skipped++;
  }
  return { rereads, skipped };
}

/** By number, the offset at the source; one that is not there any more, as it was compacted, lay where its number says. */
export function sourceOffsets({ offsets, numbers }: Readable, written: number): Float64Array {
  const places = Float64Array.from({ length: written }, (_, number) => number);
  for (let at = 0; at < offsets.length; at++) places[numbers[at]!] = offsets[at]!;
  return places;
}
