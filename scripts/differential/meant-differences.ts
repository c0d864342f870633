/**
 * Where Meridian means to answer otherwise than Apache Kafka, each with its reason. Read by `run-script.ts`; what is
 * not here fails the run.
 */
import { ERROR } from '@meridian/protocol';
import type { Difference } from './differences.ts';
import type { Step } from './step.ts';

export interface MeantDifference {
  readonly reason: string;
  matches(step: Step, difference: Difference): boolean;
}

export const MEANT_DIFFERENCES: readonly MeantDifference[] = [
  {
    reason: 'A batch of a codec that does not exist is refused as such; Apache Kafka trips over it.',
    matches: ({ api }, { path, ours, theirs }) =>
      api.name === 'Produce' &&
      path.endsWith('errorCode') &&
      ours === ERROR.UNSUPPORTED_COMPRESSION_TYPE &&
      theirs === -1,
  },
  {
    reason: 'An operation that does not exist is refused before the other changes of its resource are looked at.',
    matches: ({ api }, { path, ours, theirs }) =>
      api.name === 'IncrementalAlterConfigs' && path.endsWith('errorCode') && ours === -1 && theirs === 40,
  },
  {
    reason: 'Meridian’s own topic configs (durability, origin) are described beside Kafka’s.',
    matches: (_step, { path, theirs }) => /(^|\.)meridian\.[a-z.]+/.test(path) && theirs === undefined,
  },
  {
    reason:
      'Apache Kafka writes min.insync.replicas as a cluster config when it formats a folder, for eligible leader ' +
      'replicas; Meridian leaves it a default.',
    matches: (_step, { path }) => /\.min\.insync\.replicas\.(configSource|synonyms|isDefault)/.test(path),
  },
];
