/**
 * Every bound of this package, by name. Decoders check them before they allocate, so a small hostile message
 * cannot make a large heap. Raising one raises what a single frame may cost.
 */

/** Longest string in bytes, as in Apache Kafka (also where the length is a varint). */
export const MAX_STRING_BYTES = 32_767;

/** Most tagged fields in one struct, known and unknown together. */
export const MAX_TAGGED_FIELDS = 64;

/**
 * Memory that a decoded message may take: a base, so that short lists are never refused, and so much for each of its bytes,
 * up to a ceiling. From a megabyte on that is less than eight times its size. Answers come from brokers, which are trusted
 * more than clients and describe partitions in fewer bytes than anybody could keep them in.
 */
export const BASE_MEMORY_BYTES = 524_288;
export const MEMORY_PER_BYTE = { request: 7.5, record: 7.5, response: 16 } as const;
export const MAX_MEMORY_BYTES = { request: 33_554_432, record: 33_554_432, response: 536_870_912 } as const;

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

/** Small frames of one chunk share a copy of at most this size: who keeps one of them keeps the others with it. */
export const MAX_COPIED_TOGETHER_BYTES = 1_024;
