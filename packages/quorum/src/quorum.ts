/** The metadata quorum's Raft, as KRaft does it: `@meridian/quorum`. A pure machine; `step.ts` is where to begin reading. */
export type { EpochStart, LogBooksOptions } from './log-books.ts';
export type * from './messages.ts';
export type { Progress } from './replicas.ts';
export { createQuorum, nextDeadlineMs, type Quorum, type QuorumOptions, type QuorumSettings } from './state.ts';
export { step } from './step.ts';
export {
  isVoter,
  type ReplicaKey,
  UNKNOWN_DIRECTORY,
  type Voter,
  type VoterEndpoint,
  type VoterSet,
} from './voters.ts';
