/**
 * UpdateFeatures: sets the levels of cluster features; 0 removes one. Since v2 it is all or nothing, without results.
 */
import { array, boolean, defineApi, int8, int16, int32, string } from '../codec/schema.ts';

export const UpdateFeatures = defineApi({
  key: 57,
  name: 'UpdateFeatures',
  minVersion: 0,
  maxVersion: 2,
  flexibleFrom: 0,
  request: {
    timeoutMs: int32({ default: 60_000 }),
    featureUpdates: array({
      feature: string(),
      maxVersionLevel: int16(),
      allowDowngrade: boolean({ until: 0, ignorable: false }),
      upgradeType: int8({ since: 1, default: 1, ignorable: false }),
    }),
    validateOnly: boolean({ since: 1, default: false, ignorable: false }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullable: true, default: null }),
    results: array(
      { feature: string(), errorCode: int16(), errorMessage: string({ nullable: true, default: null }) },
      { until: 1 },
    ),
  },
});
