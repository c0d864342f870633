/**
 * The feature levels that this release reads and writes. A metadata log that was finalized at a higher one was written
 * by a newer release and is refused.
 */

export const METADATA_VERSION_FEATURE = 'metadata.version';
/** Whether voters can change (KIP-853); stands in the quorum's own records. */
export const KRAFT_VERSION_FEATURE = 'kraft.version';
/** KIP-966. */
export const ELR_FEATURE = 'eligible.leader.replicas.version';

/** Apache Kafka 4.3-IV0. */
export const METADATA_VERSION = 30;

/** Levels of metadata.version that brought new records or fields: below such a one, what they say could not be said. */
export const METADATA_CHANGES: readonly number[] = [8, 11, 13, 14, 15, 17, 23, 30];

export const SUPPORTED_FEATURES: ReadonlyMap<string, { readonly min: number; readonly max: number }> = new Map([
  [METADATA_VERSION_FEATURE, { min: 7, max: METADATA_VERSION }],
  [KRAFT_VERSION_FEATURE, { min: 0, max: 1 }],
  [ELR_FEATURE, { min: 0, max: 1 }],
]);

/** What a new cluster begins with. */
export const FIRST_FEATURE_LEVELS: ReadonlyMap<string, number> = new Map([
  [METADATA_VERSION_FEATURE, METADATA_VERSION],
  [ELR_FEATURE, 1],
]);

/** Features of Apache Kafka 4.3 that change nothing in the records that we apply: their logs can be read. */
const READABLE_FEATURES: ReadonlyMap<string, { readonly max: number }> = new Map([
  ['group.version', { max: 1 }],
  ['share.version', { max: 1 }],
  ['streams.version', { max: 1 }],
  ['transaction.version', { max: 2 }],
]);

/**
 * Null if a log with this finalized level can be read. Features that we do not know are refused too: what they change
 * in the records is unknown. Level 0 means switched off.
 */
export function whyUnsupportedFeature(name: string, level: number): string | null {
  const known = SUPPORTED_FEATURES.get(name) ?? READABLE_FEATURES.get(name);
  if (level === 0 || (known !== undefined && level <= known.max)) return null;
  return known === undefined
    ? `feature ${name} at level ${level} is not known here`
    : `feature ${name} is at level ${level}, known here up to ${known.max}`;
}
