/** SyncGroup: the leader hands in the assignment, everybody is answered with theirs once it is stored. */
import { ERROR, SyncGroup } from '@meridian/protocol';
import { type SyncAnswer, syncError } from '../groups/answers.ts';
import { type Handler, type HandlerReach, LATER } from './handler.ts';

/** From here on a member says which protocol it takes the group to use. */
const PROTOCOL_SINCE = 5;

export function createSyncGroupHandler({ groups }: Pick<HandlerReach, 'groups'>): Handler<typeof SyncGroup> {
  return {
    api: SyncGroup,
    handle(request, header) {
      const { groupId, generationId, memberId, groupInstanceId, protocolType, protocolName } = request;
      if (header.version >= PROTOCOL_SINCE && (protocolType === null || protocolName === null)) {
        return syncError(ERROR.INCONSISTENT_GROUP_PROTOCOL);
      }
      if (groupId === '') return syncError(ERROR.INVALID_GROUP_ID);
      const shard = groups.shardOf(groupId);
      if (typeof shard === 'number') return syncError(shard);
      const assignments = request.assignments.map((each) => [each.memberId, Buffer.from(each.assignment)] as const);
      shard.sync(groupId, {
        kind: 'sync',
        waiter: { synced: (answer: SyncAnswer) => header.answer(answer) },
        memberId,
        instanceId: groupInstanceId,
        generationId,
        protocolType,
        protocolName,
        assignments: new Map(assignments),
      });
      return LATER;
    },
  };
}
