/**
 * Follows a partition's log from an offset on, over the shared fetcher: what `BrokerPort.tail` gives. Called by
 * `client-broker.ts` and, for re-based copies, by `rebased-log.ts`.
 * Invariant: whatever can be retried is retried inside; nothing comes after `remove`.
 */
import type { Fetcher } from '@meridian/client';
import type { Logger, Timers } from '@meridian/io';
import { ERROR } from '@meridian/protocol';
import { LIMITS } from '../limits.ts';
import type { Tail, TailHandlers, TopicFacts } from './broker-port.ts';
import { committedSlice } from './committed-batches.ts';

/** A tail that may rest, for those who cannot keep up with it. */
export interface LogTail extends Tail {
  pause(): void;
  resume(): void;
}

export interface FollowDeps {
  readonly fetcher: Fetcher;
  readonly timers: Timers;
  readonly log: Logger;
}

export function follow(
  { fetcher, timers, log }: FollowDeps,
  topic: TopicFacts,
  partition: number,
  offset: number,
  handlers: TailHandlers,
): LogTail {
  let isRemoved = false;
  const handle = fetcher.add({
    topic: topic.name,
    topicId: topic.localId,
    partition,
    offset,
    ...(topic.isCopy && !topic.isRebased ? { originEpochsFrom: 0 } : {}),
    onBatches: (slice) => handlers.onSlice(committedSlice(slice)),
    onEnd: (highWatermark, hole) => {
      if (hole) handlers.onAdvance(highWatermark);
    },
    onError(failure) {
      if (failure.divergence !== undefined) return handlers.onDiverged(Math.max(0, failure.divergence.endOffset));
      if (failure.code === ERROR.OFFSET_OUT_OF_RANGE) {
        return handlers.onOutOfRange({ start: failure.logStartOffset, end: failure.highWatermark });
      }
      if (failure.range !== undefined) {
        const { range, detail } = failure;
        log.warn('a batch cannot be read', { topic: topic.name, partition, ...range, detail });
        handlers.onSlice({ buffers: [], epochs: [], undecodable: { ...range, reason: detail } });
        return handle.seek(range.to);
      }
      // The topic is gone or another one, which the topics' poll will find; or the answer made no sense.
      const { code, detail } = failure;
      log.warn('cannot follow a partition', { topic: topic.name, partition, offset: handle.position, code, detail });
      timers.after(LIMITS.tailRetryMs, () => {
        if (!isRemoved) handle.seek(handle.position);
      });
    },
  });
  return {
    seek: (to) => handle.seek(to),
    pause: () => handle.pause(),
    resume: () => handle.resume(),
    remove() {
      isRemoved = true;
      handle.remove();
    },
  };
}
