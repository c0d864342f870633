/**
 * Performs what the leader machine of one partition returns: answers producers, arms their deadline, tells of a high
 * watermark that has moved and of a wish for another in-sync set. Made by `partition.ts` for each leader epoch.
 * Invariant: the machine is stepped here and nowhere else, and not from inside an answer that it gives.
 */
import type { Io, Timer } from '@meridian/io';
import type { Log } from '@meridian/log';
import type { ReplicaFetch } from './in-sync-set.ts';
import {
  createLeader,
  hasTooFewReplicas,
  isAnybodyWaiting,
  type Leader,
  type LeaderEffects,
  type LeaderInput,
  type LeaderSettings,
  nextDeadlineMs,
  step,
} from './leader.ts';
import type { BrokerStanding, IsrAnswer, IsrChange, Leadership } from './leadership.ts';
import type { ProducePart } from './produce-part.ts';

export interface LeaderRoleOptions {
  readonly io: Pick<Io, 'clock' | 'timers'>;
  readonly nodeId: number;
  readonly log: Log;
  readonly leadership: Leadership;
  readonly brokers: BrokerStanding;
  readonly settings: LeaderSettings;
  readonly highWatermark: number;
  readonly onHighWatermark: () => void;
  readonly onAlter: (change: IsrChange) => void;
}

export class LeaderRole {
  readonly #options: LeaderRoleOptions;
  readonly #leader: Leader<ProducePart>;
  #deadline: Timer | undefined;
  /** When that is due, and the earliest that is wanted: infinite for none. */
  #deadlineMs = Number.POSITIVE_INFINITY;
  #earliestMs = Number.POSITIVE_INFINITY;

  constructor(options: LeaderRoleOptions) {
    this.#options = options;
    const { nodeId: self, log: ends } = options;
    this.#leader = createLeader<ProducePart>({ ...options, self, ends }, options.io.clock.monotonic());
  }

  /** What it may do at once, now that its owner knows it. */
  begin(): void {
    this.#step({ kind: 'tick' });
  }

  get leaderEpoch(): number {
    return this.#leader.leaderEpoch;
  }

  get highWatermark(): number {
    return this.#leader.highWatermark;
  }

  /** Where the log ended when the epoch began. */
  get epochStart(): number {
    return this.#leader.epochStart;
  }

  /** Who is in sync, and how far the others have come; for a look. */
  get inSync(): Leader<ProducePart>['inSync'] {
    return this.#leader.inSync;
  }

  get hasTooFewReplicas(): boolean {
    return hasTooFewReplicas(this.#leader);
  }

  appended(acknowledgement: ProducePart): void {
    if (acknowledgement.deadlineMs < this.#earliestMs) this.#earliestMs = acknowledgement.deadlineMs;
    this.#step({ kind: 'appended', acknowledgement });
  }

  /** What was appended is written now: whoever still waits gets a deadline. */
  progress({ endOffset, writtenEnd, durableEnd }: Log): void {
    this.#step({ kind: 'progress', endOffset, writtenEnd, durableEnd });
    this.watchDeadlines();
  }

  watchDeadlines(): void {
    if (this.#earliestMs < this.#deadlineMs && isAnybodyWaiting(this.#leader)) this.#armDeadline();
  }

  fetched(fetch: ReplicaFetch): void {
    this.#step({ kind: 'fetched', fetch });
  }

  isrAnswered(answer: IsrAnswer): void {
    this.#step({ kind: 'alterPartition', answer });
  }

  follow(leadership: Leadership): void {
    this.#step({ kind: 'image', leadership });
  }

  configure(settings: LeaderSettings): void {
    const { endOffset, writtenEnd, durableEnd } = this.#options.log;
    this.#step({ kind: 'settings', settings, endOffset, writtenEnd, durableEnd });
  }

  tick(): void {
    this.#step({ kind: 'tick' });
  }

  resign(errorCode: number): void {
    this.#deadline?.cancel();
    this.#step({ kind: 'resign', errorCode });
  }

  #step(input: LeaderInput<ProducePart>): void {
    this.#perform(step(this.#leader, input, this.#options.io.clock.monotonic()));
  }

  #perform({ answer, errorCode, highWatermarkMoved, alter }: LeaderEffects<ProducePart>): void {
    for (const part of answer) part.settle(errorCode);
    if (highWatermarkMoved) this.#options.onHighWatermark();
    if (alter !== undefined) this.#options.onAlter(alter);
  }

  #armDeadline(): void {
    const { clock, timers } = this.#options.io;
    this.#deadline?.cancel();
    this.#deadlineMs = this.#earliestMs;
    this.#deadline = timers.after(Math.max(0, this.#deadlineMs - clock.monotonic()), () => {
      this.tick();
      this.#earliestMs = nextDeadlineMs(this.#leader);
      this.#deadlineMs = Number.POSITIVE_INFINITY;
      this.watchDeadlines();
    });
  }
}
