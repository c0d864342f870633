/** The bounds of reading and writing record batches; what allocates checks against them first. */

/** Largest result of decompressing one batch, unless the caller sets its own (Kafka's default frame limit). */
export const MAX_DECOMPRESSED_BYTES = 104_857_600;
/** A batch's offsets span at most this much: `lastOffsetDelta` is an int32. */
export const MAX_OFFSET_DELTA = 2 ** 31 - 1;
/** length, attributes, timestamp delta, offset delta, key length, value length, header count: a byte each at least. */
export const MIN_RECORD_BYTES = 7;
/** key length and value length. */
export const MIN_RECORD_HEADER_BYTES = 2;
/** Headers of one record that a reader makes objects of: an empty one takes two bytes on the wire, and fifty in memory. */
export const MAX_RECORD_HEADERS = 65_536;
