/**
 * Where Meridian means to answer otherwise than Apache Kafka, each with its reason. Read by `run-script.ts`; what is
 * not here fails the run.
 */
import { ERROR } from '@meridian/protocol';
import type { Difference } from './differences.ts';
import type { Step } from './step.ts';

export interface MeantDifference {
  readonly reason: string;
  /** `all` are the differences of the whole answer. */
  matches(step: Step, difference: Difference, all: readonly Difference[]): boolean;
}

/** Where a config's value comes from, in Kafka's numbers. */
const CLUSTER_CONFIG = 3;
const DEFAULT_CONFIG = 5;

export const MEANT_DIFFERENCES: readonly MeantDifference[] = [
  {
    reason: 'A batch of a codec that does not exist is refused as such; Apache Kafka trips over it.',
    matches: ({ api }, difference, all) =>
      api.name === 'Produce' &&
      (isCodecRefused(difference) || (difference.path.endsWith('.logStartOffset') && all.some(isCodecRefused))),
  },
  {
    reason:
      'A group that one request asks several times for all its offsets is answered once, so that no small request has ' +
      'a large answer; Apache Kafka answers each time.',
    matches: ({ api }, { path, ours, theirs }) =>
      api.name === 'OffsetFetch' && path === 'groups' && isOnceEach(ours, theirs),
  },
  {
    reason: 'Meridian’s own topic configs (durability, origin) are described beside Kafka’s.',
    matches: (_step, { path, theirs }) => /\.configs\.meridian\.[a-z.]+$/.test(path) && theirs === undefined,
  },
  {
    reason:
      'Apache Kafka writes min.insync.replicas as a cluster config when it formats a folder, for eligible leader ' +
      'replicas; Meridian leaves it a default.',
    matches: (_step, { path, ours, theirs }) =>
      (path.endsWith('.min.insync.replicas.configSource') && ours === DEFAULT_CONFIG && theirs === CLUSTER_CONFIG) ||
      (path.endsWith('.min.insync.replicas.isDefault') && ours === true && theirs === false) ||
      (/\.min\.insync\.replicas\.synonyms/.test(path) && isClusterDefault(theirs)) ||
      (/^results\[\d+\]\.configs$/.test(path) && isOnlyThat(ours, theirs)),
  },
];

function isClusterDefault(theirs: unknown): boolean {
  return new RegExp(`"(source|configSource)":${CLUSTER_CONFIG}\\b`).test(JSON.stringify(theirs) ?? '');
}

/** The configs that all brokers have been given: none, but for that one. */
function isOnlyThat(ours: unknown, theirs: unknown): boolean {
  if (!Array.isArray(ours) || !Array.isArray(theirs)) return false;
  return (
    ours.length === 0 && theirs.length === 1 && theirs[0].name === 'min.insync.replicas' && isClusterDefault(theirs)
  );
}

function isOnceEach(ours: unknown, theirs: unknown): boolean {
  if (!Array.isArray(ours) || !Array.isArray(theirs)) return false;
  const texts = (list: unknown[]) => list.map((each) => JSON.stringify(each));
  return texts(ours).join('\n') === [...new Set(texts(theirs))].join('\n');
}

function isCodecRefused({ path, ours, theirs }: Difference): boolean {
  const isCode = path.endsWith('.errorCode');
  return isCode && ours === ERROR.UNSUPPORTED_COMPRESSION_TYPE && theirs === ERROR.UNKNOWN_SERVER_ERROR;
}
