/**
 * DeleteRecords: moves the start of partitions' logs forward, to an offset or (−1) to the high watermark.
 * Invariant: each partition is answered once, however often it was named; the last offset asked for is the one that counts.
 */
import { DeleteRecords, ERROR } from '@meridian/protocol';
import type { Handler, HandlerReach, ListenerName } from './handler.ts';
import { isInternalTopic } from './topic-description.ts';

const NO_LOW_WATERMARK = -1;

export function createDeleteRecordsHandler({
  partitions,
}: Pick<HandlerReach, 'partitions'>): Handler<typeof DeleteRecords> {
  const deleteOne = (topic: string, partitionIndex: number, offset: number, listener: ListenerName) => {
    const refuse = (errorCode: number) => ({ partitionIndex, errorCode, lowWatermark: NO_LOW_WATERMARK });
    const partition = partitions.byName(topic, partitionIndex);
    if (partition === undefined) return refuse(partitions.errorByName(topic, partitionIndex));
    if (isInternalTopic(topic)) return refuse(ERROR.INVALID_TOPIC_EXCEPTION);
    const errorCode = partition.deleteRecords(offset, listener === 'internal');
    if (errorCode !== ERROR.NONE) return refuse(errorCode);
    return { partitionIndex, errorCode, lowWatermark: partition.log.startOffset };
  };
  return {
    api: DeleteRecords,
    handle(request, { source: { listener } }) {
      const asked = new Map<string, Map<number, number>>();
      for (const { name, partitions: asks } of request.topics) {
        const offsets = asked.get(name) ?? new Map<number, number>();
        asked.set(name, offsets);
        for (const { partitionIndex, offset } of asks) offsets.set(partitionIndex, offset);
      }
      const topics = [...asked].map(([name, offsets]) => ({
        name,
        partitions: [...offsets].map(([index, offset]) => deleteOne(name, index, offset, listener)),
      }));
      return { topics: topics.filter((topic) => topic.partitions.length > 0) };
    },
  };
}
