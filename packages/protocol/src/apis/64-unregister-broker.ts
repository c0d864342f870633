/**
 * UnregisterBroker: forgets a broker that will not come back.
 */
import { defineApi, int16, int32, string } from '../codec/schema.ts';

export const UnregisterBroker = defineApi({
  key: 64,
  name: 'UnregisterBroker',
  minVersion: 0,
  maxVersion: 0,
  flexibleFrom: 0,
  request: { brokerId: int32() },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullable: true, default: null }),
  },
});
