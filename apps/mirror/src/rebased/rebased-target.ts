/**
 * What all re-based partitions of one Apache Kafka target share: the store of runs, the facts of copies, and how many
 * fences are under way. Made once per mirror process. Invariant: after `takeOver` nobody who wrote to the partition
 * before can write to it, or to its runs, any more.
 */
import type { CallOptions, Client, FencedProducer } from '@meridian/client';
import { type CopyFacts, type FactsStore, RUNS_TOPIC, type RunsStore, runsPartitionOf } from '@meridian/coordinates';
import { FindCoordinator } from '@meridian/protocol';
import type { MirrorLimits } from '../limits.ts';
import type { TaskPlace } from '../task/mirror-task.ts';

export interface RebasedTargetOptions {
  readonly client: Client;
  readonly limits: Pick<MirrorLimits, 'fencesInFlight'>;
  readonly facts: FactsStore;
  /** It may make its topic. */
  readonly runs: RunsStore;
}

/** In flight until one of them has come back, and again after one that has not. */
const FIRST_FENCES = 4;

const TRANSACTIONAL_IDS = '__meridian.';
/** In FindCoordinator. */
const TRANSACTION_KEY = 1;

type Place = Pick<TaskPlace, 'copy' | 'copyId' | 'partition'>;

export class RebasedTarget {
  readonly client: Client;
  readonly runs: RunsStore;
  private readonly facts: FactsStore;
  private readonly limits: Pick<MirrorLimits, 'fencesInFlight'>;
  private fences = 0;
  /** Grows with each fence that came through: a cluster that has never seen a transaction has much to do at first. */
  private fencesAllowed = FIRST_FENCES;
  private readonly waiting: (() => void)[] = [];
  private ensured: Promise<void> | undefined;

  constructor({ client, limits, facts, runs }: RebasedTargetOptions) {
    this.client = client;
    this.limits = limits;
    this.facts = facts;
    this.runs = runs;
  }

  /**
   * A cluster that has never seen a mirror, or a transaction, has topics to make at first: it does so while the rest of the
   * start goes on. What fails here is tried again, and told, by whoever needs it.
   */
  prepare(): void {
    const transactions = { keyType: TRANSACTION_KEY, coordinatorKeys: [`${TRANSACTIONAL_IDS}ready`] };
    void Promise.allSettled([this.ensure(), this.client.send(FindCoordinator, transactions, 'any')]);
  }

  async takeOver(place: Place, call: CallOptions): Promise<FencedProducer> {
    await this.ensure();
    while (this.fences >= this.fencesAllowed) await new Promise<void>((go) => this.waiting.push(go));
    if (call.signal?.aborted) {
      this.wake();
      throw new Error('stopped while it waited for its turn'); // it would fence its successor
    }
    this.fences++;
    let isDone = false;
    try {
      const { copy, partition } = place;
      const runs = { topic: RUNS_TOPIC, partition: runsPartitionOf(place) };
      const fenced = await this.client.fence(transactionalIdOf(place), [{ topic: copy, partition }, runs], call);
      isDone = true;
      return fenced;
    } finally {
      this.fences--;
      this.fencesAllowed = isDone ? Math.min(this.limits.fencesInFlight, this.fencesAllowed + 1) : FIRST_FENCES;
      this.wake();
    }
  }

  private wake(): void {
    for (const go of this.waiting.splice(0, Math.max(0, this.fencesAllowed - this.fences))) go();
  }

  /** What the copy is now, asked anew; undefined: nothing is written of it. */
  async factsOf({ copyId }: Place): Promise<CopyFacts | undefined> {
    await this.facts.ready();
    return this.facts.get(copyId);
  }

  private ensure(): Promise<void> {
    this.ensured ??= this.runs.ensure().catch((error: unknown) => {
      this.ensured = undefined;
      throw error;
    });
    return this.ensured;
  }
}

/** Bound to the topic id: whoever writes to a copy of this name that was made anew has another one. */
export const transactionalIdOf = ({ copyId, partition }: Place): string => `${TRANSACTIONAL_IDS}${copyId}.${partition}`;
