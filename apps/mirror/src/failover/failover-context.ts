/**
 * What fail-over and fail-back work with: the region that they are carried out in, the others, and what links and groups
 * tell of themselves. Made once by the mirror. Invariant: nothing here belongs to a run; runs are in their store.
 */
import type { RunsStore } from '@meridian/coordinates';
import type { Io, Logger } from '@meridian/io';
import type { LostRange } from '../gaps/gap-record.ts';
import type { GroupPartitionStatus } from '../groups/messages.ts';
import type { MirrorLimits } from '../limits.ts';
import type { RegionSide } from '../link/region-side.ts';
import type { PartitionStatus } from '../status.ts';
import type { TaskPlace } from '../task/mirror-task.ts';
import type { RunHead, TopicRun } from './messages.ts';
import type { Promotion } from './promotion.ts';

/** The other regions, each made when it is asked for. */
export interface KnownRegions {
  has(name: string): boolean;
  /** Undefined: there is none, or nobody has told how it is reached. */
  get(name: string): RegionSide | undefined;
  all(): RegionSide[];
}

/** What a link tells of itself, as far as it is this process's. */
export interface LinkView {
  readonly from: string;
  readonly partitions: readonly PartitionStatus[];
  readonly groups: readonly GroupPartitionStatus[];
  /** Topics at the source of which commits have no place here yet. */
  readonly untranslated: readonly string[];
  /** Groups are, or will be in a moment, carried by this process. */
  readonly carriesGroups: boolean;
}

/** Links that a fail-back needs for a while. */
export interface TemporaryLinks {
  /** An identity link of that one topic; it is there already: nothing happens. */
  open(name: string, from: string, topic: string): Promise<void>;
  close(name: string): Promise<void>;
}

export interface FailoverContext {
  readonly io: Pick<Io, 'clock' | 'timers' | 'random'>;
  readonly log: Logger;
  readonly limits: MirrorLimits;
  /** The region that takes over or gets back: the mirror's own. */
  readonly here: RegionSide;
  readonly regions: KnownRegions;
  readonly promotion: Promotion;
  readonly temporaryLinks: TemporaryLinks;
  /** Where the copies of a region lie in an Apache Kafka; undefined: its copies have their origins' offsets. */
  runs(region: string): RunsStore | undefined;
  links(): LinkView[];
  /** Whether this process does the work of a topic: one of the region's mirrors at a time. */
  mayDrive(kind: RunHead['kind'], topic: Pick<TopicRun, 'from' | 'topic'>): boolean;
  /** A round of the groups that come from there; what went wrong. Undefined: nobody carries them in this process. */
  carryGroups(from: string): Promise<readonly string[] | undefined>;
  /** Comes back when it is durable. */
  recordGap(place: TaskPlace, lost: LostRange): Promise<void>;
  readonly signal: AbortSignal;
}
