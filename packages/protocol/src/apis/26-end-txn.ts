/**
 * EndTxn: commits or aborts a transaction. With v5 every end raises the producer's epoch, and the answer tells it.
 */
import { boolean, defineApi, int16, int32, int64, string } from '../codec/schema.ts';

export const EndTxn = defineApi({
  key: 26,
  name: 'EndTxn',
  minVersion: 0,
  maxVersion: 5,
  flexibleFrom: 3,
  request: { transactionalId: string(), producerId: int64(), producerEpoch: int16(), committed: boolean() },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    producerId: int64({ since: 5, default: -1 }),
    producerEpoch: int16({ since: 5, default: -1 }),
  },
});
