/**
 * What the mirror tells of itself, flowing or not: `GET /v1/links` answers `{ "links": LinkStatus[] }`.
 * Read by `meridian links`, by probes and by operators.
 */
import type { GroupPartitionStatus } from './groups/messages.ts';

/**
 * `starting`: finding its place. `running`: what the origin acknowledged is here, or under way. `catching-up`: behind
 * and moving. `paused`: somebody, or a lost lease, wants it so. `retrying`: something is wrong that may pass, see
 * `reason`. `halted`: somebody must decide, see `reason`. `deleted`: the origin is gone, until somebody confirms it.
 * `promoted`: the copy is a topic of its own now.
 */
export type PartitionState =
  | 'starting'
  | 'running'
  | 'catching-up'
  | 'paused'
  | 'retrying'
  | 'halted'
  | 'deleted'
  | 'promoted';

/** Numbers are null as long as they are not known. */
export interface PartitionStatus {
  /** The topic at its origin, and its copy here. */
  readonly topic: string;
  readonly copy: string;
  readonly partition: number;
  readonly state: PartitionState;
  readonly reason: string | null;
  /** The end of the copy as its broker acknowledged it: everything below is here. */
  readonly position: number | null;
  /** The origin's high watermark as last heard. */
  readonly sourceEnd: number | null;
  /** How long ago the origin was last heard of this partition. */
  readonly heardMs: number;
  /** Offsets between the two: holes count like records. */
  readonly lagRecords: number | null;
  /** Exact for what has been fetched, estimated for the rest by the mean size per offset so far. */
  readonly lagBytes: number | null;
  /** For how long the mirror has known of something that is not here yet. */
  readonly lagMs: number | null;
  /** The origin has proved (by leader epochs) that its log is ours up to here; null: nothing to prove yet. */
  readonly lastVerifiedOffset: number | null;
  /** How old the first record is that is not here, by its timestamp and our clock; 0: nothing is missing. */
  readonly oldestUnmirroredMs: number | null;
  /** Of the copy: one more whenever it was begun anew or promoted. */
  readonly incarnation: number;
  /** Lost ranges on record, and the offsets that they take. */
  readonly gaps: number;
  readonly lostRecords: number;
}

export interface LinkStatus {
  readonly name: string;
  readonly managed: 'file' | 'api';
  readonly from: string;
  readonly to: string;
  readonly policy: 'prefix' | 'identity';
  /** The worst state of its partitions; `retrying` while topics cannot be looked for. */
  readonly state: PartitionState;
  readonly reason: string | null;
  /** Whether copies are made and groups carried by this process. */
  readonly isKeeper: boolean;
  /** Those that this process mirrors; further ones are with other members. */
  readonly partitions: readonly PartitionStatus[];
  /** What the link's `compression` does; absent: it has none, or nothing of it runs. */
  readonly wire?: WireStatus;
  /** Where its groups are, of the keeper. */
  readonly groups?: readonly GroupPartitionStatus[];
}

/** Of this process, since the link began or was changed. */
export interface WireStatus {
  readonly codec: 'zstd' | 'lz4';
  /** Of records: as they came over the line, and as they are. */
  readonly wireBytes: number;
  readonly recordBytes: number;
  /** Why records come as they lie; null: whatever gets smaller is compressed. */
  readonly off: string | null;
}

/** What `GET /v1/links` answers. */
export interface MirrorStatus {
  readonly region: string;
  /** This process among those that share the region's links, and all of them. */
  readonly member: string;
  readonly members: readonly string[];
  /** What is wrong with `links.yaml` as it stands, or with records of links; what was good before goes on. */
  readonly configError: string | null;
  readonly links: readonly LinkStatus[];
}

const BADNESS: readonly PartitionState[] = [
  'running',
  'promoted',
  'catching-up',
  'starting',
  'paused',
  'deleted',
  'retrying',
  'halted',
];

export function worstState(states: readonly PartitionState[]): PartitionState {
  return BADNESS[Math.max(0, ...states.map((state) => BADNESS.indexOf(state)))]!;
}
