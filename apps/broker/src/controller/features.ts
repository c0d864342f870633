/**
 * The feature levels that this release reads and writes. A metadata log that was finalized at a higher one was written
 * by a newer release and is refused.
 */

/** Apache Kafka 4.3-IV0. */
export const METADATA_VERSION = 30;

export const SUPPORTED_FEATURES: ReadonlyMap<string, { readonly min: number; readonly max: number }> = new Map([
  ['metadata.version', { min: 7, max: METADATA_VERSION }],
  ['kraft.version', { min: 0, max: 0 }],
]);

/** What a new cluster begins with. */
export const FIRST_FEATURE_LEVELS: ReadonlyMap<string, number> = new Map([['metadata.version', METADATA_VERSION]]);

/** Features of Apache Kafka 4.3 that change nothing in the records that we apply: their logs can be read. */
const READABLE_FEATURES: ReadonlyMap<string, { readonly max: number }> = new Map([
  ['eligible.leader.replicas.version', { max: 1 }],
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
