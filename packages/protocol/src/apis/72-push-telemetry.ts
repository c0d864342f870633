/**
 * PushTelemetry: metrics of a client, in OTLP, compressed (KIP-714).
 */
import { boolean, bytes, defineApi, int8, int16, int32, uuid } from '../codec/schema.ts';

export const PushTelemetry = defineApi({
  key: 72,
  name: 'PushTelemetry',
  minVersion: 0,
  maxVersion: 0,
  flexibleFrom: 0,
  request: {
    clientInstanceId: uuid(),
    subscriptionId: int32(),
    terminating: boolean(),
    compressionType: int8(),
    metrics: bytes(),
  },
  response: { throttleTimeMs: int32({ default: 0 }), errorCode: int16() },
});
