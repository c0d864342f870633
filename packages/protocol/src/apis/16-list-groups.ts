/**
 * ListGroups: all groups of a broker; filtered by state (v4) and type (v5).
 */
import { array, defineApi, int16, int32, string } from '../codec/schema.ts';

export const ListGroups = defineApi({
  key: 16,
  name: 'ListGroups',
  minVersion: 0,
  maxVersion: 5,
  flexibleFrom: 3,
  request: {
    statesFilter: array(string(), { since: 4, ignorable: false }),
    typesFilter: array(string(), { since: 5, ignorable: false }),
  },
  response: {
    throttleTimeMs: int32({ since: 1 }),
    errorCode: int16(),
    groups: array({
      groupId: string(),
      protocolType: string(),
      groupState: string({ since: 4 }),
      groupType: string({ since: 5 }),
    }),
  },
});
