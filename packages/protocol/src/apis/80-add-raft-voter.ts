/**
 * AddRaftVoter: makes a replica of the metadata log one of its voters. v1 may be answered before that is committed.
 */
import { array, boolean, defineApi, int16, int32, string, uint16, uuid } from '../codec/schema.ts';

export const AddRaftVoter = defineApi({
  key: 80,
  name: 'AddRaftVoter',
  minVersion: 0,
  maxVersion: 1,
  flexibleFrom: 0,
  request: {
    clusterId: string({ nullable: true }),
    timeoutMs: int32(),
    voterId: int32(),
    voterDirectoryId: uuid(),
    listeners: array({ name: string(), host: string(), port: uint16() }),
    ackWhenCommitted: boolean({ since: 1, default: true, ignorable: false }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullable: true, default: null }),
  },
});
