/**
 * ListPartitionReassignments: the reassignments that are under way, as the image has them. As in Apache Kafka, what is asked
 * for and has none is left out, whether it exists or not.
 */
import { ERROR, ListPartitionReassignments } from '@meridian/protocol';
import { isReassigning } from '../controller/decide/reassignment.ts';
import type { PartitionInfo } from '../controller/image.ts';
import type { Handler, HandlerReach } from './handler.ts';

export function createListPartitionReassignmentsHandler({
  image,
}: Pick<HandlerReach, 'image'>): Handler<typeof ListPartitionReassignments> {
  return {
    api: ListPartitionReassignments,
    handle({ topics }) {
      const asked =
        topics?.map(({ name, partitionIndexes }) => {
          const partitions = image.topicsByName.get(name)?.partitions ?? [];
          return { name, partitions: [...new Set(partitionIndexes)].flatMap((index) => partitions[index] ?? []) };
        }) ?? image.topicsByName.values();
      return { errorCode: ERROR.NONE, topics: [...asked].flatMap(({ name, partitions }) => ongoing(name, partitions)) };
    },
  };
}

function ongoing(name: string, partitions: readonly PartitionInfo[]) {
  const reassigning = partitions.filter(isReassigning);
  if (reassigning.length === 0) return [];
  return [
    {
      name,
      partitions: reassigning.map(({ index, replicas, addingReplicas, removingReplicas }) => {
        return { partitionIndex: index, replicas, addingReplicas, removingReplicas };
      }),
    },
  ];
}
