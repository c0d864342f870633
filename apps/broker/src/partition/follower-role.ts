/**
 * Performs what the follower machine of one partition returns: cuts, appends, moves start and high watermark. Made by
 * `partition.ts` for each leader that it follows; asked by the fetchers of `replication/`.
 * Invariant: an answer is only taken if the log is as it was when the question was asked.
 */

import type { Logger } from '@meridian/io';
import type { Log } from '@meridian/log';
import type { ErrorName } from '@meridian/protocol';
import { createFollower, type Follower, type FollowerEffects, type ReplicaAnswer, takeAnswer } from './follower.ts';

/** What the leader is asked for. */
export interface ReplicaAsk {
  readonly leaderEpoch: number;
  readonly fetchOffset: number;
  /** −1: the log is empty. */
  readonly lastFetchedEpoch: number;
  readonly logStartOffset: number;
  /** From which of the origin's epochs on they are wanted; −1: it is no copy. */
  readonly originEpochsFrom: number;
}

/** An answer with what only Meridian's leaders say. */
export interface LeaderAnswer extends ReplicaAnswer {
  readonly originEpochs: readonly { readonly epoch: number; readonly startOffset: number }[];
}

/** What to do next: ask on, ask on a little later, or not at all (another question is the right one by now). */
export type AfterAnswer = 'ask on' | 'ask later' | 'void';

export interface FollowerRoleOptions {
  readonly log: Log;
  readonly logger: Logger;
  readonly partition: { readonly topic: string; readonly index: number };
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly highWatermark: number;
  readonly isCopy: boolean;
  readonly onHighWatermark: () => void;
}

/** A leader that has not heard of its election yet, or we of another one: brokers learn of it one after another. */
const PASSING: ReadonlySet<string> = new Set([
  'NOT_LEADER_OR_FOLLOWER',
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_LEADER_EPOCH',
  'UNKNOWN_TOPIC_ID',
] satisfies ErrorName[]);

export class FollowerRole {
  readonly #options: FollowerRoleOptions;
  readonly #follower: Follower;

  constructor(options: FollowerRoleOptions) {
    this.#options = options;
    this.#follower = createFollower(options.leader, options.leaderEpoch, options.highWatermark);
    options.log.endLeading();
  }

  get leader(): number {
    return this.#follower.leader;
  }

  get leaderEpoch(): number {
    return this.#follower.leaderEpoch;
  }

  get highWatermark(): number {
    return this.#follower.highWatermark;
  }

  ask(): ReplicaAsk {
    const { log, isCopy } = this.#options;
    return {
      leaderEpoch: this.#follower.leaderEpoch,
      fetchOffset: log.endOffset,
      lastFetchedEpoch: log.epochs.latestEpoch,
      logStartOffset: log.startOffset,
      originEpochsFrom: isCopy ? log.originEpochs.latestEpoch + 1 : -1,
    };
  }

  /** Throws `LogError` or `IoError`. */
  take(asked: ReplicaAsk, answer: LeaderAnswer): AfterAnswer {
    const { log } = this.#options;
    if (asked.leaderEpoch !== this.#follower.leaderEpoch || asked.fetchOffset !== log.endOffset) return 'void';
    const { highWatermark } = this.#follower;
    const effects = takeAnswer(this.#follower, log, answer);
    if (effects.truncateTo >= 0 || effects.restartAt >= 0) this.#cut(effects, highWatermark);
    if (effects.run.headers.length > 0) this.#append(effects.run, answer.originEpochs);
    if (effects.startOffset >= 0) log.advanceStart(effects.startOffset);
    if (effects.highWatermarkMoved) this.#options.onHighWatermark();
    if (effects.trouble === undefined) return 'ask on';
    const level = PASSING.has(effects.trouble) ? 'info' : 'warn';
    this.#options.logger[level]('replica fetch refused', { ...this.#names(), reason: effects.trouble });
    return 'ask later';
  }

  #append(run: FollowerEffects['run'], originEpochs: LeaderAnswer['originEpochs']): void {
    const begun = originEpochs.filter(({ startOffset }) => startOffset < run.nextOffset);
    this.#options.log.appendReplicated(run.bytes, run.headers, begun);
  }

  /** The high watermark first, durably: after a crash it must not lie in what comes in the place of what was cut. */
  #cut({ truncateTo, restartAt }: FollowerEffects, highWatermark: number): void {
    const { log } = this.#options;
    const end = log.endOffset;
    const to = Math.max(truncateTo, restartAt);
    if (to < highWatermark) {
      log.committed(to);
      this.#note('records that were committed are cut off: another leader did not have them', { from: to, to: end });
    }
    if (restartAt >= 0) log.truncateFullyAndStartAt(restartAt);
    else log.truncateTo(truncateTo);
    this.#options.logger.info('log cut for its leader', { ...this.#names(), from: end, to: log.endOffset });
  }

  #note(message: string, fields: Record<string, unknown>): void {
    this.#options.logger.warn(message, { ...this.#names(), ...fields });
  }

  #names(): Record<string, unknown> {
    const { topic, index } = this.#options.partition;
    return { topic, partition: index, leader: this.leader, leaderEpoch: this.leaderEpoch };
  }
}
