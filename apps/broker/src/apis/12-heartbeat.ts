/** Heartbeat: a member is alive; the answer tells it whether to join again. */
import { ERROR, Heartbeat } from '@meridian/protocol';
import type { Handler, HandlerReach } from './handler.ts';

export function createHeartbeatHandler({ groups }: Pick<HandlerReach, 'groups'>): Handler<typeof Heartbeat> {
  return {
    api: Heartbeat,
    handle({ groupId, generationId, memberId, groupInstanceId }) {
      if (groupId === '') return { errorCode: ERROR.INVALID_GROUP_ID };
      const shard = groups.shardOf(groupId);
      if (typeof shard === 'number') return { errorCode: shard };
      const input = { kind: 'heartbeat', memberId, instanceId: groupInstanceId, generationId } as const;
      return { errorCode: shard.heartbeat(groupId, input) };
    },
  };
}
