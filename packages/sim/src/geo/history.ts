/**
 * What happened in a geo run as its clients and faults saw it: written while it runs, read by the checkers at its end.
 * Invariant: entries are only added, in the order in which they came to be known.
 */
import type { TopicName } from './plan.ts';

export interface Acknowledged {
  readonly region: string;
  readonly topic: TopicName;
  readonly partition: number;
  readonly offset: number;
  readonly value: string;
  readonly atMs: number;
  /** Of the topic at its origin: one more whenever it is made again. */
  readonly life: number;
}

/** A group that went from one region to another. */
export interface FailOver {
  readonly group: string;
  readonly home: string;
  readonly partition: number;
  readonly from: string;
  readonly to: string;
  readonly atMs: number;
  /** Where the copy, or the topic, at `to` goes on; undefined: the group was not known there. */
  readonly resumed: number | undefined;
  /** Values that the group had processed before, in the order of the log. */
  readonly processed: number;
  /** What it had committed, and been told so, counted in records from the start. */
  readonly committed: number;
  /** Everything was well for long enough before it went on. */
  readonly wasQuiet: boolean;
}

/** What was committed for a group in a region, as somebody saw it who asked. */
export interface GroupSighting {
  readonly group: string;
  readonly home: string;
  readonly partition: number;
  readonly at: string;
  readonly atMs: number;
  readonly offset: number;
  /** Where the topic, or its copy, ended there afterwards. */
  readonly end: number;
  /** Values that the group had processed by then. */
  readonly processed: number;
}

/** A group that found another commit than its own, though it was reading there. */
export interface Rewind {
  readonly group: string;
  readonly at: string;
  readonly atMs: number;
  readonly committed: number;
  readonly found: number;
}

/** A record that was deleted at its origin. */
export interface CutOff {
  readonly from: string;
  readonly topic: TopicName;
  readonly partition: number;
  readonly offset: number;
  readonly value: string;
}

/** Everything that a reader of a copy was ever given of it. */
export interface Glimpses {
  readonly values: Set<string>;
  /** Something went from the copy before the reader had it. */
  isBlind: boolean;
}

/** What a mirror said that no mirror may say. */
export interface BadStatus {
  readonly mirror: string;
  readonly what: string;
}

export class History {
  readonly acknowledged: Acknowledged[] = [];
  readonly failOvers: FailOver[] = [];
  readonly groupSightings: GroupSighting[] = [];
  readonly rewinds: Rewind[] = [];
  readonly cutOffs: CutOff[] = [];
  /** Of copies of `short`, by `glimpsesOf`. */
  readonly glimpses = new Map<string, Glimpses>();
  /** When regions lost their power last: what was not synced there may have gone. */
  readonly powerLostMs = new Map<string, number>();
  /** A topic that there must not be: whoever copies copies makes more and more of them. */
  stray: string | undefined;
  readonly badStatus = new Map<string, BadStatus>();
  /** Lives of `renewed`, by region: from 0. */
  readonly lives = new Map<string, number>();
  /** Where records were deleted, or may have been: regions and partitions of `short`. */
  readonly deletedIn = new Set<string>();
  /** When the last fault struck or ended. */
  lastFaultMs = 0;
  faultsUnderWay = 0;
  readonly faults: Record<string, number> = {};

  glimpsesOf(from: string, partition: number, to: string): Glimpses {
    const key = `${from}/${partition} at ${to}`;
    const known = this.glimpses.get(key);
    if (known !== undefined) return known;
    const made = { values: new Set<string>(), isBlind: false };
    this.glimpses.set(key, made);
    return made;
  }

  /** Whether a region's power was lost lately: copies that were cut, and commits that went, are mended by then. */
  isMending(region: string, nowMs: number, withinMs: number): boolean {
    return nowMs - (this.powerLostMs.get(region) ?? Number.NEGATIVE_INFINITY) < withinMs;
  }

  lifeOf(region: string, topic: TopicName): number {
    return topic === 'renewed' ? (this.lives.get(region) ?? 0) : 0;
  }
}
