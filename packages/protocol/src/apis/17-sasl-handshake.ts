/**
 * SaslHandshake: chooses a SASL mechanism; v1 wraps what follows in SaslAuthenticate. Never flexible.
 */
import { array, defineApi, int16, NEVER_FLEXIBLE, string } from '../codec/schema.ts';

export const SaslHandshake = defineApi({
  key: 17,
  name: 'SaslHandshake',
  minVersion: 0,
  maxVersion: 1,
  flexibleFrom: NEVER_FLEXIBLE,
  request: { mechanism: string() },
  response: { errorCode: int16(), mechanisms: array(string()) },
});
