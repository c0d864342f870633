/**
 * Heartbeat: a member of a classic group is alive; the answer tells whether it has to join again.
 */
import { defineApi, int16, int32, string } from '../codec/schema.ts';

export const Heartbeat = defineApi({
  key: 12,
  name: 'Heartbeat',
  minVersion: 0,
  maxVersion: 4,
  flexibleFrom: 4,
  request: {
    groupId: string(),
    generationId: int32(),
    memberId: string(),
    groupInstanceId: string({ since: 3, nullable: true, default: null, ignorable: false }),
  },
  response: { throttleTimeMs: int32({ since: 1 }), errorCode: int16() },
});
