/**
 * Fetch: reads record batches, for consumers and for followers. v7 adds sessions, v9 and v12 the epochs with which a
 * log that diverged is found out, v13 goes by topic id, v15 carries the replica's epoch, v18 its high watermark.
 * `records` in the response are slices of the frame. Private: the origin's epochs, records that are compressed on the
 * wire, and headers without them (`private-tags.ts`).
 */
import { array, defineApi, int8, int16, int32, int64, records, string, struct, uuid } from '../codec/schema.ts';
import { NO_LIMIT } from '../codec/values.ts';
import {
  fetchHasHeadersOnly,
  fetchHeadersOnly,
  fetchOriginEpochs,
  fetchOriginEpochsFrom,
  fetchPacked,
  fetchReadsOn,
  fetchWireCodec,
} from '../private-tags.ts';

export const Fetch = defineApi({
  key: 1,
  name: 'Fetch',
  minVersion: 4,
  maxVersion: 18,
  flexibleFrom: 12,
  request: {
    clusterId: string({ since: 12, nullable: true, tag: 0, default: null }),
    replicaId: int32({ until: 14, default: -1, ignorable: false }),
    replicaState: struct(
      { replicaId: int32({ default: -1 }), replicaEpoch: int64({ default: -1 }) },
      { since: 15, tag: 1, ignorable: false },
    ),
    maxWaitMs: int32(),
    minBytes: int32(),
    maxBytes: int32({ default: 2147483647 }),
    isolationLevel: int8({ default: 0 }),
    sessionId: int32({ since: 7 }),
    sessionEpoch: int32({ since: 7, default: -1 }),
    topics: array({
      topic: string({ until: 12 }),
      topicId: uuid({ since: 13 }),
      partitions: array({
        partition: int32(),
        currentLeaderEpoch: int32({ since: 9, default: -1 }),
        fetchOffset: int64(),
        lastFetchedEpoch: int32({ since: 12, default: -1, ignorable: false }),
        logStartOffset: int64({ since: 5, default: -1 }),
        partitionMaxBytes: int32(),
        replicaDirectoryId: uuid({ since: 17, tag: 0 }),
        originEpochsFrom: fetchOriginEpochsFrom,
        highWatermark: int64({ since: 18, tag: 1, default: NO_LIMIT }),
      }),
    }),
    forgottenTopicsData: array(
      { topic: string({ until: 12 }), topicId: uuid({ since: 13 }), partitions: array(int32()) },
      { since: 7, ignorable: false },
    ),
    rackId: string({ since: 11, default: '' }),
    readsOn: fetchReadsOn,
    wireCodec: fetchWireCodec,
    headersOnly: fetchHeadersOnly,
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16({ since: 7 }),
    sessionId: int32({ since: 7, ignorable: false }),
    responses: array({
      topic: string({ until: 12 }),
      topicId: uuid({ since: 13 }),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        highWatermark: int64(),
        lastStableOffset: int64({ default: -1 }),
        logStartOffset: int64({ since: 5, default: -1 }),
        divergingEpoch: struct(
          { epoch: int32({ default: -1 }), endOffset: int64({ default: -1 }) },
          { since: 12, tag: 0, ignorable: false },
        ),
        currentLeader: struct(
          { leaderId: int32({ default: -1 }), leaderEpoch: int32({ default: -1 }) },
          { since: 12, tag: 1 },
        ),
        snapshotId: struct(
          { endOffset: int64({ default: -1 }), epoch: int32({ default: -1 }) },
          { since: 12, tag: 2, ignorable: false },
        ),
        originEpochs: fetchOriginEpochs,
        packed: fetchPacked,
        headersOnly: fetchHasHeadersOnly,
        abortedTransactions: array({ producerId: int64(), firstOffset: int64() }, { nullable: true }),
        preferredReadReplica: int32({ since: 11, default: -1, ignorable: false }),
        records: records({ nullable: true }),
      }),
    }),
    nodeEndpoints: array(
      { nodeId: int32(), host: string(), port: int32(), rack: string({ nullable: true, default: null }) },
      { since: 16, tag: 0 },
    ),
  },
});
