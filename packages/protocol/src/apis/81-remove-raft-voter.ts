/**
 * RemoveRaftVoter: takes a voter out of the metadata quorum.
 */
import { defineApi, int16, int32, string, uuid } from '../codec/schema.ts';

export const RemoveRaftVoter = defineApi({
  key: 81,
  name: 'RemoveRaftVoter',
  minVersion: 0,
  maxVersion: 0,
  flexibleFrom: 0,
  request: { clusterId: string({ nullable: true }), voterId: int32(), voterDirectoryId: uuid() },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullable: true, default: null }),
  },
});
