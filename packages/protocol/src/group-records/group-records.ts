/**
 * What Apache Kafka keeps in `__consumer_offsets` about classic groups: committed offsets and group metadata. Written and
 * replayed by the group coordinator. A record's key is a type (int16, `GROUP_RECORD_TYPE`) and the key's fields; its value
 * a version (int16) and the value's fields, null for what has been deleted.
 */
import { array, bytes, int32, int64, NEVER_FLEXIBLE, schema, string, uuid } from '../codec/schema.ts';

/** First two bytes of a key; types that are not listed belong to the newer group protocols. */
export const GROUP_RECORD_TYPE = { LEGACY_OFFSET_COMMIT: 0, OFFSET_COMMIT: 1, GROUP_METADATA: 2 } as const;

/** Versions that Apache Kafka 4.3 writes; an offset with a retention time of its own is written as v1. */
export const GROUP_RECORD_VERSION = { OFFSET_COMMIT: 4, OFFSET_COMMIT_EXPIRING: 1, GROUP_METADATA: 3 } as const;

const KEY = { minVersion: 0, maxVersion: 0, flexibleFrom: NEVER_FLEXIBLE };
const VALUE = { minVersion: 0, maxVersion: 4, flexibleFrom: 4 };

export const OffsetCommitKey = schema('OffsetCommitKey', KEY, {
  group: string(),
  topic: string(),
  partition: int32(),
});

export const OffsetCommitValue = schema('OffsetCommitValue', VALUE, {
  offset: int64(),
  leaderEpoch: int32({ since: 3, default: -1 }),
  metadata: string(),
  commitTimestamp: int64(),
  expireTimestamp: int64({ since: 1, until: 1, default: -1 }),
  /** The zero uuid if the commit named the topic only. */
  topicId: uuid({ since: 4, tag: 0 }),
});

export const GroupMetadataKey = schema('GroupMetadataKey', KEY, { group: string() });

export const GroupMetadataValue = schema('GroupMetadataValue', VALUE, {
  protocolType: string(),
  generation: int32(),
  protocol: string({ nullable: true }),
  leader: string({ nullable: true }),
  currentStateTimestamp: int64({ since: 2, default: -1 }),
  members: array({
    memberId: string(),
    groupInstanceId: string({ since: 3, nullable: true, default: null }),
    clientId: string(),
    clientHost: string(),
    rebalanceTimeout: int32({ since: 1, default: -1 }),
    sessionTimeout: int32(),
    subscription: bytes(),
    assignment: bytes(),
  }),
});
