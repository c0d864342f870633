/**
 * One partition of a topic in one region, as translation sees it: whose records it holds, how its offsets lie to its
 * origin's, and from where to where it can be read. Made by `RegionCopies`, read by `translateOffset`.
 */
import type { OffsetMap } from './followed-runs.ts';
import type { LostRange } from './run-table.ts';

export interface CopyView {
  /** The topic that the records were born in; of a topic that is no copy, its own id. */
  readonly originTopicId: string;
  /** `same`: the origin itself, and its copies in our own brokers. */
  readonly runs: 'same' | OffsetMap;
  /** Log start and high watermark, in its own offsets. */
  readonly start: number;
  readonly end: number;
  /** Where its origin is of no more account: the end of the copy when it was promoted, in its own offsets. */
  readonly cut?: number;
  /** With `same`: what the origin lost before it was copied. A map of runs knows its own. */
  readonly lost?: readonly LostRange[];
}
