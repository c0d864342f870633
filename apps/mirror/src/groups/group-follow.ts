/**
 * The machine of one group of one link: carries what the group committed at the source to the target. Fed by the shell
 * once a second. Invariants: a group with members at the target is left alone; what the group itself committed there is
 * never put back, and nothing is committed ahead of what was processed at the source.
 *
 *   commit at the target        carried to it                 because
 *   none                        the translation, also 0       a reader there would begin anywhere otherwise
 *   ours, of the same author    the translation, both ways    the author's rewinds are followed, and a copy that was cut
 *   ours, of another author     only forwards                 it may have come over another link, sooner or later
 *   the group's own             only forwards, and once       afterwards the group or a person may go where they like
 *
 * Where the copy does not have all yet (`behind`) the end of what both have is committed, and more as it comes. A commit
 * whose author is the target itself is not carried, as it would come back as somebody else's; unless its topic was lost
 * there and is a copy of what took over.
 */
import { ERROR, errorName } from '@meridian/protocol';
import { type CommitMark, readMark, writeMark } from './commit-mark.ts';
import type {
  CommitResult,
  GroupCommit,
  GroupEffect,
  GroupInput,
  GroupPartitionState,
  GroupPartitionStatus,
  GroupState,
  SourceCommit,
  TargetCommit,
} from './messages.ts';

export interface GroupFollowOptions {
  readonly group: string;
  readonly from: string;
  readonly to: string;
  readonly backoffCapMs: number;
}

interface Place {
  source: SourceCommit;
  /** The source's commit has had its effect: it is not carried again over the group's own ones. */
  isCarried: boolean;
  /** Nothing is to be done until something changes. */
  isSettled: boolean;
  target: TargetCommit | null | undefined;
  state: GroupPartitionState;
  reason: string | null;
}

const FIRST_BACKOFF_MS = 1_000;
const MEMBERLESS: ReadonlySet<GroupState> = new Set(['', 'Dead', 'Empty']);
/** Members are there, or come and go at this moment. */
const HAS_MEMBERS: ReadonlySet<number> = new Set<number>([
  ERROR.UNKNOWN_MEMBER_ID,
  ERROR.ILLEGAL_GENERATION,
  ERROR.REBALANCE_IN_PROGRESS,
  ERROR.STALE_MEMBER_EPOCH,
]);

export class GroupFollow {
  private readonly options: GroupFollowOptions;
  private readonly places = new Map<string, Place>();
  private failures = 0;
  private restUntilMs = 0;

  constructor(options: GroupFollowOptions) {
    this.options = options;
  }

  step(input: GroupInput, nowMs: number): GroupEffect[] {
    if (input.type === 'source') this.hearSource(input.commits);
    else if (input.type === 'targetState') return this.hearState(input.state, nowMs);
    else if (input.type === 'target') return this.hearTarget(input.state, input.commits);
    else if (input.type === 'committed') this.hearOutcomes(input.outcomes, nowMs);
    else this.rest(input.reason, nowMs);
    return [];
  }

  status(): GroupPartitionStatus[] {
    const { group } = this.options;
    return [...this.places.values()].map(({ source, target, state, reason }) => ({
      group,
      topic: source.topic,
      partition: source.partition,
      counterpart: source.counterpart,
      sourceOffset: source.offset,
      translation: source.translation,
      wantedOffset: wantedOf(source),
      targetOffset: target?.offset ?? null,
      state,
      reason,
    }));
  }

  private hearSource(commits: readonly SourceCommit[]): void {
    const heard = new Set<string>();
    for (const source of commits) {
      const key = keyOf(source.counterpart, source.partition);
      heard.add(key);
      const place = this.places.get(key);
      const isSameTopic = place?.source.counterpartId === source.counterpartId;
      if (place === undefined || !isSameTopic) this.places.set(key, placeOf(source));
      else this.move(place, source);
    }
    for (const key of this.places.keys()) if (!heard.has(key)) this.places.delete(key);
  }

  /** Another offset or author is another commit; another translation of the same one is looked at again, too. */
  private move(place: Place, source: SourceCommit): void {
    const before = place.source;
    place.source = source;
    const isSame = before.offset === source.offset && before.metadata === source.metadata;
    if (!isSame) place.isCarried = false;
    if (!isSame || wantedOf(before) !== wantedOf(source)) place.isSettled = false;
  }

  private hearState(state: GroupState, nowMs: number): GroupEffect[] {
    if (!MEMBERLESS.has(state)) {
      for (const place of this.open()) becomeLive(place);
      return [];
    }
    return nowMs < this.restUntilMs || this.open().length === 0 ? [] : [{ type: 'readTarget' }];
  }

