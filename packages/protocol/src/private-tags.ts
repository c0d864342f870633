/**
 * Meridian's own tagged fields, all of them: what brokers of Meridian say to each other beyond Apache Kafka's protocol.
 * Apache Kafka skips tags that it does not know. They exist in flexible versions only and are honoured on the internal
 * listener only, between brokers that advertise the feature `meridian.mirror`. A number is never used anew.
 */
import { array, boolean, int8, int32, int64, struct, uuid } from './codec/schema.ts';

/** Feature of ApiVersions under which the mirror's fields are understood. */
export const MIRROR_FEATURE = 'meridian.mirror';
/** The level that we understand; 1: all but what is said to need more. */
export const MIRROR_FEATURE_VERSION = 2;
export const MIRROR_FEATURE_MIN_VERSION = 1;
/** From this level on answers to Fetch may be compressed on the wire. */
export const WIRE_CODEC_LEVEL = 2;
/** From this level on Fetch may ask for the headers of batches alone. */
export const HEADERS_ONLY_LEVEL = 2;
/** From this level on fetches of a session may be sent before the ones ahead of them are answered. */
export const READS_ON_LEVEL = 2;

const MIRROR_TAG = 10_000;
const STORED_EPOCH_TAG = 10_001;
const DUPLICATE_TAG = 10_002;
const EXPECTED_OFFSET_TAG = 10_003;
const WIRE_CODEC_TAG = 10_004;
const HEADERS_ONLY_TAG = 10_005;
const READS_ON_TAG = 10_006;

/**
 * Produce request, per partition: append at the origin's offsets, if `originTopicId` is the copy's and `expectedEnd` its
 * log end; `records` may hold several batches. An `endOffset` behind the last record advances the end without data.
 */
export const produceMirror = struct(
  { originTopicId: uuid(), expectedEnd: int64(), endOffset: int64({ default: -1 }) },
  { tag: MIRROR_TAG, nullable: true, default: null, ignorable: false },
);

/** Produce response, per partition: the copy's log end after a mirror append, successful or not; −1 for other appends. */
export const produceLogEnd = int64({ tag: MIRROR_TAG, default: -1 });

/** Produce response, per partition: the leader epoch in which the batch was appended, now or earlier; −1: not told. */
export const produceStoredEpoch = int32({ tag: STORED_EPOCH_TAG, default: -1 });

/** Produce response, per partition: the producer's batch was in the log already. */
export const produceDuplicate = boolean({ tag: DUPLICATE_TAG, default: false });

/** Fetch request, per partition: send the origin's epochs from this index of their list on; −1 means not asked. */
export const fetchOriginEpochsFrom = int32({ tag: MIRROR_TAG, default: -1 });

/** In the list of the origin's epochs: from here on the records are the topic's own. */
export const PROMOTED_EPOCH = 0x7fff_ffff;

/**
 * Fetch response, per partition: the origin's epochs with the offsets at which they began. Of a copy that was promoted one
 * more, `PROMOTED_EPOCH`, which begins where the copy ended.
 */
export const fetchOriginEpochs = array({ epoch: int32(), startOffset: int64() }, { tag: MIRROR_TAG });

/**
 * Fetch request of a session: what it does not name is read on from where the answer before it ends, which the client need
 * not have yet. A request before it that still waits for records is answered at once.
 */
export const fetchReadsOn = boolean({ tag: READS_ON_TAG, default: false });

/** Fetch request: each partition's records may come as one block of this codec, named as in batches; 0: as they are. */
export const fetchWireCodec = int8({ tag: WIRE_CODEC_TAG, default: 0 });

/** Fetch response, per partition: `records` are one block of this codec, which has so many bytes in it; null: they are not. */
export const fetchPacked = struct(
  { codec: int8(), sizeInBytes: int32() },
  { tag: WIRE_CODEC_TAG, nullable: true, default: null },
);

/** Fetch request: of batches only their headers are wanted, one behind the other, to compare them with others. */
export const fetchHeadersOnly = boolean({ tag: HEADERS_ONLY_TAG, default: false });

/** Fetch response, per partition: `records` are headers of batches and nothing else. */
export const fetchHasHeadersOnly = boolean({ tag: HEADERS_ONLY_TAG, default: false });

/** `commitExpectedOffset` of a commit that expects nothing. */
export const ANY_OFFSET = -2;

/**
 * OffsetCommit request, per partition: commit only if this is what the group has committed (−1: nothing), else the
 * partition answers ILLEGAL_GENERATION, as to a member that has been overtaken.
 */
export const commitExpectedOffset = int64({ tag: EXPECTED_OFFSET_TAG, default: ANY_OFFSET });
