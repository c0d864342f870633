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

/** Records that were deleted at their origin while nobody could copy them to `to`. */
export interface CutOff {
  readonly from: string;
  readonly to: string;
  readonly topic: TopicName;
  readonly partition: number;
  /** Acknowledged behind the cut; gone. */
  readonly offset: number;
  readonly value: string;
}

/** What a mirror said that no mirror may say. */
export interface BadStatus {
  readonly mirror: string;
  readonly what: string;
}

export class History {
  readonly acknowledged: Acknowledged[] = [];
  readonly failOvers: FailOver[] = [];
  readonly cutOffs: CutOff[] = [];
  readonly badStatus = new Map<string, BadStatus>();
  /** Lives of `renewed`, by region: from 0. */
  readonly lives = new Map<string, number>();
  /** Where records were deleted, or may have been: regions and partitions of `short`. */
  readonly deletedIn = new Set<string>();
  /** When the last fault struck or ended. */
  lastFaultMs = 0;
  faultsUnderWay = 0;
  readonly faults: Record<string, number> = {};

  lifeOf(region: string, topic: TopicName): number {
    return topic === 'renewed' ? (this.lives.get(region) ?? 0) : 0;
  }
}
