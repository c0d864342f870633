/**
 * One partition of the origin as it is read by the shell of a task, whatever engine the copy lies in: fetched from where
 * the machine says, paused and gone on with. Owned by the shell. Invariant: after `stop` nothing is handed on.
 */
import type { FetchedSlice, Fetcher, FetchHandle } from '@meridian/client';
import { ERROR } from '@meridian/protocol';
import type { TaskInput } from './messages.ts';
import type { TaskPlace } from './mirror-task.ts';

export interface OriginEars {
  onSlice(slice: FetchedSlice): void;
  /** Nothing came: where the log begins and ends; with `hole`, nothing is up to there either. */
  onEnd(highWatermark: number, hole: boolean, logStartOffset: number): void;
  onNews(news: Extract<TaskInput, { type: 'leaderEpoch' | 'trouble' | 'fetchFailed' }>): void;
}

export class OriginReader {
  private readonly fetcher: Fetcher;
  private readonly place: TaskPlace;
  private readonly ears: OriginEars;
  private handle: FetchHandle | undefined;

  constructor(fetcher: Fetcher, place: TaskPlace, ears: OriginEars) {
    this.fetcher = fetcher;
    this.place = place;
    this.ears = ears;
  }

  /** From here on, whatever was fetched before. */
  fetch(offset: number, lastFetchedEpoch: number): void {
    if (this.handle !== undefined) {
      this.handle.seek(offset, lastFetchedEpoch);
      this.handle.resume();
      return;
    }
    const { topic, topicId, partition } = this.place;
    const { ears } = this;
    this.handle = this.fetcher.add({
      ...{ topic, topicId, partition, offset, lastFetchedEpoch },
      onBatches: (slice) => ears.onSlice(slice),
      onEnd: (highWatermark, hole, logStartOffset) => ears.onEnd(highWatermark, hole, logStartOffset),
      onLeaderEpoch: (epoch) => ears.onNews({ type: 'leaderEpoch', epoch }),
      onRetry: (reason) => ears.onNews({ type: 'trouble', reason }),
      onError: ({ code, detail }) => ears.onNews({ type: 'fetchFailed', kind: fetchFailure(code), detail }),
    });
  }

  pause(): void {
    this.handle?.pause();
  }

  resume(): void {
    this.handle?.resume();
  }

  stop(): void {
    this.handle?.remove();
    this.handle = undefined;
  }
}

/** What an error of the fetcher means to a partition. */
function fetchFailure(code: number | 'diverged' | 'corrupt') {
  if (code === 'diverged') return 'diverged';
  if (code === ERROR.UNKNOWN_TOPIC_ID) return 'recreated';
  return code === ERROR.OFFSET_OUT_OF_RANGE ? 'out-of-range' : 'other';
}
