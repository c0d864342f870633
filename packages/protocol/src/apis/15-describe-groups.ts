/**
 * DescribeGroups: state, protocol and members of classic groups. v6 tells of a group that does not exist by an error.
 */
import { array, boolean, bytes, defineApi, int16, int32, string } from '../codec/schema.ts';

export const DescribeGroups = defineApi({
  key: 15,
  name: 'DescribeGroups',
  minVersion: 0,
  maxVersion: 6,
  flexibleFrom: 5,
  request: { groups: array(string()), includeAuthorizedOperations: boolean({ since: 3, ignorable: false }) },
  response: {
    throttleTimeMs: int32({ since: 1 }),
    groups: array({
      errorCode: int16(),
      errorMessage: string({ since: 6, nullable: true, default: null, ignorable: false }),
      groupId: string(),
      groupState: string(),
      protocolType: string(),
      protocolData: string(),
      members: array({
        memberId: string(),
        groupInstanceId: string({ since: 4, nullable: true, default: null }),
        clientId: string(),
        clientHost: string(),
        memberMetadata: bytes(),
        memberAssignment: bytes(),
      }),
      authorizedOperations: int32({ since: 3, default: -2147483648, ignorable: false }),
    }),
  },
});
