/**
 * What the record of one partition must say when other replicas live, are in sync or hold it: who leads, who stays in
 * sync, who else has all that is committed (KIP-966), and whether a reassignment is complete. Used by all decisions that
 * touch partitions that exist, mostly through `partition-changer.ts`.
 * Invariants: there is a record only if something changes. It names a leader only to move the leader epoch: when another
 * one leads, or none, when a replica has left the list, or when it is asked for. Who leads is in the in-sync set.
 *
 *   targets ─▶ reassignment complete? ─▶ eligible replicas ─▶ election ─▶ what differs is the record
 *
 * Order of an election: the leader as it is (`preferred`: the first replica before it), the in-sync set, and if that is
 * empty the eligible replicas, in the order of the replicas; only with `unclean` who led last, then whoever lives.
 */
import { type MetadataRecordInput, ZERO_UUID } from '@meridian/protocol';
import type { PartitionInfo } from '../image.ts';
import { completedReassignment } from './reassignment.ts';

export const NO_LEADER = -1;
export const RECOVERED = 0;
export const RECOVERING = 1;

export type PartitionChange = Extract<MetadataRecordInput, { type: 'PartitionChangeRecord' }>;
export type Election = 'preferred' | 'online' | 'unclean';

/** What holds around the partition while it is decided. */
export interface Circumstances {
  readonly topicId: string;
  readonly partition: PartitionInfo;
  /** Lives, does not shut down, and its log dir is online. */
  mayLead(brokerId: number): boolean;
  readonly election: Election;
  /** Eligible leader replicas are kept (`eligible.leader.replicas.version` ≥ 1); the in-sync set may then be empty. */
  readonly hasElr: boolean;
  /** `min.insync.replicas`; a list of replicas that is shorter needs no more than all. */
  readonly minIsr: number;
  /** The dir for a replica that comes in. */
  directoryFor(brokerId: number): string;
}

/** What is asked for; all else stays as it is. */
export interface Targets {
  readonly isr?: readonly number[];
  readonly replicas?: readonly number[];
  readonly adding?: readonly number[];
  readonly removing?: readonly number[];
  readonly leaderRecoveryState?: number;
  /** A broker that may have lost what it had: not eligible any more. */
  readonly lost?: number | undefined;
  /** Whoever leads does so under a new epoch, even who led before. */
  readonly anew?: boolean;
  /** Dirs of some brokers' replicas. */
  readonly directories?: ReadonlyMap<number, string> | undefined;
}

/** The partition on its way. */
interface Draft {
  replicas: readonly number[];
  adding: readonly number[];
  removing: readonly number[];
  isr: readonly number[];
  elr: readonly number[];
  leader: number;
  isUnclean: boolean;
}

export function partitionChange(around: Circumstances, targets: Targets): PartitionChange | undefined {
  const { partition } = around;
  const draft: Draft = {
    replicas: targets.replicas ?? partition.replicas,
    adding: targets.adding ?? partition.addingReplicas,
    removing: targets.removing ?? partition.removingReplicas,
    isr: targets.isr ?? partition.isr,
    elr: partition.eligibleLeaderReplicas,
    leader: partition.leader,
    isUnclean: false,
  };
  Object.assign(draft, completedReassignment(draft));
  draft.elr = eligible(around, draft, targets.lost);
  elect(around, draft);
  if (mayCommit(around, draft)) draft.elr = [];
  return recordOf(around, draft, targets);
}

/** Who has left the in-sync set since it became too small to commit anything has all that is committed. */
function eligible(around: Circumstances, draft: Draft, lost?: number): readonly number[] {
  if (!around.hasElr || mayCommit(around, draft)) return [];
  const { partition } = around;
  const candidates = [...new Set([...partition.eligibleLeaderReplicas, ...partition.isr])];
  return candidates.filter((id) => id !== lost && !draft.isr.includes(id) && draft.replicas.includes(id));
}

/** Whether the in-sync set is large enough to commit records that nobody else has. */
function mayCommit({ minIsr }: Circumstances, { isr, replicas }: Draft): boolean {
  return isr.length >= Math.min(minIsr, replicas.length);
}

function elect(around: Circumstances, draft: Draft): void {
  const { leader, isUnclean } = electedFrom(around, draft);
  const { partition } = around;
  // The leader stays, and so may what only an election would set right.
  if (leader === partition.leader && !isUnclean) return;
  draft.leader = leader;
  draft.isUnclean = isUnclean;
  if (isUnclean) draft.elr = [];
  if (leader === NO_LEADER || draft.isr.includes(leader)) return;
  draft.isr = [leader];
  draft.elr = draft.elr.filter((id) => id !== leader);
}

