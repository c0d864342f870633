/**
 * Metadata records about brokers and controllers: who is registered, fenced, shutting down. Written by the controller,
 * applied by `MetadataImage`; listed by key in `metadata-records.ts`.
 */
import { array, boolean, int8, int16, int32, int64, schema, string, uint16, uuid } from '../codec/schema.ts';

export const RegisterBrokerRecord = schema(
  'RegisterBrokerRecord',
  { minVersion: 0, maxVersion: 4, flexibleFrom: 0 },
  {
    brokerId: int32(),
    isMigratingZkBroker: boolean({ since: 2, default: false, ignorable: false }),
    incarnationId: uuid(),
    brokerEpoch: int64(),
    endPoints: array({ name: string(), host: string(), port: uint16(), securityProtocol: int16() }),
    features: array({ name: string(), minSupportedVersion: int16(), maxSupportedVersion: int16() }),
    rack: string({ nullable: true }),
    fenced: boolean({ default: true }),
    inControlledShutdown: boolean({ since: 1, default: false, ignorable: false }),
    logDirs: array(uuid(), { since: 3, tag: 0, ignorable: false }),
    cordonedLogDirs: array(uuid(), { since: 4, nullable: true, tag: 1, default: null, ignorable: false }),
  },
);

export const UnregisterBrokerRecord = schema(
  'UnregisterBrokerRecord',
  { minVersion: 0, maxVersion: 0, flexibleFrom: 0 },
  { brokerId: int32(), brokerEpoch: int64() },
);

export const FenceBrokerRecord = schema(
  'FenceBrokerRecord',
  { minVersion: 0, maxVersion: 0, flexibleFrom: 0 },
  { id: int32(), epoch: int64() },
);

export const UnfenceBrokerRecord = schema(
  'UnfenceBrokerRecord',
  { minVersion: 0, maxVersion: 0, flexibleFrom: 0 },
  { id: int32(), epoch: int64() },
);

export const BrokerRegistrationChangeRecord = schema(
  'BrokerRegistrationChangeRecord',
  { minVersion: 0, maxVersion: 3, flexibleFrom: 0 },
  {
    brokerId: int32(),
    brokerEpoch: int64(),
    fenced: int8({ tag: 0, ignorable: false }),
    inControlledShutdown: int8({ since: 1, tag: 1, ignorable: false }),
    logDirs: array(uuid(), { since: 2, tag: 2, ignorable: false }),
    cordonedLogDirs: array(uuid(), { since: 3, nullable: true, tag: 3, default: null, ignorable: false }),
  },
);

export const RegisterControllerRecord = schema(
  'RegisterControllerRecord',
  { minVersion: 0, maxVersion: 0, flexibleFrom: 0 },
  {
    controllerId: int32(),
    incarnationId: uuid(),
    zkMigrationReady: boolean(),
    endPoints: array({ name: string(), host: string(), port: uint16(), securityProtocol: int16() }),
    features: array({ name: string(), minSupportedVersion: int16(), maxSupportedVersion: int16() }),
  },
);
