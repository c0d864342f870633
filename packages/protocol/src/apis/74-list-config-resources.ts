/**
 * ListConfigResources: names of the resources that have configs; v0 knows client metrics only.
 */
import { array, defineApi, int8, int16, int32, string } from '../codec/schema.ts';

export const ListConfigResources = defineApi({
  key: 74,
  name: 'ListConfigResources',
  minVersion: 0,
  maxVersion: 1,
  flexibleFrom: 0,
  request: { resourceTypes: array(int8(), { since: 1, ignorable: false }) },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    configResources: array({ resourceName: string(), resourceType: int8({ since: 1, default: 16 }) }),
  },
});
