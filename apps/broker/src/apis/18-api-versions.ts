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
  MIRROR_FEATURE_MIN_VERSION,
  MIRROR_FEATURE_VERSION,
  PushTelemetry,
} from '@meridian/protocol';
import { KRAFT_VERSION_FEATURE, SUPPORTED_FEATURES } from '../controller/features.ts';
import type { MetadataImage } from '../controller/image.ts';
import type { Handler, HandlerReach } from './handler.ts';

const SOFTWARE = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/;
const NAMED_SINCE = 3;
/** Older clients cannot read a feature whose lowest level is 0 (KIP-1022). */
const LEVEL_0_SINCE = 4;
/** Served, but as in Apache Kafka told only where metrics are kept; clients would push them for nothing. */
const UNTOLD: readonly number[] = [GetTelemetrySubscriptions.key, PushTelemetry.key];

const MIRROR = { name: MIRROR_FEATURE, minVersion: MIRROR_FEATURE_MIN_VERSION, maxVersion: MIRROR_FEATURE_VERSION };

export function createApiVersionsHandler({
  image,
  served,
  quorum,
}: Pick<HandlerReach, 'image' | 'served' | 'quorum'>): Handler<typeof ApiVersions> {
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
      const levels = levelsOf(image, quorum().kraftVersion);
      return {
        errorCode: ERROR.NONE,
        apiKeys,
        supportedFeatures: [
          ...supportedOf(image).filter(({ minVersion }) => minVersion > 0 || version >= LEVEL_0_SINCE),
          ...(listener === 'internal' ? [MIRROR] : []),
        ],
        finalizedFeaturesEpoch: image.endOffset - 1,
        finalizedFeatures: levels.map(([name, level]) => ({ name, maxVersionLevel: level, minVersionLevel: level })),
      };
    },
  };
}

/** Those that are finalized; the quorum's own stands in its records, not among the others. */
function levelsOf(image: MetadataImage, kraftVersion: number): [name: string, level: number][] {
  const quorums: [string, number][] = kraftVersion > 0 ? [[KRAFT_VERSION_FEATURE, kraftVersion]] : [];
  return [...image.features, ...quorums];
}

/** What this release can run, and levels of a log that it can read though it does nothing with them. */
function supportedOf(image: MetadataImage) {
  const own = [...SUPPORTED_FEATURES].map(([name, { min, max }]) => ({ name, minVersion: min, maxVersion: max }));
  const others = [...image.features].filter(([name]) => !SUPPORTED_FEATURES.has(name));
  return [...own, ...others.map(([name, level]) => ({ name, minVersion: level, maxVersion: level }))];
}

const isNamed = (text: string): boolean => SOFTWARE.test(text);