function electedFrom(around: Circumstances, draft: Draft): { leader: number; isUnclean: boolean } {
  const { partition, mayLead, election } = around;
  const isClean = (id: number): boolean => (draft.isr.length > 0 ? draft.isr : draft.elr).includes(id) && mayLead(id);
  const [first = NO_LEADER] = draft.replicas;
  if (election === 'preferred' && isClean(first)) return { leader: first, isUnclean: false };
  if (isClean(partition.leader)) return { leader: partition.leader, isUnclean: false };
  const clean = draft.replicas.find(isClean);
  if (clean !== undefined) return { leader: clean, isUnclean: false };
  const lastKnown = lastKnownLeader(around, draft);
  if (lastKnown !== undefined) return { leader: lastKnown, isUnclean: draft.replicas.length > 1 };
  const alive = election === 'unclean' ? draft.replicas.find((id) => mayLead(id)) : undefined;
  return alive === undefined ? { leader: NO_LEADER, isUnclean: false } : { leader: alive, isUnclean: true };
}

/** Nobody is known to have all: who led last has most. The only replica there is needs no leave to lead. */
function lastKnownLeader({ partition, mayLead, election, hasElr }: Circumstances, draft: Draft): number | undefined {
  const [only, ...more] = partition.lastKnownElr;
  if (!hasElr || only === undefined || more.length > 0 || draft.isr.length + draft.elr.length > 0) return undefined;
  const isAllowed = election === 'unclean' || draft.replicas.length === 1;
  return isAllowed && draft.replicas.includes(only) && mayLead(only) ? only : undefined;
}

function recordOf(around: Circumstances, draft: Draft, targets: Targets): PartitionChange | undefined {
  const { topicId, partition, hasElr } = around;
  // Without eligible replicas the last one stays in the set though it is gone: nobody else would know of it.
  const isr = draft.isr.length === 0 && !hasElr ? partition.isr : draft.isr;
  const hasLost = partition.replicas.some((id) => !draft.replicas.includes(id));
  const isRenewed = targets.anew === true && draft.leader !== NO_LEADER;
  const namesLeader = draft.leader !== partition.leader || hasLost || isRenewed;
  const recovery = draft.isUnclean ? RECOVERING : (targets.leaderRecoveryState ?? partition.leaderRecoveryState);
  const directories = directoriesOf(around, draft.replicas, targets.directories);
  const changes = {
    ...(namesLeader && { leader: draft.leader }),
    ...ifChanged('isr', isr, partition.isr),
    ...ifChanged('eligibleLeaderReplicas', draft.elr, partition.eligibleLeaderReplicas),
    ...ifChanged('lastKnownElr', lastKnownAfter(around, draft, isr), partition.lastKnownElr),
    ...ifChanged('replicas', draft.replicas, partition.replicas),
    ...ifChanged('addingReplicas', draft.adding, partition.addingReplicas),
    ...ifChanged('removingReplicas', draft.removing, partition.removingReplicas),
    ...(recovery !== partition.leaderRecoveryState && { leaderRecoveryState: recovery }),
    ...ifChanged('directories', directories, partition.directories),
  };
  if (Object.keys(changes).length === 0) return undefined;
  return { type: 'PartitionChangeRecord', topicId, partitionId: partition.index, ...changes };
}

/** Whoever led when the last one left the in-sync set is remembered until somebody leads again. */
function lastKnownAfter({ partition, hasElr }: Circumstances, draft: Draft, isr: readonly number[]): readonly number[] {
  if (!hasElr || draft.leader !== NO_LEADER) return [];
  const isEmptied = isr.length === 0 && partition.isr.length > 0;
  return isEmptied && partition.leader !== NO_LEADER ? [partition.leader] : partition.lastKnownElr;
}

function directoriesOf(
  { partition, directoryFor }: Circumstances,
  replicas: readonly number[],
  given?: ReadonlyMap<number, string>,
): readonly string[] {
  if (replicas === partition.replicas && given === undefined) return partition.directories;
  return replicas.map((id) => {
    const at = partition.replicas.indexOf(id);
    return given?.get(id) ?? (at === -1 ? directoryFor(id) : (partition.directories[at] ?? ZERO_UUID));
  });
}

function ifChanged<K extends string, T>(key: K, now: readonly T[], before: readonly T[]): { [P in K]?: T[] } {
  const isSame = now === before || (now.length === before.length && now.every((each, i) => each === before[i]));
  return (isSame ? {} : { [key]: [...now] }) as { [P in K]?: T[] };
}
