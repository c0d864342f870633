/**
 * InitProducerId: hands out a producer id and epoch; with a transactional id it fences the former holder.
 * v3 lets a producer raise its own epoch. Apache Kafka knows a v6 (two-phase commit) but does not serve it yet.
 */
import { defineApi, int16, int32, int64, string } from '../codec/schema.ts';

export const InitProducerId = defineApi({
  key: 22,
  name: 'InitProducerId',
  minVersion: 0,
  maxVersion: 5,
  flexibleFrom: 2,
  request: {
    transactionalId: string({ nullable: true }),
    transactionTimeoutMs: int32(),
    producerId: int64({ since: 3, default: -1, ignorable: false }),
    producerEpoch: int16({ since: 3, default: -1, ignorable: false }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    producerId: int64({ default: -1 }),
    producerEpoch: int16(),
  },
});
