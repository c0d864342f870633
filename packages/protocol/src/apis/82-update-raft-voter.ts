/**
 * UpdateRaftVoter: a voter of the metadata quorum tells the leader where it is found now, and which levels of
 * `kraft.version` it can run.
 */
import { array, defineApi, int16, int32, string, struct, uint16, uuid } from '../codec/schema.ts';

export const UpdateRaftVoter = defineApi({
  key: 82,
  name: 'UpdateRaftVoter',
  minVersion: 0,
  maxVersion: 0,
  flexibleFrom: 0,
  listeners: ['internal'],
  request: {
    clusterId: string({ nullable: true }),
    currentLeaderEpoch: int32(),
    voterId: int32(),
    voterDirectoryId: uuid(),
    listeners: array({ name: string(), host: string(), port: uint16() }),
    kRaftVersionFeature: struct({ minSupportedVersion: int16(), maxSupportedVersion: int16() }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    currentLeader: struct(
      { leaderId: int32({ default: -1 }), leaderEpoch: int32({ default: -1 }), host: string(), port: int32() },
      { tag: 0, ignorable: false },
    ),
  },
});
