/** DeleteGroups: deletes groups that have no members, with their offsets. */
import { DeleteGroups } from '@meridian/protocol';
import type { Handler, HandlerReach } from './handler.ts';

export function createDeleteGroupsHandler({ groups }: Pick<HandlerReach, 'groups'>): Handler<typeof DeleteGroups> {
  return {
    api: DeleteGroups,
    async handle({ groupsNames }) {
      const remove = async (groupId: string) => {
        const shard = groups.shardOf(groupId);
        return { groupId, errorCode: typeof shard === 'number' ? shard : await shard.deleteGroup(groupId) };
      };
      return { results: await Promise.all([...new Set(groupsNames)].map(remove)) };
    },
  };
}
