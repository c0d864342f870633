/**
 * ApiVersions: what a broker speaks. A request of a version too new is answered in v0 with error 35; the response header
 * is always v0. Features that only Meridian has are listed in `supportedFeatures`.
 */
import { array, boolean, defineApi, int16, int32, int64, string } from '../codec/schema.ts';

export const ApiVersions = defineApi({
  key: 18,
  name: 'ApiVersions',
  minVersion: 0,
  maxVersion: 4,
  flexibleFrom: 3,
  request: { clientSoftwareName: string({ since: 3 }), clientSoftwareVersion: string({ since: 3 }) },
  response: {
    errorCode: int16(),
    apiKeys: array({ apiKey: int16(), minVersion: int16(), maxVersion: int16() }),
    throttleTimeMs: int32({ since: 1 }),
    supportedFeatures: array({ name: string(), minVersion: int16(), maxVersion: int16() }, { since: 3, tag: 0 }),
    finalizedFeaturesEpoch: int64({ since: 3, tag: 1, default: -1 }),
    finalizedFeatures: array(
      { name: string(), maxVersionLevel: int16(), minVersionLevel: int16() },
      { since: 3, tag: 2 },
    ),
    zkMigrationReady: boolean({ since: 3, tag: 3, default: false }),
  },
});