  private hearTarget(state: GroupState, commits: readonly TargetCommit[]): GroupEffect[] {
    const known = new Map(commits.map((commit) => [keyOf(commit.topic, commit.partition), commit]));
    for (const [key, place] of this.places) place.target = known.get(key) ?? null;
    if (!MEMBERLESS.has(state)) {
      for (const place of this.open()) becomeLive(place);
      return [];
    }
    const offsets = this.open().flatMap((place) => this.decide(place));
    return offsets.length === 0 ? [] : [{ type: 'commit', offsets }];
  }

  private decide(place: Place): GroupCommit[] {
    const { source, target } = place;
    const { author } = this.markOf(source);
    const wanted = wantedOf(source);
    settle(place);
    if ((author === this.options.to && !this.mayReturn(place)) || target?.offset === wanted) {
      markCarried(place);
      return [];
    }
    const isWanted = target == null || this.isMoved(place, target, author, wanted);
    if (!isWanted) {
      markCarried(place);
      place.state = 'ahead';
      return [];
    }
    place.isSettled = false;
    const { counterpart: topic, partition } = source;
    const metadata = writeMark(this.markOf(source));
    return [{ topic, partition, offset: wanted, metadata, expectedOffset: target?.offset ?? -1 }];
  }

  /** Of a topic that was begun anew at the target, nothing is left there but what has come back, maybe in part. */
  private mayReturn({ source, target }: Place): boolean {
    const isNotOwn = target == null || readMark(target.metadata)?.author === this.options.to;
    return source.isOrigin && isNotOwn;
  }

  /** Whether the commit that is there gives way. */
  private isMoved(place: Place, target: TargetCommit, author: string, wanted: number): boolean {
    const ours = readMark(target.metadata);
    if (ours === undefined || ours.author === this.options.to) return !place.isCarried && wanted > target.offset;
    // What a mirror wrote at the source may be a part of what its author meant.
    const isAuthors = readMark(place.source.metadata) === undefined;
    const mayGoBack = isAuthors && ours.author === author;
    return mayGoBack || wanted > target.offset;
  }

  private hearOutcomes(outcomes: readonly CommitResult[], nowMs: number): void {
    let refusal: string | undefined;
    for (const { topic, partition, errorCode } of outcomes) {
      const place = this.places.get(keyOf(topic, partition));
      if (place === undefined) continue;
      if (errorCode === ERROR.NONE) this.carry(place);
      else if (HAS_MEMBERS.has(errorCode)) becomeLive(place);
      else {
        place.state = 'refused';
        place.reason = `the target refuses the commit: ${errorName(errorCode)}`;
        refusal = place.reason;
      }
    }
    if (refusal === undefined) this.failures = 0;
    else this.backOff(nowMs);
  }

  private carry(place: Place): void {
    const { source } = place;
    const { counterpart: topic, partition } = source;
    place.target = { topic, partition, offset: wantedOf(source), metadata: writeMark(this.markOf(source)) };
    markCarried(place);
    settle(place);
  }

  /** A commit that another mirror made at the source stays its author's. */
  private markOf({ offset, metadata }: SourceCommit): CommitMark {
    return readMark(metadata) ?? { author: this.options.from, offset, metadata };
  }

  private rest(reason: string, nowMs: number): void {
    for (const place of this.open()) {
      place.state = 'waiting';
      place.reason = reason;
    }
    this.backOff(nowMs);
  }

  private backOff(nowMs: number): void {
    this.restUntilMs = nowMs + Math.min(this.options.backoffCapMs, FIRST_BACKOFF_MS * 2 ** this.failures);
    this.failures = Math.min(this.failures + 1, 16);
  }

  private open(): Place[] {
    return [...this.places.values()].filter(({ isSettled }) => !isSettled);
  }
}

function placeOf(source: SourceCommit): Place {
  return { source, isCarried: false, isSettled: false, target: undefined, state: 'waiting', reason: null };
}

/** As far as a reader at the target may be put. */
function wantedOf({ translation, commonEnd }: SourceCommit): number {
  return translation.status === 'behind' ? commonEnd : translation.offset;
}

/** What is behind has come in part only: the rest is still to be carried. */
function markCarried(place: Place): void {
  if (place.source.translation.status !== 'behind') place.isCarried = true;
}

function becomeLive(place: Place): void {
  place.state = 'live';
  place.reason = 'the group has members at the target: it goes its own way';
}

/** A commit that is behind is looked at again when the end of what both have has moved. */
function settle(place: Place): void {
  const { translation } = place.source;
  place.isSettled = true;
  place.state = translation.status === 'exact' ? 'carried' : translation.status;
  place.reason = null;
  if (translation.status === 'behind') place.reason = `${translation.records} records of it are not copied yet`;
  if (translation.status === 'gap') place.reason = `${translation.from}..${translation.to} is not at the target`;
}

const keyOf = (topic: string, partition: number): string => `${topic} ${partition}`;
