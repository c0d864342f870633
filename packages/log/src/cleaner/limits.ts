/** Every bound of the cleaner, by name. Rates and sizes that an owner may set are in `CompactionPolicy`. */

/** Work at one go, by the clock, after which the event loop has as long for itself; only one batch may exceed it. */
export const MAX_SLICE_MS = 4;
/** The same in bytes, for clocks that stand still while we work. */
export const MAX_SLICE_BYTES = 4_194_304;
/** What one read of a segment asks for; a larger batch is read as a whole. */
export const READ_CHUNK_BYTES = 1_048_576;
/** Bytes of an entry of the offset map: the key's MD5 and an offset (Kafka's number). */
export const MAP_ENTRY_BYTES = 24;
/** How full the offset map may get, unless `CompactionPolicy` says otherwise. */
export const DEFAULT_MAP_LOAD_FACTOR = 0.9;
/** What is asked for is brought within these: an empty map would hold nothing, a full one never ends a search. */
export const MIN_MAP_LOAD_FACTOR = 0.1;
export const MAX_MAP_LOAD_FACTOR = 0.99;
/** Memory for the offset map; a log with more keys than fit is compacted in several goes. */
export const DEFAULT_MAP_BYTES = 33_554_432;
/** Bytes read and written by compaction in a second. */
export const DEFAULT_BYTES_PER_SECOND = 67_108_864;
