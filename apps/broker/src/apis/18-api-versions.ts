/**
 * ApiVersions: which APIs this listener serves in which versions, and the cluster's features. The first request of every
 * client. (A version too new is answered by `server/dispatch.ts`.)
 * Invariant: what is advertised is routed by the dispatch.
 */
import {
  ApiVersions,
  ERROR,
  GetTelemetrySubscriptions,
  MIRROR_FEATURE,
  MIRROR_FEATURE_VERSION,
  PushTelemetry,
} from '@meridian/protocol';
import type { Handler, HandlerReach } from './handler.ts';

const SOFTWARE = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/;
const NAMED_SINCE = 3;
/** Served, but as in Apache Kafka told only where metrics are kept; clients would push them for nothing. */
const UNTOLD: readonly number[] = [GetTelemetrySubscriptions.key, PushTelemetry.key];

export function createApiVersionsHandler({
  image,
  served,
}: Pick<HandlerReach, 'image' | 'served'>): Handler<typeof ApiVersions> {
  return {
    api: ApiVersions,
    handle({ clientSoftwareName: name, clientSoftwareVersion: software }, { version, source }) {
      if (version >= NAMED_SINCE) {
        if (!isNamed(name) || !isNamed(software)) return { errorCode: ERROR.INVALID_REQUEST, apiKeys: [] };
        source.clientSoftware = { name, version: software };
      }
      const { listener } = source;
      const apiKeys = served
        .filter((api) => api.listeners.includes(listener) && !UNTOLD.includes(api.key))
        .map((api) => ({ apiKey: api.key, minVersion: api.advertisedMinVersion, maxVersion: api.maxVersion }))
        .sort((a, b) => a.apiKey - b.apiKey);
      const levels = [...image.features];
      const mirror = { name: MIRROR_FEATURE, minVersion: MIRROR_FEATURE_VERSION, maxVersion: MIRROR_FEATURE_VERSION };
      return {
        errorCode: ERROR.NONE,
        apiKeys,
        supportedFeatures: [
          ...levels.map(([name, level]) => ({ name, minVersion: level, maxVersion: level })),
          ...(listener === 'internal' ? [mirror] : []),
        ],
        finalizedFeaturesEpoch: image.endOffset - 1,
        finalizedFeatures: levels.map(([name, level]) => ({ name, maxVersionLevel: level, minVersionLevel: level })),
      };
    },
  };
}

const isNamed = (text: string): boolean => SOFTWARE.test(text);
