/**
 * What the group machine answers, in the words of the newest version of each API; the handlers in `apis/` put it into the
 * words of the version that was asked in.
 */

/** JoinGroup; on an error everything but `memberId` has its empty value. */
export interface JoinAnswer {
  readonly errorCode: number;
  readonly memberId: string;
  /** −1 on an error. */
  readonly generationId: number;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly leader: string;
  /** The leader came back and need not assign anew. */
  readonly skipAssignment: boolean;
  /** For the leader, unless it follows: everybody with their subscriptions. */
  readonly members: readonly JoinedMember[];
}

export interface JoinedMember {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly metadata: Buffer;
}

export interface SyncAnswer {
  readonly errorCode: number;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly assignment: Buffer;
}

/** LeaveGroup: one for each member that was named. */
export interface LeftMember {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly errorCode: number;
}

const NOTHING = Buffer.alloc(0);

export function joinError(errorCode: number, memberId: string): JoinAnswer {
  return {
    errorCode,
    memberId,
    generationId: -1,
    protocolType: null,
    protocolName: null,
    leader: '',
    skipAssignment: false,
    members: [],
  };
}

export function syncError(errorCode: number): SyncAnswer {
  return { errorCode, protocolType: null, protocolName: null, assignment: NOTHING };
}
