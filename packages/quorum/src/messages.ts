/**
 * What goes into the quorum's machine and what comes out: requests and responses of KRaft's RPCs as plain data, and
 * effects. The shell that owns sockets and the log translates them to and from the wire.
 *
 * The ordering law: effects are performed in their order, and `persist` is durable before the next one begins. A vote that
 * is sent and then forgotten elects two leaders.
 */
import type { ReplicaKey, Voter } from './voters.ts';

/** Names of Kafka's error codes, so that this package needs no table. */
export type RaftError =
  | 'NONE'
  | 'NOT_LEADER_OR_FOLLOWER'
  | 'REQUEST_TIMED_OUT'
  | 'UNSUPPORTED_VERSION'
  | 'INVALID_REQUEST'
  | 'FENCED_LEADER_EPOCH'
  | 'UNKNOWN_LEADER_EPOCH'
  | 'POSITION_OUT_OF_RANGE'
  | 'SNAPSHOT_NOT_FOUND'
  | 'INVALID_VOTER_KEY'
  | 'DUPLICATE_VOTER'
  | 'VOTER_NOT_FOUND';

/** A place in the log: everything below `offset`, the last of it written in `epoch`. Also the name of a snapshot. */
export interface OffsetAndEpoch {
  readonly offset: number;
  readonly epoch: number;
}

/** KIP-595, and KIP-996 for `preVote`. */
export interface VoteRequest {
  readonly api: 'Vote';
  readonly epoch: number;
  readonly candidate: ReplicaKey;
  /** Whom it is meant for. */
  readonly voter: ReplicaKey;
  /** The end of the candidate's log. */
  readonly last: OffsetAndEpoch;
  readonly preVote: boolean;
}

/** A leader tells the voters that it leads, until each of them fetches. */
export interface BeginQuorumEpochRequest {
  readonly api: 'BeginQuorumEpoch';
  readonly epoch: number;
  readonly leaderId: number;
  readonly voter: ReplicaKey;
}

/** A leader that resigns says who should be next, best first. */
export interface EndQuorumEpochRequest {
  readonly api: 'EndQuorumEpoch';
  readonly epoch: number;
  readonly leaderId: number;
  readonly preferredSuccessors: readonly ReplicaKey[];
}

export interface FetchRequest {
  readonly api: 'Fetch';
  readonly replica: ReplicaKey;
  /** The epoch in which the fetcher believes that the receiver leads. */
  readonly epoch: number;
  readonly fetchOffset: number;
  readonly lastFetchedEpoch: number;
  /** What the fetcher knows of it (KIP-1166): an answer need not wait when the leader knows more. −1: nothing. */
  readonly highWatermark: number;
  readonly maxWaitMs: number;
}

export interface FetchSnapshotRequest {
  readonly api: 'FetchSnapshot';
  readonly replica: ReplicaKey;
  readonly epoch: number;
  readonly snapshot: OffsetAndEpoch;
  readonly position: number;
}

/** KIP-853. `isReachable`: the new voter has answered when the shell asked it at its endpoints. */
export interface AddVoterRequest {
  readonly api: 'AddRaftVoter';
  readonly voter: Voter;
  readonly isReachable: boolean;
  readonly timeoutMs: number;
  /** False: answered once the record is appended. */
  readonly ackWhenCommitted?: boolean | undefined;
}

export interface RemoveVoterRequest {
  readonly api: 'RemoveRaftVoter';
  readonly voter: ReplicaKey;
  readonly timeoutMs: number;
}

/** A voter tells its endpoints and versions. */
export interface UpdateVoterRequest {
  readonly api: 'UpdateRaftVoter';
  readonly epoch: number;
  readonly voter: Voter;
  readonly timeoutMs: number;
}

export type RaftRequest =
  | VoteRequest
  | BeginQuorumEpochRequest
  | EndQuorumEpochRequest
  | FetchRequest
  | FetchSnapshotRequest
  | AddVoterRequest
  | RemoveVoterRequest
  | UpdateVoterRequest;

/** Every answer tells who leads, as far as the answering node knows (−1: nobody). */
interface Answer {
  readonly error: RaftError;
  readonly epoch: number;
  readonly leaderId: number;
}

export interface VoteResponse extends Answer {
  readonly api: 'Vote';
  readonly granted: boolean;
}

export interface FetchResponse extends Answer {
  readonly api: 'Fetch';
  /** −1 while it is not known. */
  readonly highWatermark: number;
  /** The fetcher's log is not a beginning of the leader's: here is where its epoch ends in the leader's. */
  readonly diverging?: OffsetAndEpoch | undefined;
  /** The leader has not got the records any more: this snapshot stands for them. */
  readonly snapshot?: OffsetAndEpoch | undefined;
  readonly batches: readonly FetchedBatch[];
}

export interface FetchSnapshotResponse extends Answer {
  readonly api: 'FetchSnapshot';
  readonly snapshot: OffsetAndEpoch;
  readonly sizeInBytes: number;
  readonly position: number;
  readonly bytes: Uint8Array;
}

