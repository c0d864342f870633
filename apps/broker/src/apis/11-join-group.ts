/**
 * JoinGroup: enters a group, and is answered when the rebalance is over. The rules are the group machine's
 * (`groups/step.ts`); here are the checks of the request, and the differences of the versions.
 */
import { ERROR, JoinGroup, type RequestOf } from '@meridian/protocol';
import { type JoinAnswer, joinError } from '../groups/answers.ts';
import type { JoinWaiter } from '../groups/classic-group.ts';
import { GROUP_LIMITS } from '../groups/limits.ts';
import type { JoinInput } from '../groups/messages.ts';
import { type Handler, type HandlerReach, LATER, type RequestHeader } from './handler.ts';

type Request = RequestOf<typeof JoinGroup>;
type Header = RequestHeader<typeof JoinGroup>;

const ID_FIRST_SINCE = 4;
const SKIP_ASSIGNMENT_SINCE = 9;
const NULL_PROTOCOL_SINCE = 7;

export function createJoinGroupHandler({ groups }: Pick<HandlerReach, 'groups'>): Handler<typeof JoinGroup> {
  return {
    api: JoinGroup,
    handle(request, header) {
      const error = requestError(request, groups.settings);
      if (error !== ERROR.NONE) return response(joinError(error, request.memberId), header.version);
      const shard = groups.shardOf(request.groupId);
      if (typeof shard === 'number') return response(joinError(shard, request.memberId), header.version);
      const waiter = { joined: (answer: JoinAnswer) => header.answer(response(answer, header.version)) };
      const prefix = request.groupInstanceId ?? header.clientId ?? '';
      shard.join(request.groupId, joinInput(request, header, groups.newMemberId(prefix), waiter));
      return LATER;
    },
  };
}

function requestError(
  { groupId, sessionTimeoutMs, protocols }: Request,
  settings: HandlerReach['groups']['settings'],
): number {
  if (groupId === '') return ERROR.INVALID_GROUP_ID;
  const { minSessionTimeoutMs, maxSessionTimeoutMs } = settings;
  const isAllowed = sessionTimeoutMs >= minSessionTimeoutMs && sessionTimeoutMs <= maxSessionTimeoutMs;
  if (!isAllowed) return ERROR.INVALID_SESSION_TIMEOUT;
  const bytes = protocols.reduce((sum, { metadata }) => sum + metadata.length, 0);
  return bytes > GROUP_LIMITS.subscriptionBytes ? ERROR.INVALID_REQUEST : ERROR.NONE;
}

/** Subscriptions are copied: a group keeps them for long, and must not keep the whole frame with them. */
function joinInput(request: Request, header: Header, newMemberId: string, waiter: JoinWaiter): JoinInput {
  const { memberId, groupInstanceId, sessionTimeoutMs, rebalanceTimeoutMs, protocolType, protocols } = request;
  const { version, clientId, source } = header;
  return {
    kind: 'join',
    waiter,
    memberId,
    instanceId: groupInstanceId,
    clientId: clientId ?? '',
    clientHost: `/${source.remoteAddress}`,
    sessionTimeoutMs,
    rebalanceTimeoutMs: version === 0 ? sessionTimeoutMs : rebalanceTimeoutMs,
    protocolType,
    protocols: protocols.map(({ name, metadata }) => ({ name, metadata: Buffer.from(metadata) })),
    newMemberId,
    takesIdFirst: version >= ID_FIRST_SINCE,
    knowsSkipAssignment: version >= SKIP_ASSIGNMENT_SINCE,
  };
}

function response(answer: JoinAnswer, version: number) {
  const { protocolName, skipAssignment, ...rest } = answer;
  return {
    ...rest,
    protocolName: version < NULL_PROTOCOL_SINCE ? (protocolName ?? '') : protocolName,
    ...(version >= SKIP_ASSIGNMENT_SINCE && { skipAssignment }),
  };
}
