/**
 * Records of `__consumer_offsets`: made for what the coordinator decides, and read back when a partition is loaded. A null
 * value (a tombstone) takes back what stood under its key.
 * Invariant: a record that is written is byte for byte what Apache Kafka 4.3 writes; one that cannot be read is an error of
 * the log and never guessed at.
 */
import {
  type Decoded,
  decodeMessage,
  encodeMessage,
  GROUP_RECORD_TYPE,
  GROUP_RECORD_VERSION,
  GroupMetadataKey,
  GroupMetadataValue,
  OffsetCommitKey,
  OffsetCommitValue,
  ZERO_UUID,
} from '@meridian/protocol';
import type { NewRecord, Rec } from '@meridian/protocol/record-batch';
import type { CommittedOffset } from './committed-offset.ts';
import type { GroupMetadata } from './messages.ts';

export type ReadGroupMetadata = Decoded<(typeof GroupMetadataValue)['fields']>;

export type KnownGroupRecord =
  | {
      readonly kind: 'offset';
      readonly groupId: string;
      readonly topic: string;
      readonly partition: number;
      readonly offset: CommittedOffset | null;
    }
  | { readonly kind: 'group'; readonly groupId: string; readonly value: ReadGroupMetadata | null };

/** The unknown ones are of a newer group protocol, or of a newer release. */
export type GroupRecord = KnownGroupRecord | { readonly kind: 'unknown'; readonly type: number };

const TYPE_BYTES = 2;
const NO_TYPE = -1;

export function offsetRecord(
  groupId: string,
  at: { readonly topic: string; readonly partition: number },
  committed: CommittedOffset | null,
  timestamp: number,
): NewRecord {
  const key = encodeMessage(OffsetCommitKey, 0, { group: groupId, topic: at.topic, partition: at.partition });
  return { timestamp, key: prefixed(GROUP_RECORD_TYPE.OFFSET_COMMIT, key), value: committed && offsetValue(committed) };
}

function offsetValue({
  offset,
  leaderEpoch,
  metadata,
  commitTimestampMs,
  expireTimestampMs,
  topicId,
}: CommittedOffset) {
  const fields = { offset, metadata, commitTimestamp: commitTimestampMs };
  if (expireTimestampMs !== -1) {
    const version = GROUP_RECORD_VERSION.OFFSET_COMMIT_EXPIRING;
    const value = { ...fields, expireTimestamp: expireTimestampMs };
    return prefixed(version, encodeMessage(OffsetCommitValue, version, value));
  }
  const version = GROUP_RECORD_VERSION.OFFSET_COMMIT;
  return prefixed(version, encodeMessage(OffsetCommitValue, version, { ...fields, leaderEpoch, topicId }));
}

export function groupRecord(groupId: string, value: GroupMetadata | null, timestamp: number): NewRecord {
  const version = GROUP_RECORD_VERSION.GROUP_METADATA;
  return {
    timestamp,
    key: prefixed(GROUP_RECORD_TYPE.GROUP_METADATA, encodeMessage(GroupMetadataKey, 0, { group: groupId })),
    value: value && prefixed(version, encodeMessage(GroupMetadataValue, version, value)),
  };
}

/** Throws ProtocolError on bytes that are none of Kafka's. */
export function readGroupRecord(record: Rec): GroupRecord {
  if (record.key === null) return { kind: 'unknown', type: NO_TYPE };
  const [type, key] = split(record.key);
  if (type === GROUP_RECORD_TYPE.GROUP_METADATA) {
    const { group } = decodeMessage(GroupMetadataKey, 0, key);
    return { kind: 'group', groupId: group, value: record.value && readValue(GroupMetadataValue, record.value) };
  }
  if (type !== GROUP_RECORD_TYPE.OFFSET_COMMIT && type !== GROUP_RECORD_TYPE.LEGACY_OFFSET_COMMIT) {
    return { kind: 'unknown', type };
  }
  const { group, topic, partition } = decodeMessage(OffsetCommitKey, 0, key);
  return { kind: 'offset', groupId: group, topic, partition, offset: record.value && readOffset(record.value) };
}

function readOffset(bytes: Uint8Array): CommittedOffset {
  const value = readValue(OffsetCommitValue, bytes);
  return {
    offset: value.offset,
    leaderEpoch: value.leaderEpoch,
    metadata: value.metadata,
    commitTimestampMs: value.commitTimestamp,
    expireTimestampMs: value.expireTimestamp,
    topicId: value.topicId || ZERO_UUID,
  };
}

function readValue<S extends typeof GroupMetadataValue | typeof OffsetCommitValue>(schema: S, bytes: Uint8Array) {
  const [version, body] = split(bytes);
  return decodeMessage(schema as never, version, body) as Decoded<S['fields']>;
}

function prefixed(short: number, body: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(TYPE_BYTES + body.length);
  bytes.writeInt16BE(short);
  body.copy(bytes, TYPE_BYTES);
  return bytes;
}

/** Copied: what is kept of a record must not hold on to the run of batches that it was read from. */
function split(bytes: Uint8Array): [short: number, body: Buffer] {
  const copy = Buffer.from(bytes);
  return [copy.length < TYPE_BYTES ? NO_TYPE : copy.readInt16BE(0), copy.subarray(TYPE_BYTES)];
}
