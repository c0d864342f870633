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
];

function isOnceEach(ours: unknown, theirs: unknown): boolean {
  if (!Array.isArray(ours) || !Array.isArray(theirs)) return false;
  const texts = (list: unknown[]) => list.map((each) => JSON.stringify(each));
  return texts(ours).join('\n') === [...new Set(texts(theirs))].join('\n');
}

function isCodecRefused({ path, ours, theirs }: Difference): boolean {
  const isCode = path.endsWith('.errorCode');
  return isCode && ours === ERROR.UNSUPPORTED_COMPRESSION_TYPE && theirs === ERROR.UNKNOWN_SERVER_ERROR;
}
