/**
 * A node's part in the metadata quorum, as the rest of the process sees it: the metadata log with what is committed in it,
 * and on the leader the way to append. Opened by `openQuorumNode` on every node: voters are controllers, all others observe.
 * Invariant: what the listener is handed is committed, comes in the log's order and never twice in one life of the process.
 */
import type { Api, MetadataRecord, RequestOf, ResponseInput } from '@meridian/protocol';
import type { ReplicaKey, VoterSet } from '@meridian/quorum';
import type { BrokerError } from '../errors.ts';

/** Where a node's internal listener is found. */
export interface QuorumAddress {
  readonly host: string;
  readonly port: number;
}

export interface QuorumNode {
  readonly self: ReplicaKey;
  /** Below it everything is committed; −1 while that is not known. */
  readonly highWatermark: number;
  readonly endOffset: number;
  /** Below it everything is fsynced. */
  readonly durableEnd: number;
  /** Of the last record that is committed, as far as this node knows; −1 if the log does not reach there. */
  readonly committedEpoch: number;
  /** What is committed as the leader knows it, though our log may be shorter; −1 until a leader has told. */
  readonly leaderHighWatermark: number;
  /** As far as this node knows; id −1: nobody. */
  leader(): { readonly id: number; readonly epoch: number };
  /** Of voters, and of the leader as requests and answers told it. */
  addressOf(nodeId: number): QuorumAddress | undefined;
  describe(): QuorumDescription;
  /**
   * One batch, if this node leads `epoch` (else undefined); returns the offset behind it. `committed` tells when it is
   * committed, `ledNoMore` that it may never be.
   */
  propose(epoch: number, values: readonly Buffer[]): number | undefined;
  /**
   * The image as it was at `endOffset` (a `nextOffset` that `committed` was handed, with its epoch), as batches of encoded
   * records. Resolves when the file is durable and the log begins behind it.
   */
  writeSnapshot(endOffset: number, epoch: number, batches: Iterable<readonly Buffer[]>): Promise<void>;
  /** Bytes appended behind the newest snapshot. */
  bytesSinceSnapshot(): number;
  /**
   * Answers Vote, BeginQuorumEpoch, EndQuorumEpoch, Fetch of the metadata log, FetchSnapshot, AddRaftVoter, RemoveRaftVoter
   * and UpdateRaftVoter.
   */
  handle<A extends Api>(api: A, request: RequestOf<A>, header: { readonly version: number }): Promise<ResponseInput<A>>;
  /** A hint: nobody listens at the leader's address any more. */
  leaderUnreachable(leaderId: number): void;
  /** Takes part from now on. Until then `handle` waits. */
  start(listener: QuorumListener): void;
  /** Hands the lead over if it has it, and stands for none any more; resolves when somebody else leads, or soon. */
  resign(): Promise<void>;
  /** Clean: what is appended is fsynced and marked so. */
  close(clean: boolean): Promise<void>;
}

/** One batch of the metadata log. */
export interface CommittedBatch {
  readonly baseOffset: number;
  readonly nextOffset: number;
  readonly epoch: number;
  /** Milliseconds since the Unix epoch. */
  readonly timestamp: number;
  /** Empty for a control batch. */
  readonly records: readonly MetadataRecord[];
}

export interface CommittedSnapshot {
  /** It stands for everything below. */
  readonly endOffset: number;
  readonly epoch: number;
  readonly records: Iterable<MetadataRecord>;
}

/** `committed` and `snapshot` are called one after another: the next one waits until a promise is settled. */
export interface QuorumListener {
  committed(batch: CommittedBatch): void | Promise<void>;
  /** Instead of all before: what was applied until now counts no more. */
  snapshot(snapshot: CommittedSnapshot): void | Promise<void>;
  /** At once, before whatever waits. Id −1: nobody. */
  leaderChanged(leaderId: number, epoch: number): void;
  /** We lead `epoch`; decisions may begin once everything below `epochStart + 1` has been committed and applied. */
  leads(epoch: number, epochStart: number): void;
  ledNoMore(): void;
  /** Nothing goes on: the process should end. */
  failed(error: BrokerError): void;
}

export interface QuorumDescription {
  readonly leaderId: number;
  readonly leaderEpoch: number;
  readonly highWatermark: number;
  /** In force now, committed or not. */
  readonly voters: VoterSet;
  /** Leader only, else empty: voters and observers, the leader among them. Times are milliseconds since the Unix epoch, −1: never. */
  readonly progress: readonly ReplicaProgress[];
  /** 1 once the voters stand in the log, else 0. */
  readonly kraftVersion: number;
}

export interface ReplicaProgress {
  readonly id: number;
  readonly directoryId: string;
  readonly isVoter: boolean;
  /** −1: not known. */
  readonly logEndOffset: number;
  readonly lastFetchTimestamp: number;
  readonly lastCaughtUpTimestamp: number;
}
