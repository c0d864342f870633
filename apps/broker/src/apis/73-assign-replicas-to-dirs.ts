/** AssignReplicasToDirs: a broker tells in which of its log dirs replicas lie. All checks are the decision's. */
import { AssignReplicasToDirs, ERROR } from '@meridian/protocol';
import type { Handler, HandlerReach } from './handler.ts';
import { orWhenInactive } from './when-inactive.ts';

export function createAssignReplicasToDirsHandler({
  submit,
}: Pick<HandlerReach, 'submit'>): Handler<typeof AssignReplicasToDirs> {
  return {
    api: AssignReplicasToDirs,
    handle({ brokerId, brokerEpoch, directories }) {
      const asked = submit({
        kind: 'assignReplicasToDirs',
        brokerId,
        brokerEpoch,
        directories: directories.map(({ id, topics }) => ({
          id,
          topics: topics.map(({ topicId, partitions }) => {
            return { topicId, partitions: partitions.map(({ partitionIndex }) => partitionIndex) };
          }),
        })),
      });
      return orWhenInactive(asked, { errorCode: ERROR.NOT_CONTROLLER, directories: [] });
    },
  };
}
