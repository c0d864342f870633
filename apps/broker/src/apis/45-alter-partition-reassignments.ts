/**
 * AlterPartitionReassignments: other replicas for partitions. A partition keeps the replicas that it was made with: asking
 * for those is fine, all else is refused, with Apache Kafka's checks and words.
 * Invariant: nothing changes, so there is never a reassignment under way (`46-list-partition-reassignments.ts`).
 */
import { AlterPartitionReassignments, ERROR, type RequestOf } from '@meridian/protocol';
import { orRefusal, Refusal } from '../controller/decide/decision.ts';
import { checkAssignment } from '../controller/decide/placement.ts';
import type { MetadataImage } from '../controller/image.ts';
import type { Handler, HandlerReach } from './handler.ts';

type Request = RequestOf<typeof AlterPartitionReassignments>;
type Wanted = Request['topics'][number]['partitions'][number];

export function createAlterPartitionReassignmentsHandler({
  image,
}: Pick<HandlerReach, 'image'>): Handler<typeof AlterPartitionReassignments> {
  return {
    api: AlterPartitionReassignments,
    handle({ topics, allowReplicationFactorChange }, { version }) {
      const responses = topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map((wanted) => {
          const why = orRefusal(() => checkReassignment(image, name, wanted));
          const refusal = why instanceof Refusal ? why : undefined;
          const errorCode = refusal?.errorCode ?? ERROR.NONE;
          return { partitionIndex: wanted.partitionIndex, errorCode, errorMessage: refusal?.message ?? null };
        }),
      }));
      return { errorCode: ERROR.NONE, responses, ...(version >= 1 && { allowReplicationFactorChange }) };
    },
  };
}

function checkReassignment(image: MetadataImage, topic: string, { partitionIndex, replicas }: Wanted): void {
  const refuse = (errorCode: number, why: string): never => {
    throw new Refusal(errorCode, why);
  };
  const partitions = image.topicsByName.get(topic)?.partitions;
  if (partitions === undefined) {
    return refuse(ERROR.UNKNOWN_TOPIC_OR_PARTITION, `Unable to find a topic named ${topic}.`);
  }
  const partition = partitions[partitionIndex];
  if (partition === undefined) {
    return refuse(ERROR.UNKNOWN_TOPIC_OR_PARTITION, `Unable to find partition ${topic}:${partitionIndex}.`);
  }
  if (replicas === null) {
    return refuse(ERROR.NO_REASSIGNMENT_IN_PROGRESS, 'No partition reassignment is in progress.');
  }
  checkAssignment(image, replicas);
  const isAsIs =
    replicas.length === partition.replicas.length && replicas.every((id, i) => id === partition.replicas[i]);
  if (!isAsIs) refuse(ERROR.INVALID_REPLICA_ASSIGNMENT, 'Replicas are not moved between brokers here.');
}
