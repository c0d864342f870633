/** LeaveGroup: members leave, one up to v2, several from v3 on, each with a code of its own. */
import { ERROR, LeaveGroup } from '@meridian/protocol';
import type { Handler, HandlerReach } from './handler.ts';

const MANY_SINCE = 3;

export function createLeaveGroupHandler({ groups }: Pick<HandlerReach, 'groups'>): Handler<typeof LeaveGroup> {
  return {
    api: LeaveGroup,
    async handle({ groupId, memberId, members }, { version }) {
      if (groupId === '') return { errorCode: ERROR.INVALID_GROUP_ID };
      const shard = groups.shardOf(groupId);
      if (typeof shard === 'number') return { errorCode: shard };
      const named = version >= MANY_SINCE ? members : [{ memberId, groupInstanceId: null }];
      const left = await shard.leave(groupId, { kind: 'leave', members: named });
      if (version >= MANY_SINCE) return { errorCode: ERROR.NONE, members: left };
      return { errorCode: left[0]?.errorCode ?? ERROR.NONE };
    },
  };
}
