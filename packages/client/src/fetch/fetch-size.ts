/**
 * How much of one leader is under way at a time. Over a long way that has to be as much as what the line carries in a
 * round trip and a half, or the line is idle while the next request travels; nearby it would only take memory. Where the
 * leader reads on by itself it is several answers of the least size, behind each other; else it is one large answer.
 * Kept by `NodePoll` where a fetcher is `adaptive`.
 *
 *   full, and came in less than 1.5 round trips  → twice as much, as long as the budget has it
 *   full, and waited for 8 round trips and more  → half as much, down to the least, and then one answer at a time
 *   less than a quarter of what it might hold    → likewise
 *   a short way, or not known to be long         → likewise
 *
 * Invariant: what all of a client's fetchers claim beyond their least sizes is within one budget.
 */
import type { ClientLimits } from '../limits.ts';

/** What a request asks for at most. */
export interface Asked {
  readonly bytes: number;
  readonly partitionBytes: number;
  /** Others follow it before it is answered. */
  readonly isAhead: boolean;
}

/** What an answer tells of the line. */
export interface AnswerFacts {
  readonly asked: Asked;
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
/** Much more than the line takes lies in its queues, where only those wait who come behind. */
const TOO_MANY_ROUND_TRIPS = 8;

/** Whether more was there than the answer could hold. */
export function isFull({
  asked,
  bytes,
  largestPartitionBytes,
}: Pick<AnswerFacts, 'asked' | 'bytes' | 'largestPartitionBytes'>): boolean {
  return bytes >= FULL_SHARE * asked.bytes || largestPartitionBytes >= FULL_SHARE * asked.partitionBytes;
}

export interface SizeBounds {
  readonly least: number;
  readonly partitionLeast: number;
  /** Of one answer. */
  readonly most: number;
  /** Of several. */
  readonly mostAhead: number;
}

type SizeLimits = Pick<ClientLimits, 'adaptiveRttMs' | 'maxFetchesAhead'>;

export class FetchSize {
  private readonly least: number;
  private readonly partitionLeast: number;
  private readonly most: number;
  private readonly mostAhead: number;
  private readonly budget: SizeBudget;
  private readonly limits: SizeLimits;
  private isFar = false;
  /** Even what is least waits for itself. */
  private isSlow = false;
  private size: number;
  private partitionSize: number;

  constructor(bounds: SizeBounds, budget: SizeBudget, limits: SizeLimits) {
    this.size = this.least = bounds.least;
    this.partitionSize = this.partitionLeast = bounds.partitionLeast;
    this.most = Math.max(bounds.most, bounds.least);
    this.mostAhead = Math.max(bounds.mostAhead, bounds.least);
    this.budget = budget;
    this.limits = limits;
  }

  /** What may be under way together. */
  get bytes(): number {
    return this.size;
  }

  /** Of one request. */
  ask(isAhead: boolean): Asked {
    if (isAhead) return { bytes: this.least, partitionBytes: this.partitionLeast, isAhead };
    const bytes = Math.min(this.size, this.most);
    return { bytes, partitionBytes: Math.min(this.partitionSize, bytes), isAhead };
  }

  /** Requests for as many partitions that may be under way together, while so much that came still waits. */
  aheadFor(partitions: number, waitingBytes = 0): number {
    if (!this.isFar || this.isSlow) return 1;
    const answerBytes = Math.min(this.least, partitions * this.partitionLeast);
    return Math.min(this.limits.maxFetchesAhead, Math.floor((this.size - waitingBytes) / answerBytes));
  }

  answered(facts: AnswerFacts): void {
    const { asked, bytes, elapsedMs, rttMs = 0 } = facts;
    this.isFar = rttMs >= this.limits.adaptiveRttMs;
    const waitedMs = elapsedMs - rttMs;
    if (!this.isFar) this.shrink();
    else if (!isFull(facts)) {
      if (bytes < EMPTY_SHARE * asked.bytes) this.shrink();
    } else {
      const isTooMuch = waitedMs > TOO_MANY_ROUND_TRIPS * rttMs;
      this.isSlow = isTooMuch && this.size === this.least;
      if (isTooMuch) this.shrink();
      else if (waitedMs < ENOUGH_ROUND_TRIPS * rttMs) this.grow(facts);
    }
  }

  /** Gives back what was claimed. */
  close(): void {
    this.budget.release(this.size - this.least);
    this.size = this.least;
  }

  /** Each of those that have something may bring its share; in powers of two, since a change is told for every partition. */
  private grow({ asked, activePartitions }: AnswerFacts): void {
    const most = asked.isAhead ? this.mostAhead : this.most;
    this.size += this.budget.claim(Math.max(0, Math.min(this.size, most - this.size)));
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
