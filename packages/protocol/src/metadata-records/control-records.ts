/**
 * Control records: values of batches whose control bit is set, never shown to consumers. The quorum's (leader change,
 * voters, KRaft version, snapshot header and footer) stand in `__cluster_metadata-0`, the marker of a transaction's end
 * in partitions. The key of every control record is a `ControlRecordKey`, its `type` one of `CONTROL_RECORD_TYPE`.
 */
import { array, int16, int32, int64, NEVER_FLEXIBLE, schema, string, struct, uint16, uuid } from '../codec/schema.ts';

export const LeaderChangeMessage = schema(
  'LeaderChangeMessage',
  { minVersion: 0, maxVersion: 1, flexibleFrom: 0 },
  {
    version: int16(),
    leaderId: int32(),
    voters: array({ voterId: int32(), voterDirectoryId: uuid({ since: 1, ignorable: false }) }),
    grantingVoters: array({ voterId: int32(), voterDirectoryId: uuid({ since: 1, ignorable: false }) }),
  },
);

export const KRaftVersionRecord = schema(
  'KRaftVersionRecord',
  { minVersion: 0, maxVersion: 0, flexibleFrom: 0 },
  { version: int16(), kRaftVersion: int16() },
);

export const VotersRecord = schema(
  'VotersRecord',
  { minVersion: 0, maxVersion: 0, flexibleFrom: 0 },
  {
    version: int16(),
    voters: array({
      voterId: int32(),
      voterDirectoryId: uuid(),
      endpoints: array({ name: string(), host: string(), port: uint16() }),
      kRaftVersionFeature: struct({ minSupportedVersion: int16(), maxSupportedVersion: int16() }),
    }),
  },
);

export const SnapshotHeaderRecord = schema(
  'SnapshotHeaderRecord',
  { minVersion: 0, maxVersion: 0, flexibleFrom: 0 },
  { version: int16(), lastContainedLogTimestamp: int64() },
);

export const SnapshotFooterRecord = schema(
  'SnapshotFooterRecord',
  { minVersion: 0, maxVersion: 0, flexibleFrom: 0 },
  { version: int16() },
);

export const EndTxnMarker = schema(
  'EndTxnMarker',
  { minVersion: 0, maxVersion: 0, flexibleFrom: NEVER_FLEXIBLE },
  { version: int16({ default: 0 }), coordinatorEpoch: int32() },
);

export const ControlRecordKey = schema(
  'ControlRecordKey',
  { minVersion: 0, maxVersion: 0, flexibleFrom: NEVER_FLEXIBLE },
  { version: int16({ default: 0 }), type: int16() },
);

/** `type` of a control record's key. */
export const CONTROL_RECORD_TYPE = {
  ABORT: 0,
  COMMIT: 1,
  LEADER_CHANGE: 2,
  SNAPSHOT_HEADER: 3,
  SNAPSHOT_FOOTER: 4,
  KRAFT_VERSION: 5,
  KRAFT_VOTERS: 6,
} as const;
