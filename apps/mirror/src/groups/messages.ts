/**
 * What a group's machine is told and what it asks for. The shell reads both regions and translates; the machine decides.
 * Invariant: offsets of the source never reach an effect untranslated.
 */
import type { Translation } from '@meridian/coordinates';

/** A commit of the group at the source, already translated. */
export interface SourceCommit {
  /** As the topic is called at the source. */
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly metadata: string;
  /** The same topic at the target: a copy of it, or its origin. */
  readonly counterpart: string;
  /** Its topic id: with another one, nothing that was committed is left. */
  readonly counterpartId: string;
  /** The counterpart is a copy of it: it was born at the source, or is a topic of the source's own by now. */
  readonly isOrigin: boolean;
  readonly translation: Translation;
  /** With `behind`: the end of what both have, in the target's offsets; a reader may be put there meanwhile. */
  readonly commonEnd: number;
}

/** A commit of the group at the target. */
export interface TargetCommit {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly metadata: string;
}

/** Kafka's word for the group's state at the target; `Dead`: there is no such group. */
export type GroupState = string;

export type GroupInput =
  /** All commits of the group at the source that have a counterpart. */
  | { readonly type: 'source'; readonly commits: readonly SourceCommit[] }
  /** The state as it was heard of, and the commits read after it. */
  | { readonly type: 'target'; readonly state: GroupState; readonly commits: readonly TargetCommit[] }
  /** The state alone; without members it asks for the commits where something is to be carried. */
  | { readonly type: 'targetState'; readonly state: GroupState }
  | { readonly type: 'committed'; readonly outcomes: readonly CommitResult[] }
  | { readonly type: 'failed'; readonly reason: string };

export interface CommitResult {
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
}

export interface GroupCommit {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly metadata: string;
  /** What the target was seen to have, −1: nothing; brokers of ours commit only if it still is so. */
  readonly expectedOffset: number;
}

export type GroupEffect =
  | { readonly type: 'readTarget' }
  | { readonly type: 'commit'; readonly offsets: readonly GroupCommit[] };

/** `behind`: at the copy's end, and further when it comes. `live`: the group has members at the target. */
export type GroupPartitionState = 'carried' | 'waiting' | 'behind' | 'gap' | 'live' | 'ahead' | 'refused';

/** Part of `GET /v1/links`. */
export interface GroupPartitionStatus {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  readonly counterpart: string;
  readonly sourceOffset: number;
  readonly translation: Translation;
  /** Where a reader at the target is to go on: the translation, or the end of what both have. */
  readonly wantedOffset: number;
  /** What the target has as last heard. */
  readonly targetOffset: number | null;
  readonly state: GroupPartitionState;
  readonly reason: string | null;
}
