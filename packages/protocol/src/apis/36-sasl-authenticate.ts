/**
 * SaslAuthenticate: carries the messages of the chosen SASL mechanism. v1 tells how long the session lives.
 */
import { bytes, defineApi, int16, int64, string } from '../codec/schema.ts';

export const SaslAuthenticate = defineApi({
  key: 36,
  name: 'SaslAuthenticate',
  minVersion: 0,
  maxVersion: 2,
  flexibleFrom: 2,
  request: { authBytes: bytes() },
  response: {
    errorCode: int16(),
    errorMessage: string({ nullable: true, default: null }),
    authBytes: bytes(),
    sessionLifetimeMs: int64({ since: 1 }),
  },
});
