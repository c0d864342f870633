/**
 * BrokerHeartbeat: a broker tells the controller that it lives, how far it has applied the metadata, and what it wants.
 */
import { array, boolean, defineApi, int16, int32, int64, uuid } from '../codec/schema.ts';

export const BrokerHeartbeat = defineApi({
  key: 63,
  name: 'BrokerHeartbeat',
  minVersion: 0,
  maxVersion: 2,
  flexibleFrom: 0,
  listeners: ['internal'],
  request: {
    brokerId: int32(),
    brokerEpoch: int64({ default: -1 }),
    currentMetadataOffset: int64(),
    wantFence: boolean(),
    wantShutDown: boolean(),
    offlineLogDirs: array(uuid(), { since: 1, tag: 0, ignorable: false }),
    cordonedLogDirs: array(uuid(), { since: 2, nullable: true, tag: 1, default: null, ignorable: false }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    isCaughtUp: boolean({ default: false }),
    isFenced: boolean({ default: true }),
    shouldShutDown: boolean(),
  },
});
