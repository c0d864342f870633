/**
 * How far whoever fetches from a leader has come: its voters by node id, observers by id and directory. One that lost its
 * disk is so an observer beside the voter whose id it bears.
 * Invariant: there is an entry for every voter but the leader itself, and for so many observers at most.
 */
import { MACHINE_LIMITS } from './limits.ts';
import { isSameReplica, keyOf, type ReplicaKey, type VoterSet, voterOf } from './voters.ts';

/** A replica that fetches from us; −1 is unknown. */
export interface Progress {
  readonly key: ReplicaKey;
  endOffset: number;
  lastFetchMs: number;
  /** When it last had everything that we had. */
  lastCaughtUpMs: number;
  /** Our end when it last fetched. */
  leaderEndAtFetch: number;
}

export class Replicas {
  readonly #selfId: number;
  readonly #voters = new Map<number, Progress>();
  readonly #observers = new Map<string, Progress>();

  constructor(selfId: number, voters: VoterSet) {
    this.#selfId = selfId;
    this.follow(voters);
  }

  /** The voters are these now; returns the ids of those that are new. */
  follow(voters: VoterSet): number[] {
    for (const [id, progress] of this.#voters) {
      if (voterOf(voters, id) !== undefined) continue;
      this.#voters.delete(id);
      this.#observers.set(nameOf(progress.key), progress);
    }
    const added = voters.filter(({ id }) => id !== this.#selfId && !this.#voters.has(id));
    for (const voter of added) {
      this.#voters.set(voter.id, this.#observers.get(nameOf(voter)) ?? unknownProgress(voter));
      this.#observers.delete(nameOf(voter));
    }
    return added.map(({ id }) => id);
  }

  voter(id: number): Progress | undefined {
    return this.#voters.get(id);
  }

  observer(key: ReplicaKey): Progress | undefined {
    return this.#observers.get(nameOf(key));
  }

  /** Of who fetches now; undefined for ourselves, for nobody, and for one observer too many. */
  fetching(key: ReplicaKey, nowMs: number): Progress | undefined {
    if (key.id < 0 || key.id === this.#selfId) return undefined;
    const voter = this.#voters.get(key.id);
    if (voter !== undefined && isSameReplica(voter.key, key)) return voter;
    const known = this.#observers.get(nameOf(key));
    if (known !== undefined || !this.#hasRoom(nowMs)) return known;
    const progress = unknownProgress(key);
    this.#observers.set(nameOf(key), progress);
    return progress;
  }

  voters(): Progress[] {
    return [...this.#voters.values()];
  }

  observers(): Progress[] {
    return [...this.#observers.values()];
  }

  /** Observers come and go under ever new names; those that went are forgotten. */
  #hasRoom(nowMs: number): boolean {
    if (this.#observers.size < MACHINE_LIMITS.observers) return true;
    for (const [name, { lastFetchMs }] of this.#observers) {
      if (lastFetchMs < nowMs - MACHINE_LIMITS.observerSessionMs) this.#observers.delete(name);
    }
    return this.#observers.size < MACHINE_LIMITS.observers;
  }
}

const nameOf = ({ id, directoryId }: ReplicaKey): string => `${id} ${directoryId}`;

function unknownProgress(key: ReplicaKey): Progress {
  return { key: keyOf(key), endOffset: -1, lastFetchMs: -1, lastCaughtUpMs: -1, leaderEndAtFetch: -1 };
}
