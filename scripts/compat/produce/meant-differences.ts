/**
 * Where Meridian means to answer a produced batch otherwise than Apache Kafka, each with its reason. Read by `produce.ts`;
 * what is not here fails the check.
 */
import { ERROR } from '@meridian/protocol';
import type { ProduceCase } from './produce-cases.ts';

/** What came of a batch. */
export interface Outcome {
  readonly errorCode: number;
  /** Numbers are left out of the messages: clocks differ. */
  readonly recordErrors: readonly string[];
  readonly hasOffset: boolean;
  readonly hasLogAppendTime: boolean;
  readonly hasLogStart: boolean;
  /** The batch as it can be fetched, its times against the sending's. */
  readonly stored?: object;
  readonly records?: readonly unknown[] | string;
}

interface MeantDifference {
  readonly reason: string;
  matches(given: ProduceCase, ours: Outcome, theirs: Outcome): boolean;
}

const REFUSALS: readonly number[] = [
  ERROR.CORRUPT_MESSAGE,
  ERROR.INVALID_RECORD,
  ERROR.UNSUPPORTED_COMPRESSION_TYPE,
  ERROR.INVALID_PRODUCER_EPOCH,
];
const refusesWhatTheyTake = (ours: Outcome, theirs: Outcome): boolean =>
  ours.errorCode === ERROR.INVALID_RECORD && theirs.errorCode === ERROR.NONE;

const MEANT: readonly MeantDifference[] = [
  {
    reason: 'Bytes that Apache Kafka trips over (UNKNOWN_SERVER_ERROR) are refused for what they are.',
    matches: (_given, ours, theirs) =>
      theirs.errorCode === ERROR.UNKNOWN_SERVER_ERROR && REFUSALS.includes(ours.errorCode),
  },
  {
    reason: 'Offsets that lie are refused; Apache Kafka stores them, and consumers read the records at wrong places.',
    matches: ({ name }, ours, theirs) => name.startsWith('offset deltas') && refusesWhatTheyTake(ours, theirs),
  },
  {
    reason: 'Records whose lengths lie are refused; Apache Kafka passes over some, and Java consumers trip over them.',
    matches: ({ name }, ours, theirs) => /^a (record|key|value) length/.test(name) && refusesWhatTheyTake(ours, theirs),
  },
  {
    reason: 'Bytes behind the compressed records are refused; Apache Kafka does not look at them, other readers do.',
    matches: ({ name }, ours, theirs) => name.includes('with bytes behind') && refusesWhatTheyTake(ours, theirs),
  },
  {
    reason: 'A producer without an epoch is refused: nothing could fence it.',
    matches: ({ name }, ours) =>
      name.startsWith('a producer without an epoch') && ours.errorCode === ERROR.INVALID_PRODUCER_EPOCH,
  },
];

/** The reason why these two differ, if they are meant to. */
export function whyMeant(given: ProduceCase, ours: Outcome, theirs: Outcome): string | undefined {
  return MEANT.find(({ matches }) => matches(given, ours, theirs))?.reason;
}
