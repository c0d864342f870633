/**
 * How much one leader's answers may hold. Over a long way an answer has to be as large as what the line carries in a
 * round trip and a half, or the line is idle while the next request travels; nearby that would only take memory.
 * Kept by `NodePoll` where a fetcher is `adaptive`.
 *
 *   full, and came in less than 1.5 round trips  → twice as much, as long as the budget has it
 *   less than a quarter of what it might hold    → half as much, down to the least
 *   a short way, or not known to be long         → likewise
 *
 * Invariant: what all of a client's fetchers claim beyond their least sizes is within one budget.
 */
import type { ClientLimits } from '../limits.ts';

/** What an answer tells of the line. */
export interface AnswerFacts {
  readonly bytes: number;
  /** Of the partition that brought most. */
  readonly largestPartitionBytes: number;
  /** Partitions that brought something. */
  readonly activePartitions: number;
  /** From the request until the answer was there. */
  readonly elapsedMs: number;
  /** Undefined: not known. */
  readonly rttMs: number | undefined;
}

/** Shared by the fetchers of a client. */
export class SizeBudget {
  private leftBytes: number;

  constructor(bytes: number) {
    this.leftBytes = bytes;
  }

  /** As much of it as there is. */
  claim(bytes: number): number {
    const claimed = Math.min(bytes, this.leftBytes);
    this.leftBytes -= claimed;
    return claimed;
  }

  release(bytes: number): void {
    this.leftBytes += bytes;
  }
}

const FULL_SHARE = 0.75;
const EMPTY_SHARE = 0.25;
/** A transfer that takes longer than this many round trips leaves the line idle for 40 % of the time at most. */
const ENOUGH_ROUND_TRIPS = 1.5;

export class FetchSize {
  private readonly least: number;
  private readonly partitionLeast: number;
  private readonly most: number;
  private readonly budget: SizeBudget;
  private readonly limits: Pick<ClientLimits, 'adaptiveRttMs'>;
  private size: number;
  private partitionSize: number;

  constructor(
    bounds: { readonly least: number; readonly partitionLeast: number; readonly most: number },
    budget: SizeBudget,
    limits: Pick<ClientLimits, 'adaptiveRttMs'>,
  ) {
    this.size = this.least = bounds.least;
    this.partitionSize = this.partitionLeast = bounds.partitionLeast;
    this.most = Math.max(bounds.most, bounds.least);
    this.budget = budget;
    this.limits = limits;
  }

  get bytes(): number {
    return this.size;
  }

  get partitionBytes(): number {
    return this.partitionSize;
  }

  /** Whether more was there than the answer could hold. */
  isFull({ bytes, largestPartitionBytes }: Pick<AnswerFacts, 'bytes' | 'largestPartitionBytes'>): boolean {
    return bytes >= FULL_SHARE * this.size || largestPartitionBytes >= FULL_SHARE * this.partitionSize;
  }

  answered(facts: AnswerFacts): void {
    const { bytes, activePartitions, elapsedMs, rttMs = 0 } = facts;
    const isFar = rttMs >= this.limits.adaptiveRttMs;
    const isFull = this.isFull(facts);
    if (isFar && isFull && elapsedMs - rttMs < ENOUGH_ROUND_TRIPS * rttMs) this.grow(activePartitions);
    else if (!isFar || (!isFull && bytes < EMPTY_SHARE * this.size)) this.shrink();
  }

  /** Gives back what was claimed. */
  close(): void {
    this.budget.release(this.size - this.least);
    this.size = this.least;
  }

  /** Each of those that have something may bring its share; in powers of two, since a change is told for every partition. */
  private grow(activePartitions: number): void {
    this.size += this.budget.claim(Math.min(this.size, this.most - this.size));
    const share = 2 ** Math.floor(Math.log2(this.size / Math.max(1, activePartitions)));
    this.partitionSize = Math.max(this.partitionLeast, share);
  }

  private shrink(): void {
    if (this.size === this.least) return;
    const size = Math.max(this.least, Math.floor(this.size / 2));
    this.budget.release(this.size - size);
    this.size = size;
    this.partitionSize = Math.max(
      this.partitionLeast,
      Math.min(this.partitionSize, Math.floor(this.partitionSize / 2)),
    );
    if (size === this.least) this.partitionSize = this.partitionLeast;
  }
}
