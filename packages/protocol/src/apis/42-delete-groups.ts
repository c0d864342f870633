/**
 * DeleteGroups: deletes groups without members, and their offsets.
 */
import { array, defineApi, int16, int32, string } from '../codec/schema.ts';

export const DeleteGroups = defineApi({
  key: 42,
  name: 'DeleteGroups',
  minVersion: 0,
  maxVersion: 2,
  flexibleFrom: 2,
  request: { groupsNames: array(string()) },
  response: { throttleTimeMs: int32({ default: 0 }), results: array({ groupId: string(), errorCode: int16() }) },
});
