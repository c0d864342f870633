/**
 * Produce: appends record batches. v8 names the records that were refused, v10 the new leader, v13 goes by topic id.
 * `acks` 0 has no response at all. The private field `mirror` makes it an append at a given offset (`private-tags.ts`).
 * Advertised from v0 although served from v3: librdkafka turns compression off otherwise.
 */
import { array, defineApi, int16, int32, int64, records, string, struct, uuid } from '../codec/schema.ts';
import { produceDuplicate, produceLogEnd, produceMirror, produceStoredEpoch } from '../private-tags.ts';

export const Produce = defineApi({
  key: 0,
  name: 'Produce',
  minVersion: 3,
  maxVersion: 13,
  advertisedMinVersion: 0,
  flexibleFrom: 9,
  request: {
    transactionalId: string({ nullable: true, default: null }),
    acks: int16(),
    timeoutMs: int32(),
    topicData: array({
      name: string({ until: 12 }),
      topicId: uuid({ since: 13 }),
      partitionData: array({ index: int32(), records: records({ nullable: true }), mirror: produceMirror }),
    }),
  },
  response: {
    responses: array({
      name: string({ until: 12 }),
      topicId: uuid({ since: 13 }),
      partitionResponses: array({
        index: int32(),
        errorCode: int16(),
        baseOffset: int64(),
        logAppendTimeMs: int64({ default: -1 }),
        logStartOffset: int64({ since: 5, default: -1 }),
        recordErrors: array(
          { batchIndex: int32(), batchIndexErrorMessage: string({ nullable: true, default: null }) },
          { since: 8 },
        ),
        errorMessage: string({ since: 8, nullable: true, default: null }),
        logEnd: produceLogEnd,
        storedEpoch: produceStoredEpoch,
        duplicate: produceDuplicate,
        currentLeader: struct(
          { leaderId: int32({ default: -1 }), leaderEpoch: int32({ default: -1 }) },
          { since: 10, tag: 0 },
        ),
      }),
    }),
    throttleTimeMs: int32({ default: 0 }),
    nodeEndpoints: array(
      { nodeId: int32(), host: string(), port: int32(), rack: string({ nullable: true, default: null }) },
      { since: 10, tag: 0 },
    ),
  },
});
