/**
 * Every bound of this package, by name. Decoders check them before they allocate, so a small hostile message
 * cannot make a large heap. Raising one raises what a single frame may cost.
 */

/** Longest string in bytes, as in Apache Kafka (also where the length is a varint). */
export const MAX_STRING_BYTES = 32_767;

/** Most tagged fields in one struct, known and unknown together. */
export const MAX_TAGGED_FIELDS = 64;

/** What an array element takes from the message's budget: a struct or string, and a bare number. */
export const OBJECT_COST = 4;
export const NUMBER_COST = 1;

/** Budget of a message: a base, so that small lists are never refused, plus a share of its size, up to a ceiling. */
export const BASE_BUDGET = 40_000;
export const BUDGET_PER_BYTE = 0.5;
export const MAX_BUDGET = 4_000_000;

/** Longest frame that a splitter accepts unless told otherwise (Kafka's `socket.request.max.bytes`). */
export const DEFAULT_MAX_FRAME_BYTES = 104_857_600;

/** The encoder's arena: messages are cut from chunks of this size; a larger message gets its own. */
export const ENCODE_ARENA_BYTES = 65_536;

/** Entries of the table that keeps uuids as text (a power of two). */
export const UUID_CACHE_ENTRIES = 1_024;

/** PBKDF2 rounds that a SCRAM peer may ask for: fewer are weak, more are an attack on our CPU. */
export const MIN_SCRAM_ITERATIONS = 4_096;
export const MAX_SCRAM_ITERATIONS = 16_384;

/** Longest SCRAM message in bytes. */
export const MAX_SCRAM_MESSAGE_BYTES = 4_096;

/** What a splitter allocates for a frame of which little has come yet; a frame up to this size is never moved. Untouched, it costs no memory. */
export const FRAME_FIRST_CHUNK_BYTES = 327_680;
