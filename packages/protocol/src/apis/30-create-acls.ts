/**
 * CreateAcls: adds rules; each has a result of its own.
 */
import { array, defineApi, int8, int16, int32, string } from '../codec/schema.ts';

export const CreateAcls = defineApi({
  key: 30,
  name: 'CreateAcls',
  minVersion: 1,
  maxVersion: 3,
  flexibleFrom: 2,
  request: {
    creations: array({
      resourceType: int8(),
      resourceName: string(),
      resourcePatternType: int8({ default: 3 }),
      principal: string(),
      host: string(),
      operation: int8(),
      permissionType: int8(),
    }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    results: array({ errorCode: int16(), errorMessage: string({ nullable: true, default: null }) }),
  },
});
