/**
 * BrokerRegistration: a broker that starts tells the controller who and where it is, and gets its epoch.
 */
import { array, boolean, defineApi, int16, int32, int64, string, uint16, uuid } from '../codec/schema.ts';

export const BrokerRegistration = defineApi({
  key: 62,
  name: 'BrokerRegistration',
  minVersion: 0,
  maxVersion: 4,
  flexibleFrom: 0,
  listeners: ['internal'],
  request: {
    brokerId: int32(),
    clusterId: string(),
    incarnationId: uuid(),
    listeners: array({ name: string(), host: string(), port: uint16(), securityProtocol: int16() }),
    features: array({ name: string(), minSupportedVersion: int16(), maxSupportedVersion: int16() }),
    rack: string({ nullable: true }),
    isMigratingZkBroker: boolean({ since: 1, default: false, ignorable: false }),
    logDirs: array(uuid(), { since: 2 }),
    previousBrokerEpoch: int64({ since: 3, default: -1 }),
  },
  response: { throttleTimeMs: int32({ default: 0 }), errorCode: int16(), brokerEpoch: int64({ default: -1 }) },
});
