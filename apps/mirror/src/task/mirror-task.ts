/**
 * The door between a link and the task of one partition, whatever engine the copy lies in: `TaskShell` (embedded,
 * append-at-offset) and `RebasedShell` (Apache Kafka, re-based) stand behind it.
 * Invariant: everything here is in the origin's offsets; a task that does not run says why.
 */
import type { Client, Fetcher } from '@meridian/client';
import type { Io, Logger } from '@meridian/io';
import type { GapPolicy, LostRange } from '../gaps/gap-record.ts';
import type { MirrorLimits } from '../limits.ts';
import type { InFlightBudget } from './in-flight-budget.ts';
import type { LagClock } from './lag-clock.ts';
import type { RegionQuestions } from './region-questions.ts';

export interface TaskPlace {
  readonly link: string;
  readonly topic: string;
  readonly topicId: string;
  readonly copy: string;
  readonly copyId: string;
  readonly partition: number;
  /** Of the copy: 1, and one more whenever it was begun anew or promoted. */
  readonly incarnation: number;
  /** Where a copy without records begins: fixed when it was created (`start-position.ts`); 0: at the origin's start. */
  readonly startOffset: number;
}

/** What a link hands to every task. */
export interface TaskContext {
  /** `memory`: what the fetcher hands over may lie in it. */
  readonly io: Pick<Io, 'clock' | 'timers' | 'random' | 'memory'>;
  readonly log: Logger;
  readonly limits: MirrorLimits;
  readonly source: Client;
  readonly target: Client;
  readonly questions: { readonly source: RegionQuestions; readonly target: RegionQuestions };
  /** The origin's, shared by all partitions of the link: `read_uncommitted` for embedded copies. */
  readonly fetcher: Fetcher;
  readonly budget: InFlightBudget;
  readonly gaps: GapKeeper;
}

/** What becomes of lost ranges (`gaps/gap-store.ts`). */
export interface GapKeeper {
  /** Asked anew whenever something is lost: policies change while the mirror runs. */
  policyOf(topic: string): GapPolicy;
  /**
   * Comes back when the record is durable at the target; only then a task may go beyond it. A record whose treatment is
   * `new-incarnation` is the keeper's order to begin the copy anew; the task waits until it is stopped.
   */
  record(place: TaskPlace, lost: LostRange, treatment: GapPolicy): Promise<void>;
}

/** What the link tells a task; everything else it finds out by itself. */
export type TaskCommand =
  /** Begins, or begins anew from any state: also the way out of `halted` while the mirror runs. */
  | { readonly type: 'start' }
  /** What is in flight comes to its end, nothing new is sent until `start`. */
  | { readonly type: 'pause'; readonly reason: string }
  | { readonly type: 'halt'; readonly reason: string }
  /** Decides on the lost range that it is halted by, against the topic's policy. */
  | { readonly type: 'decide'; readonly policy: GapPolicy }
  /** The name means another topic at the origin by now. */
  | { readonly type: 'recreated'; readonly reason: string }
  /** Where both logs end, or why that is not known, while nothing is fetched: also of one that is halted. */
  | { readonly type: 'observed'; readonly sourceEnd: number }
  | { readonly type: 'observedCopy'; readonly targetEnd: number }
  | { readonly type: 'unobserved'; readonly reason: string }
  /** Who leads the copy does so in this epoch: if it is a later one, what was acknowledged may be lost with its power. */
  | { readonly type: 'copyLed'; readonly leaderEpoch: number };

/** `mirroring` and `starting` with a reason are shown as `retrying`. */
export type TaskCondition = 'starting' | 'mirroring' | 'paused' | 'halted';

export interface TaskView {
  readonly condition: TaskCondition;
  readonly reason: string | null;
  /** The lost range that it is halted by. */
  readonly lost: LostRange | null;
  /** What it is waiting for at the origin, though nothing is wrong; for people. */
  readonly waitsFor?: string | null;
  /** Everything below is in the copy, acknowledged; −1: not known yet. */
  readonly position: number;
  /** The origin has proved that its log is ours up to here; −1: nothing yet. */
  readonly verifiedOffset: number;
  readonly progress: TaskProgress;
}

export interface TaskProgress {
  /** The origin's end as last heard; −1: not known. */
  readonly sourceEnd: number;
  /** Monotonic. */
  readonly lastHeardMs: number;
  readonly lag: Pick<LagClock, 'lagMs'>;
  /** Timestamp of a record that is not in the copy or of the last one that is; undefined: all are, or not known. */
  readonly oldestTimestampMs: number | undefined;
  /** Monotonic. The copy had all then; undefined: not known, or the timestamp is that of a record that is missing. */
  readonly missingSinceMs: number | undefined;
  /** Undefined: nothing was fetched so far. */
  lagBytes(): number | undefined;
}

export interface MirrorTask {
  readonly place: TaskPlace;
  readonly task: TaskView;
  feed(command: TaskCommand): void;
  /** Nothing is sent any more; what was in flight may still land. */
  stop(): void;
}

/** Up to where the copy has what the origin has: nothing, if that is another topic by now. */
export function copiedOf({ lost, position }: Pick<TaskView, 'lost' | 'position'>): number {
  return lost?.kind === 'recreated' ? 0 : position;
}
