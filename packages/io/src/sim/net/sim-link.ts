/**
 * The path between two simulated machines, as fault schedules set it and as pipes ask it. One object per pair, and
 * `SimLink` is its view from one side.
 * Invariant: a blocked direction loses packets, never bytes of a stream: TCP sends them again, so a stream stalls
 * and goes on when the link has healed.
 */
export interface SimLink {
  set(change: LinkSettings): void;
  /** Resets every connection that uses the link now. */
  reset(): void;
}

export interface LinkSettings {
  /** One way, uniform. */
  latencyMs?: readonly [min: number, max: number];
  /** Nothing gets through, and nobody is told. */
  cut?: boolean;
  /** As `cut`, in one direction; `a` is the first argument of `SimWorld.link`. */
  oneWayDrop?: 'a-to-b' | 'b-to-a' | undefined;
  /** Probability, per segment sent, that the connection is reset at both ends. */
  resetChance?: number;
}

export class LinkState {
  latencyMs: readonly [number, number] = [0, 1];
  resetChance = 0;
  readonly #first: string;
  #cut = false;
  #drops: { fromFirst: boolean } | undefined;

  constructor(first: string) {
    this.#first = first;
  }

  blocks(from: string): boolean {
    return this.#cut || (this.#drops !== undefined && this.#drops.fromFirst === (from === this.#first));
  }

  /** `a`: the machine that the caller named first. */
  set(a: string, change: LinkSettings): void {
    if (change.latencyMs !== undefined) this.latencyMs = change.latencyMs;
    if (change.resetChance !== undefined) this.resetChance = change.resetChance;
    if (change.cut !== undefined) this.#cut = change.cut;
    if (!('oneWayDrop' in change)) return;
    const drop = change.oneWayDrop;
    this.#drops = drop === undefined ? undefined : { fromFirst: (drop === 'a-to-b') === (a === this.#first) };
  }
}