/** BeginQuorumEpoch, EndQuorumEpoch and the three that change voters. */
export interface PlainResponse extends Answer {
  readonly api: Exclude<RaftRequest['api'], 'Vote' | 'Fetch' | 'FetchSnapshot'>;
  readonly message?: string | undefined;
}

export type RaftResponse = VoteResponse | FetchResponse | FetchSnapshotResponse | PlainResponse;

/** What the machine has to know of a batch of the metadata log; the shell carries its bytes. */
export interface FetchedBatch {
  readonly baseOffset: number;
  readonly nextOffset: number;
  readonly epoch: number;
  /** The batch is a VotersRecord: it counts from the moment that it is in the log. */
  readonly voters?: readonly Voter[] | undefined;
  readonly bytes: Uint8Array;
}

/** Whoever waits for an answer; the shell's own, handed back as it came. */
export type Asker = unknown;

export type QuorumInput =
  | { readonly kind: 'tick' }
  | { readonly kind: 'request'; readonly from: Asker; readonly request: RaftRequest }
  /** `request` is what was sent, so that an answer to another life of ours is told apart. */
  | { readonly kind: 'response'; readonly from: number; readonly request: RaftRequest; readonly response: RaftResponse }
  | { readonly kind: 'failed'; readonly to: number; readonly request: RaftRequest }
  /** The log is fsynced below `end`. */
  | { readonly kind: 'flushed'; readonly end: number }
  /** A leader's records: appended in its epoch, or refused by `refused`. They become one batch. */
  | { readonly kind: 'propose'; readonly proposal: unknown; readonly recordCount: number }
  /** A snapshot of ours is on disk; the log may be cut off below it. */
  | { readonly kind: 'snapshotTaken'; readonly snapshot: OffsetAndEpoch }
  /** The one that was downloaded is sound and in place of the log; `voters`: of its VotersRecord. */
  | {
      readonly kind: 'snapshotInstalled';
      readonly snapshot: OffsetAndEpoch;
      readonly voters?: readonly Voter[] | undefined;
    }
  | { readonly kind: 'snapshotRefused'; readonly snapshot: OffsetAndEpoch }
  /** A hint, which may be wrong: where the leader was, nobody listens any more. */
  | { readonly kind: 'leaderUnreachable'; readonly leaderId: number }
  /** Orderly stop: a leader hands over. */
  | { readonly kind: 'resign' };

/** What must outlive a crash: Kafka's `quorum-state`. */
export interface ElectionState {
  readonly epoch: number;
  /** −1: none known. */
  readonly leaderId: number;
  readonly voted?: ReplicaKey | undefined;
}

/** A batch that the leader itself writes. */
export type LeaderBatch =
  | {
      readonly kind: 'leaderChange';
      readonly voters: readonly ReplicaKey[];
      readonly grantingVoters: readonly ReplicaKey[];
      /** Behind it in the same batch: VotersRecord, and before that `kraft.version` 1 where the log has neither. */
      readonly recorded?: { readonly voters: readonly Voter[]; readonly isFirst: boolean } | undefined;
    }
  | { readonly kind: 'voters'; readonly voters: readonly Voter[] }
  | { readonly kind: 'proposal'; readonly proposal: unknown };

export type QuorumEffect =
  | { readonly kind: 'persist'; readonly state: ElectionState }
  | { readonly kind: 'send'; readonly to: number; readonly request: RaftRequest }
  | { readonly kind: 'answer'; readonly to: Asker; readonly response: RaftResponse }
  /** Read the log from `from` on, and answer with that. */
  | { readonly kind: 'answerFetch'; readonly to: Asker; readonly from: number; readonly response: FetchResponse }
  /** Read the snapshot's file from `position` on, and answer with that. */
  | {
      readonly kind: 'answerSnapshot';
      readonly to: Asker;
      readonly request: FetchSnapshotRequest;
      readonly epoch: number;
    }
  | { readonly kind: 'append'; readonly baseOffset: number; readonly epoch: number; readonly batch: LeaderBatch }
  | { readonly kind: 'appendFetched'; readonly batches: readonly FetchedBatch[] }
  | { readonly kind: 'refused'; readonly proposal: unknown; readonly error: RaftError }
  | { readonly kind: 'truncate'; readonly to: number }
  | {
      readonly kind: 'writeSnapshot';
      readonly snapshot: OffsetAndEpoch;
      readonly position: number;
      readonly bytes: Uint8Array;
    }
  /** From now on a restart need not be told any more that this node has forgotten what it did. */
  | { readonly kind: 'remembers' }
  /** What the leader answered cannot be: nothing of it was taken, and it is asked again later. */
  | { readonly kind: 'distrusted'; readonly why: string }
  | { readonly kind: 'installSnapshot'; readonly snapshot: OffsetAndEpoch; readonly sizeInBytes: number }
  /** Records below it may be applied. It never goes back. */
  | { readonly kind: 'committed'; readonly highWatermark: number }
  | { readonly kind: 'role'; readonly role: RoleName; readonly epoch: number; readonly leaderId: number };

export type RoleName = 'unattached' | 'prospective' | 'candidate' | 'follower' | 'leader' | 'resigned';
