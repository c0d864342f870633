/**
 * What the shell of a partition asks of its origin, whatever engine the copy lies in: where the log begins and ends, and
 * where an epoch does. Invariant: an answer is the origin's own; what it does not tell is an error with its reason.
 */
import { type CallOptions, type Client, EARLIEST, LATEST } from '@meridian/client';
import { ERROR, errorName } from '@meridian/protocol';
import { offsetOf } from './listed-offset.ts';
import type { TaskPlace } from './mirror-task.ts';

type Place = Pick<TaskPlace, 'topic' | 'partition'>;

export interface SourceRange {
  readonly sourceStart: number;
  readonly sourceEnd: number;
}

/** The end is asked for last, so that it is never below the start. */
export async function sourceRange(source: Client, place: Place, call: CallOptions): Promise<SourceRange> {
  const { topic, partition } = place;
  const list = (timestamp: number) => source.listOffsets([{ topic, partition, timestamp }], call);
  const sourceStart = offsetOf(await list(EARLIEST), 'the origin');
  return { sourceStart, sourceEnd: offsetOf(await list(LATEST), 'the origin') };
}

/** The origin's largest epoch ≤ the one asked for, and where that ends; −1: it knows none. */
export async function epochEnd(
  source: Client,
  { topic, partition }: Place,
  leaderEpoch: number,
  call: CallOptions,
): Promise<{ readonly epoch: number; readonly endOffset: number }> {
  const [answer] = await source.offsetForLeaderEpoch([{ topic, partition, leaderEpoch }], call);
  if (answer?.errorCode === ERROR.NONE) return { epoch: answer.leaderEpoch, endOffset: answer.endOffset };
  throw new Error(`epochs of the origin: ${errorName(answer?.errorCode ?? ERROR.UNKNOWN_SERVER_ERROR)}`);
}

/** What an error of the fetcher means to a partition. */
export function fetchFailure(code: number | 'diverged' | 'corrupt') {
  if (code === 'diverged') return 'diverged';
  if (code === ERROR.UNKNOWN_TOPIC_ID) return 'recreated';
  return code === ERROR.OFFSET_OUT_OF_RANGE ? 'out-of-range' : 'other';
}
