/**
 * Who votes, and since which offset of the log: the newest VotersRecord counts from the moment that it is appended, before
 * it is committed (KIP-853), so cutting the log off can bring an older set back. Changes go one voter at a time, which
 * keeps any two majorities overlapping.
 */

/** Kafka's all-zero uuid: the directory is not known. */
export const UNKNOWN_DIRECTORY = '00000000-0000-0000-0000-000000000000';

/** A voter that lost its disk comes back under another directory id, and is not the voter that it was. */
export interface ReplicaKey {
  readonly id: number;
  /** Canonical uuid text. */
  readonly directoryId: string;
}

export interface VoterEndpoint {
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

export interface Voter extends ReplicaKey {
  readonly endpoints: readonly VoterEndpoint[];
  /** Levels of the feature `kraft.version` that it can run. */
  readonly minKraftVersion: number;
  readonly maxKraftVersion: number;
}

export type VoterSet = readonly Voter[];

export const voterOf = (voters: VoterSet, id: number): Voter | undefined => voters.find((voter) => voter.id === id);

export const majorityOf = (voters: VoterSet): number => Math.floor(voters.length / 2) + 1;

/** Whether the two mean the same replica, as far as both know their directories. */
export function isSameReplica(one: ReplicaKey, other: ReplicaKey): boolean {
  if (one.id !== other.id) return false;
  if (one.directoryId === UNKNOWN_DIRECTORY || other.directoryId === UNKNOWN_DIRECTORY) return true;
  return one.directoryId === other.directoryId;
}

export const isVoter = (voters: VoterSet, replica: ReplicaKey): boolean =>
  voters.some((voter) => isSameReplica(voter, replica));

export const keyOf = ({ id, directoryId }: ReplicaKey): ReplicaKey => ({ id, directoryId });

/** Whether the one says of itself what is known of it. */
export const isSameVoter = (one: Voter, other: Voter): boolean => saidOf(one) === saidOf(other);

const saidOf = ({ id, directoryId, endpoints, minKraftVersion, maxKraftVersion }: Voter): string =>
  JSON.stringify([
    id,
    directoryId,
    minKraftVersion,
    maxKraftVersion,
    endpoints.map((at) => [at.name, at.host, at.port]),
  ]);

/** The set with this voter in the place of the one of its id, by ascending ids. */
export const withVoter = (voters: VoterSet, voter: Voter): Voter[] =>
  [...voters.filter(({ id }) => id !== voter.id), voter].sort((a, b) => a.id - b.id);

interface Since {
  /** Of the record; −1 for the set that the node was configured with. */
  readonly offset: number;
  readonly voters: VoterSet;
}

export class VoterHistory {
  private readonly sets: Since[];

  constructor(configured: VoterSet) {
    this.sets = [{ offset: -1, voters: configured }];
  }

  get current(): VoterSet {
    return this.sets.at(-1)!.voters;
  }

  /** Offset of the record that says so; −1 if none does. */
  get currentOffset(): number {
    return this.sets.at(-1)!.offset;
  }

  add(offset: number, voters: VoterSet): void {
    this.sets.push({ offset, voters });
  }

  /** The log was cut: what was said at `offset` or behind it was never said. */
  truncate(offset: number): void {
    while (this.sets.length > 1 && this.sets.at(-1)!.offset >= offset) this.sets.pop();
  }

  /** The set in force below `offset`, if a record there says so. */
  before(offset: number): VoterSet | undefined {
    return this.sets.findLast((since) => since.offset >= 0 && since.offset < offset)?.voters;
  }

  /** The set before the current one. */
  get previous(): VoterSet {
    return this.sets.at(-2)?.voters ?? [];
  }
}
