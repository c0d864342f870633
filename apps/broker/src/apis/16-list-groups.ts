/** ListGroups: the groups that this broker coordinates; from v4 on by state, from v5 on by type. */
import { ERROR, ListGroups } from '@meridian/protocol';
import type { Handler, HandlerReach } from './handler.ts';

const CLASSIC = 'classic';

export function createListGroupsHandler({ groups }: Pick<HandlerReach, 'groups'>): Handler<typeof ListGroups> {
  return {
    api: ListGroups,
    handle({ statesFilter, typesFilter }) {
      const states = new Set(statesFilter.map(plain));
      const types = new Set(typesFilter.map(plain));
      const shards = groups.shards();
      if (typeof shards === 'number') return { errorCode: shards, groups: [] };
      const listed = shards
        .flatMap((shard) => [...shard.groups.values()])
        .filter(({ group }) => states.size === 0 || states.has(plain(group.state)))
        .filter(() => types.size === 0 || types.has(CLASSIC))
        .map(({ group }) => ({
          groupId: group.groupId,
          protocolType: group.protocolType ?? '',
          groupState: group.state,
          groupType: CLASSIC,
        }));
      return { errorCode: ERROR.NONE, groups: listed };
    },
  };
}

const plain = (text: string): string => text.trim().toLowerCase();
