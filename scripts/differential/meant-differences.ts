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
    reason: 'A topic asked for by neither name nor id is an unknown one; Apache Kafka fails the whole request.',
    matches: ({ api }, _difference, all) =>
      api.name === 'Metadata' && all.some(({ path, theirs }) => path === 'errorCode' && theirs === -1),
  },
  {
    reason: 'A commit of which nothing is kept makes no group; Apache Kafka makes one that shows later.',
    matches: ({ api }, { ours, theirs }) =>
      (['OffsetDelete', 'DeleteGroups'].includes(api.name) && ours === ERROR.GROUP_ID_NOT_FOUND && theirs === 0) ||
      (api.name === 'DescribeGroups' && ours === 'Dead' && theirs === 'Empty'),
  },
  {
    reason: 'A batch of a codec that does not exist is refused as such; Apache Kafka trips over it.',
    matches: ({ api }, _difference, all) =>
      api.name === 'Produce' &&
      all.some(({ ours, theirs }) => ours === ERROR.UNSUPPORTED_COMPRESSION_TYPE && theirs === -1),
  },
  {
    reason:
      'Whether a partition exists is asked before its batch is looked at; Apache Kafka reads the form of all batches first.',
    matches: ({ api }, { path, ours, theirs }) =>
      api.name === 'Produce' &&
      path.endsWith('errorCode') &&
      (ours === ERROR.UNKNOWN_TOPIC_OR_PARTITION || ours === ERROR.UNKNOWN_TOPIC_ID) &&
      theirs === ERROR.CORRUPT_MESSAGE,
  },
  {
    reason: 'A fetch session with topics that are unknown goes on; Apache Kafka trips over some of them.',
    matches: ({ api }, _difference, all) =>
      api.name === 'Fetch' && all.some(({ path, theirs }) => path === 'errorCode' && theirs === -1),
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
