/**
 * DeleteRecords: moves the start of partitions' logs forward, to an offset or (−1) to the high watermark, and answers when
 * their replicas have followed. Invariant: each partition is answered once, however often it was named; the last offset asked for is the one that counts.
 */
import { DeleteRecords, ERROR } from '@meridian/protocol';
import type { Handler, HandlerReach } from './handler.ts';
import { isInternalTopic } from './topic-description.ts';

const NO_LOW_WATERMARK = -1;

interface DeleteOptions {
  readonly asMirror: boolean;
  readonly timeoutMs: number;
}

export function createDeleteRecordsHandler({
  partitions,
}: Pick<HandlerReach, 'partitions'>): Handler<typeof DeleteRecords> {
  const deleteOne = async (topic: string, partitionIndex: number, offset: number, options: DeleteOptions) => {
    const refuse = (errorCode: number) => ({ partitionIndex, errorCode, lowWatermark: NO_LOW_WATERMARK });
    const partition = partitions.byName(topic, partitionIndex);
    if (partition === undefined) return refuse(partitions.errorByName(topic, partitionIndex));
    if (isInternalTopic(topic)) return refuse(ERROR.INVALID_TOPIC_EXCEPTION);
    const errorCode = await partition.deleteRecords(offset, options);
    if (errorCode !== ERROR.NONE && errorCode !== ERROR.REQUEST_TIMED_OUT) return refuse(errorCode);
    return { partitionIndex, errorCode, lowWatermark: partition.lowWatermark };
  };
  return {
    api: DeleteRecords,
    async handle(request, { source: { listener } }) {
      const options = { asMirror: listener === 'internal', timeoutMs: Math.max(0, request.timeoutMs) };
      const asked = new Map<string, Map<number, number>>();
      for (const { name, partitions: asks } of request.topics) {
        const offsets = asked.get(name) ?? new Map<number, number>();
        asked.set(name, offsets);
        for (const { partitionIndex, offset } of asks) offsets.set(partitionIndex, offset);
      }
      const deleted = [...asked].map(async ([name, offsets]) => ({
        name,
        partitions: await Promise.all([...offsets].map(([index, offset]) => deleteOne(name, index, offset, options))),
      }));
      const topics = await Promise.all(deleted);
      return { topics: topics.filter((topic) => topic.partitions.length > 0) };
    },
  };
}
