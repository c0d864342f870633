/**
 * Loads shards one after another, a few batches in each turn of the event loop, so that the broker serves meanwhile. Used
 * by `group-coordinator.ts`.
 * Invariant: a job ends in exactly one of `loaded`, `failed` and `abandoned`, and none is begun after `stop`.
 */
import type { Io } from '@meridian/io';
import type { GroupShard } from './group-shard.ts';

export interface LoadJob {
  readonly shard: GroupShard;
  /** Asked between slices: this broker still leads the partition, under the same epoch. */
  isWanted(): boolean;
  loaded(): void;
  /** The bytes or the disk are at fault. */
  failed(error: Error): void;
  abandoned(): void;
}

export class ShardLoader {
  readonly #io: Pick<Io, 'clock' | 'timers'>;
  readonly #turnMs: number;
  #queue: LoadJob[] = [];
  #isRunning = false;
  #isStopped = false;

  /** `turnMs`: so much of one turn. */
  constructor(io: Pick<Io, 'clock' | 'timers'>, turnMs: number) {
    this.#io = io;
    this.#turnMs = turnMs;
  }

  /** The first slice is loaded at once: what is small is there when this returns. */
  load(job: LoadJob): void {
    this.#queue.push(job);
    if (!this.#isRunning) void this.#run();
  }

  stop(): void {
    this.#isStopped = true;
  }

  async #run(): Promise<void> {
    const { clock } = this.#io;
    this.#isRunning = true;
    let turnEndMs = clock.monotonic() + this.#turnMs;
    for (let job = this.#queue.shift(); job !== undefined; job = this.#queue.shift()) {
      const steps = begin(job);
      while (this.#step(job, steps)) {
        if (clock.monotonic() < turnEndMs) continue;
        await this.#io.timers.sleep(0);
        turnEndMs = clock.monotonic() + this.#turnMs;
      }
    }
    this.#isRunning = false;
  }

  /** False when the job has ended. */
  #step(job: LoadJob, steps: Iterator<void>): boolean {
    if (this.#isStopped || !job.isWanted()) {
      job.abandoned();
      return false;
    }
    try {
      if (!steps.next().done) return true;
    } catch (error) {
      // Coded errors are the bytes' or the disk's; anything else is a bug.
      if (typeof (error as { code?: unknown }).code !== 'string') throw error;
      job.failed(error as Error);
      return false;
    }
    job.loaded();
    return false;
  }
}

function begin({ shard }: LoadJob): Iterator<void> {
  return shard.load()[Symbol.iterator]();
}
