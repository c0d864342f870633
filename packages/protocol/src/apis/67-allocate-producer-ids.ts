/**
 * AllocateProducerIds: a broker gets a block of producer ids of the controller, which it hands out by itself.
 */
import { defineApi, int16, int32, int64 } from '../codec/schema.ts';

export const AllocateProducerIds = defineApi({
  key: 67,
  name: 'AllocateProducerIds',
  minVersion: 0,
  maxVersion: 0,
  flexibleFrom: 0,
  listeners: ['internal'],
  request: { brokerId: int32(), brokerEpoch: int64({ default: -1 }) },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    producerIdStart: int64(),
    producerIdLen: int32(),
  },
});
