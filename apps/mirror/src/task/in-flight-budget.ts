/**
 * What all partitions of the process have in flight together. Above the bound every fetcher rests; it goes on below
 * half of it. Invariant: what is in flight exceeds the bound by what had been asked for before, at most.
 */

interface Restable {
  pause(): void;
  resume(): void;
}

export class InFlightBudget {
  bytes = 0;
  private readonly maxBytes: number;
  private readonly fetchers = new Set<Restable>();
  private isUsedUp = false;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  /** The fetcher rests while the budget is used up. Returns how to take it off again. */
  govern(fetcher: Restable): () => void {
    this.fetchers.add(fetcher);
    if (this.isUsedUp) fetcher.pause();
    return () => this.fetchers.delete(fetcher);
  }

  add(sizeInBytes: number): void {
    this.bytes += sizeInBytes;
    if (this.isUsedUp || this.bytes < this.maxBytes) return;
    this.isUsedUp = true;
    for (const fetcher of this.fetchers) fetcher.pause();
  }

  remove(sizeInBytes: number): void {
    this.bytes -= sizeInBytes;
    if (!this.isUsedUp || this.bytes * 2 > this.maxBytes) return;
    this.isUsedUp = false;
    for (const fetcher of this.fetchers) fetcher.resume();
  }
}
