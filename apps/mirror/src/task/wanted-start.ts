/**
 * Moves the start of a copy to where the origin begins: one move at a time, tried again until it is done, the latest
 * wish first. Owned by the shell of a partition. Invariant: nobody waits for it, and what fails is told in the log.
 */
import type { Io, Logger } from '@meridian/io';
import type { MirrorLimits } from '../limits.ts';

export interface WantedStartOptions {
  readonly io: Pick<Io, 'timers'>;
  readonly log: Logger;
  readonly limits: Pick<MirrorLimits, 'refusedBackoffMs'>;
  readonly place: { readonly copy: string; readonly partition: number };
  readonly signal: AbortSignal;
  move(offset: number): Promise<void>;
}

export class WantedStart {
  private readonly options: WantedStartOptions;
  /** −1: nobody is at it. */
  private wanted = -1;

  constructor(options: WantedStartOptions) {
    this.options = options;
  }

  want(offset: number): void {
    const isBusy = this.wanted >= 0;
    this.wanted = Math.max(this.wanted, offset);
    if (!isBusy) void this.moveAll();
  }

  private async moveAll(): Promise<void> {
    const { io, limits, log, place, signal, move } = this.options;
    const { copy, partition } = place;
    while (this.wanted >= 0 && !signal.aborted) {
      const { wanted } = this;
      try {
        await move(wanted);
        if (this.wanted === wanted) this.wanted = -1;
      } catch (error) {
        if (signal.aborted) return;
        log.warn('the start of a copy stays behind', { copy, partition, reason: (error as Error).message });
        await io.timers.sleep(limits.refusedBackoffMs, signal);
      }
    }
  }
}
