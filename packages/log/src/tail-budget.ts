/**
 * Memory for the newest batches of all logs of one process, and who gives way when it runs out: the log that was
 * appended to least recently. One object per process, handed to every `openLog`.
 */
export interface TailHolder {
  /** Gives back at least `bytes` if it can; returns what it gave. */
  release(bytes: number): number;
}

export interface TailBudget {
  readonly maxBytes: number;
  readonly usedBytes: number;
  /** Counts bytes that `holder` now keeps; others give way if that is too much. */
  take(holder: TailHolder, bytes: number): void;
  give(holder: TailHolder, bytes: number): void;
  /** The holder is gone, with all that it had. */
  leave(holder: TailHolder, bytes: number): void;
}

export function createTailBudget(maxBytes: number): TailBudget {
  return new SharedTailBudget(maxBytes);
}

class SharedTailBudget implements TailBudget {
  readonly maxBytes: number;
  usedBytes = 0;
  /** Least recently appended to first. */
  private readonly holders = new Set<TailHolder>();
  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  take(holder: TailHolder, bytes: number): void {
    this.usedBytes += bytes;
    if (this.usedBytes <= this.maxBytes) {
      if (!this.holders.has(holder)) this.holders.add(holder);
      return;
    }
    this.holders.delete(holder);
    this.holders.add(holder);
    this.shrink();
  }

  give(_holder: TailHolder, bytes: number): void {
    this.usedBytes -= bytes;
  }

  leave(holder: TailHolder, bytes: number): void {
    this.usedBytes -= bytes;
    this.holders.delete(holder);
  }

  /** One pass over the holders at most: unwritten batches cannot be given back, so the budget may stay exceeded. */
  private shrink(): void {
    for (const holder of [...this.holders]) {
      if (this.usedBytes <= this.maxBytes) return;
      holder.release(this.usedBytes - this.maxBytes);
    }
  }
}
