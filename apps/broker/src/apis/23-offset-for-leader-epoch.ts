/**
 * OffsetForLeaderEpoch: where an epoch ended in the log. A consumer or the mirror finds out by it whether what it has read
 * is still what the log holds.
 */
import { ERROR, OffsetForLeaderEpoch, type RequestOf } from '@meridian/protocol';
import type { Handler, HandlerReach } from './handler.ts';

type Ask = RequestOf<typeof OffsetForLeaderEpoch>['topics'][number]['partitions'][number];

export function createOffsetForLeaderEpochHandler({
  partitions,
}: Pick<HandlerReach, 'partitions'>): Handler<typeof OffsetForLeaderEpoch> {
  const answer = (topic: string, { partition: index, currentLeaderEpoch, leaderEpoch }: Ask) => {
    const partition = partitions.byName(topic, index);
    const errorCode = partition ? partition.errorFor(currentLeaderEpoch) : partitions.errorByName(topic, index);
    if (partition === undefined || errorCode !== ERROR.NONE) return { errorCode, partition: index };
    const end = partition.log.epochs.endOffsetFor(leaderEpoch);
    return { errorCode, partition: index, leaderEpoch: end.epoch, endOffset: end.endOffset };
  };
  return {
    api: OffsetForLeaderEpoch,
    handle: (request) => ({
      topics: request.topics.map(({ topic, partitions: asks }) => ({
        topic,
        partitions: asks.map((ask) => answer(topic, ask)),
      })),
    }),
  };
}
