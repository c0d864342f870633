/** DescribeGroups: state, protocol and members. Subscriptions are shown while the group is stable, as Apache Kafka does. */
import { DescribeGroups, ERROR, type ResponseInput } from '@meridian/protocol';
import { type ClassicGroup, type Member, metadataOf } from '../groups/classic-group.ts';
import type { Handler, HandlerReach } from './handler.ts';

type Described = ResponseInput<typeof DescribeGroups>['groups'][number];

const NOT_FOUND_SINCE = 6;
/** Bits of all operations that exist on a group: there are no ACLs on this broker. */
const ALL_GROUP_OPERATIONS = 3400;
const NOTHING = Buffer.alloc(0);

export function createDescribeGroupsHandler({ groups }: Pick<HandlerReach, 'groups'>): Handler<typeof DescribeGroups> {
  return {
    api: DescribeGroups,
    handle(request, { version }) {
      const describe = (groupId: string): Described => {
        const shard = groups.shardOf(groupId);
        if (typeof shard === 'number') return { ...empty(groupId, ''), errorCode: shard };
        const entry = shard.groups.get(groupId);
        if (entry !== undefined) return describeGroup(entry.group);
        if (version < NOT_FOUND_SINCE) return empty(groupId, 'Dead');
        const errorMessage = `Group ${groupId} not found.`;
        return { ...empty(groupId, 'Dead'), errorCode: ERROR.GROUP_ID_NOT_FOUND, errorMessage };
      };
      // Each once: a large group that is asked for many times must not fill the memory.
      const described = Array.from(new Set(request.groups), describe);
      if (!request.includeAuthorizedOperations) return { groups: described };
      const authorizedOperations = ALL_GROUP_OPERATIONS;
      return {
        groups: described.map((each) => (each.errorCode === ERROR.NONE ? { ...each, authorizedOperations } : each)),
      };
    },
  };
}

function empty(groupId: string, groupState: string): Described {
  return { errorCode: ERROR.NONE, groupId, groupState, protocolType: '', protocolData: '', members: [] };
}

function describeGroup(group: ClassicGroup): Described {
  const protocol = group.state === 'Stable' ? group.protocolName : null;
  return {
    errorCode: ERROR.NONE,
    groupId: group.groupId,
    groupState: group.state,
    protocolType: group.protocolType ?? '',
    protocolData: protocol ?? '',
    members: Array.from(group.members.values(), (member) => describeMember(member, protocol)),
  };
}

function describeMember(member: Member, protocol: string | null): Described['members'][number] {
  return {
    memberId: member.memberId,
    groupInstanceId: member.instanceId,
    clientId: member.clientId,
    clientHost: member.clientHost,
    memberMetadata: protocol === null ? NOTHING : metadataOf(member, protocol),
    memberAssignment: member.assignment,
  };
}
