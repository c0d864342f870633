/**
 * FindCoordinator: which broker coordinates a group (key type 0), a transactional id (1) or a share group (2).
 * v4 asks for many keys at once.
 */
import { array, defineApi, int8, int16, int32, string } from '../codec/schema.ts';

export const FindCoordinator = defineApi({
  key: 10,
  name: 'FindCoordinator',
  minVersion: 0,
  maxVersion: 6,
  flexibleFrom: 3,
  request: {
    key: string({ until: 3, ignorable: false }),
    keyType: int8({ since: 1, ignorable: false }),
    coordinatorKeys: array(string(), { since: 4, ignorable: false }),
  },
  response: {
    throttleTimeMs: int32({ since: 1 }),
    errorCode: int16({ until: 3, ignorable: false }),
    errorMessage: string({ since: 1, until: 3, nullable: true, default: null }),
    nodeId: int32({ until: 3, ignorable: false }),
    host: string({ until: 3, ignorable: false }),
    port: int32({ until: 3, ignorable: false }),
    coordinators: array(
      {
        key: string(),
        nodeId: int32(),
        host: string(),
        port: int32(),
        errorCode: int16(),
        errorMessage: string({ nullable: true, default: null }),
      },
      { since: 4, ignorable: false },
    ),
  },
});
