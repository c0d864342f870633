/**
 * Envelope: carries a client's request, header included, from the broker that it came to on to the active controller, with
 * who the client is and where it called from; and the answer back. Errors of the envelope itself are its own.
 */
import { boolean, bytes, defineApi, int16, schema, string } from '../codec/schema.ts';

export const Envelope = defineApi({
  key: 58,
  name: 'Envelope',
  minVersion: 0,
  maxVersion: 0,
  flexibleFrom: 0,
  listeners: ['internal'],
  request: { requestData: bytes(), requestPrincipal: bytes({ nullable: true }), clientHostAddress: bytes() },
  response: { responseData: bytes({ nullable: true, default: null }), errorCode: int16() },
});

/** What `requestPrincipal` holds behind a version (int16), as Kafka's default principals are written. */
export const DefaultPrincipalData = schema(
  'DefaultPrincipalData',
  { minVersion: 0, maxVersion: 0, flexibleFrom: 0 },
  { type: string(), name: string(), tokenAuthenticated: boolean() },
);
