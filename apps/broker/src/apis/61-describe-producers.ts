/**
 * DescribeProducers: the idempotent producers that a partition's log remembers. Answered by the partition's leader.
 */
import { DescribeProducers, ERROR, type ResponseInput } from '@meridian/protocol';
import { whyInvalidTopicName } from '../controller/topic-name.ts';
import type { Handler, HandlerReach } from './handler.ts';

type Described = ResponseInput<typeof DescribeProducers>['topics'][number]['partitions'][number];

const NOT_HOSTED = 'This server does not host this topic-partition.';

export function createDescribeProducersHandler({
  partitions,
  image,
}: Pick<HandlerReach, 'partitions' | 'image'>): Handler<typeof DescribeProducers> {
  const describe = (topic: string, partitionIndex: number): Described => {
    const refuse = (errorCode: number, errorMessage: string | null = null): Described => ({
      partitionIndex,
      errorCode,
      errorMessage,
      activeProducers: [],
    });
    const why = whyInvalidTopicName(topic);
    if (why !== null) return refuse(ERROR.INVALID_TOPIC_EXCEPTION, why);
    if (!image.topicsByName.has(topic)) return refuse(ERROR.UNKNOWN_TOPIC_OR_PARTITION, NOT_HOSTED);
    const partition = partitions.byName(topic, partitionIndex);
    if (partition === undefined) return refuse(partitions.errorByName(topic, partitionIndex));
    const errorCode = partition.errorFor(-1);
    if (errorCode !== ERROR.NONE) return refuse(errorCode);
    const activeProducers = [...partition.log.producers.active()];
    return { partitionIndex, errorCode, activeProducers };
  };
  return {
    api: DescribeProducers,
    handle: ({ topics }) => ({
      topics: topics.map(({ name, partitionIndexes }) => ({
        name,
        // Each once: a long list of producers must not be told over and over.
        partitions: Array.from(new Set(partitionIndexes), (index) => describe(name, index)),
      })),
    }),
  };
}
