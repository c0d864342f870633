/**
 * How far a partition is behind its origin, in records, bytes and time. Owned by the partition's machine, read by its
 * status. Invariant: where it has to be estimated, it is told too far behind rather than too near.
 */
import type { MirrorLimits } from '../limits.ts';
import type { Flow } from './flow.ts';
import { LagClock } from './lag-clock.ts';

/** What has been sent and has come, of whatever engine. */
type Sent = Pick<Flow, 'position' | 'sentEnd' | 'bytes' | 'oldestTimestampMs'>;

export class Progress {
  /** −1: not heard of yet. */
  sourceEnd = -1;
  lastHeardMs = 0;
  /** As heard of the topic that is copied: what is only looked at may be another one of its name. */
  heardEnd = -1;
  /** When the copy was last seen to have all; −1: never. */
  private completeAtMs = -1;
  /** The next offset to come from the origin; ahead of the copy's end where a fresh copy begins. */
  fetchOffset = 0;
  readonly lag: LagClock;
  private readonly flow: Sent;
  private fetchedBytes = 0;
  private fetchedOffsets = 0;
  private lastTimestampMs: number | undefined;

  constructor(limits: MirrorLimits, flow: Sent) {
    this.lag = new LagClock(limits);
    this.flow = flow;
  }

  hear(sourceEnd: number, nowMs: number): void {
    this.sourceEnd = this.heardEnd = sourceEnd;
    this.lastHeardMs = nowMs;
    this.lag.observe(sourceEnd, this.flow.position, nowMs);
    if (sourceEnd <= this.flow.position) this.completeAtMs = nowMs;
  }

  fetched(sizeInBytes: number, baseOffset: number, nextOffset: number, timestampMs: number): void {
    this.fetchOffset = nextOffset;
    this.fetchedBytes += sizeInBytes;
    this.fetchedOffsets += nextOffset - baseOffset;
    this.lastTimestampMs = timestampMs;
  }

  /** Of one under way, or, if none is, of the last that came: older than the first that has not. */
  get oldestTimestampMs(): number | undefined {
    if (this.sourceEnd <= this.flow.position) return undefined;
    return this.flow.oldestTimestampMs ?? this.lastTimestampMs;
  }

  /** What is missing came after that: a bound where only the last record's timestamp is known, maybe from days ago. */
  get missingSinceMs(): number | undefined {
    return this.completeAtMs < 0 || this.flow.oldestTimestampMs !== undefined ? undefined : this.completeAtMs;
  }

  /** Exact for what is in flight, by the mean size per offset for the rest; undefined if nothing was fetched so far. */
  lagBytes(): number | undefined {
    const { position, sentEnd, bytes } = this.flow;
    const unfetched = Math.max(0, this.sourceEnd - Math.max(position, sentEnd, this.fetchOffset));
    if (unfetched === 0) return bytes;
    if (this.fetchedOffsets === 0) return undefined;
    return bytes + Math.round((unfetched * this.fetchedBytes) / this.fetchedOffsets);
  }
}
