/**
 * Who may commit and delete offsets, and when they have expired: pure rules over a group, asked by `group-shard.ts`.
 */
import { ANY_OFFSET, ERROR } from '@meridian/protocol';
import { type ClassicGroup, isSubscribed, usesConsumerProtocol } from './classic-group.ts';
import type { CommittedOffset, GroupOffsets } from './committed-offset.ts';
import { memberError } from './turn.ts';

export interface Committer {
  readonly memberId: string;
  readonly instanceId: string | null;
  /** −1: not by a member, but by an admin or a consumer that assigns its partitions itself. */
  readonly generationId: number;
}

/** First version of OffsetCommit in which a group that does not exist is told as such. */
const GROUP_NOT_FOUND_SINCE = 9;

/** For a group that does not exist: whoever names no generation may begin it. */
export function commitErrorWithoutGroup({ generationId }: Committer, version: number): number {
  if (generationId < 0) return ERROR.NONE;
  return version >= GROUP_NOT_FOUND_SINCE ? ERROR.GROUP_ID_NOT_FOUND : ERROR.ILLEGAL_GENERATION;
}

export function commitError(group: ClassicGroup, { memberId, instanceId, generationId }: Committer): number {
  if (group.state === 'Dead') return ERROR.COORDINATOR_NOT_AVAILABLE;
  if (generationId < 0 && group.state === 'Empty') return ERROR.NONE;
  if (generationId < 0 && memberId === '' && instanceId === null) return ERROR.UNKNOWN_MEMBER_ID;
  const error = memberError(group, memberId, instanceId);
  if (error !== ERROR.NONE) return error;
  if (generationId !== group.generation) return ERROR.ILLEGAL_GENERATION;
  return group.state === 'CompletingRebalance' ? ERROR.REBALANCE_IN_PROGRESS : ERROR.NONE;
}

/** Of one offset; `ILLEGAL_GENERATION`: somebody else has committed since the committer looked. */
export function offsetError(
  {
    topic,
    partition,
    metadata,
    expectedOffset,
  }: Readonly<{ topic: string; partition: number; metadata: string | null; expectedOffset: number }>,
  offsets: GroupOffsets | undefined,
  maxMetadataChars: number,
): number {
  if ((metadata?.length ?? 0) > maxMetadataChars) return ERROR.OFFSET_METADATA_TOO_LARGE;
  if (expectedOffset === ANY_OFFSET) return ERROR.NONE;
  const offset = offsets?.get(topic, partition)?.offset ?? -1;
  return offset === expectedOffset ? ERROR.NONE : ERROR.ILLEGAL_GENERATION;
}

/** Offsets of a group at work may go only where it can be known that it does not read the topic. */
export function offsetDeleteError(group: ClassicGroup): number {
  if (group.state === 'Dead') return ERROR.GROUP_ID_NOT_FOUND;
  return group.state === 'Empty' || usesConsumerProtocol(group) ? ERROR.NONE : ERROR.NON_EMPTY_GROUP;
}

export function groupDeleteError(group: ClassicGroup): number {
  if (group.state === 'Dead') return ERROR.GROUP_ID_NOT_FOUND;
  return group.state === 'Empty' ? ERROR.NONE : ERROR.NON_EMPTY_GROUP;
}

/**
 * Whether the offset is past its time: counted from when the group became empty, and for topics that a group at work does
 * not read, or groups without members at any time, from the commit.
 */
export function isExpired(
  group: ClassicGroup,
  topic: string,
  offset: CommittedOffset,
  { nowMs, retentionMs }: { readonly nowMs: number; readonly retentionMs: number },
): boolean {
  const from = expiryBaseMs(group, offset);
  if (from === undefined || isSubscribed(group, topic)) return false;
  if (offset.expireTimestampMs !== -1) return nowMs >= offset.expireTimestampMs;
  return nowMs - from >= retentionMs;
}

function expiryBaseMs(group: ClassicGroup, offset: CommittedOffset): number | undefined {
  if (group.protocolType === null) return offset.commitTimestampMs;
  if (group.state === 'Empty') return group.stateSinceMs === -1 ? offset.commitTimestampMs : group.stateSinceMs;
  const isKnown = usesConsumerProtocol(group) && group.subscribedTopics !== undefined && group.state === 'Stable';
  return isKnown ? offset.commitTimestampMs : undefined;
}
