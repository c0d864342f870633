/**
 * AddOffsetsToTxn: announces to the coordinator that a transaction is going to commit a group's offsets.
 */
import { defineApi, int16, int32, int64, string } from '../codec/schema.ts';

export const AddOffsetsToTxn = defineApi({
  key: 25,
  name: 'AddOffsetsToTxn',
  minVersion: 0,
  maxVersion: 4,
  flexibleFrom: 3,
  request: { transactionalId: string(), producerId: int64(), producerEpoch: int16(), groupId: string() },
  response: { throttleTimeMs: int32({ default: 0 }), errorCode: int16() },
});
