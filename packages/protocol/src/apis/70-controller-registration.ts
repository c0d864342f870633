/**
 * ControllerRegistration: a controller tells the active one where it is and which feature levels it knows.
 */
import { array, boolean, defineApi, int16, int32, string, uint16, uuid } from '../codec/schema.ts';

export const ControllerRegistration = defineApi({
  key: 70,
  name: 'ControllerRegistration',
  minVersion: 0,
  maxVersion: 0,
  flexibleFrom: 0,
  listeners: ['internal'],
  request: {
    controllerId: int32(),
    incarnationId: uuid(),
    zkMigrationReady: boolean(),
    listeners: array({ name: string(), host: string(), port: uint16(), securityProtocol: int16() }),
    features: array({ name: string(), minSupportedVersion: int16(), maxSupportedVersion: int16() }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullable: true, default: null }),
  },
});
