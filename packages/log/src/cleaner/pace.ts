/**
 * Keeps a compaction from holding up the event loop and the disk: it works in slices and rests after each, for as long
 * as its rate asks, but no shorter than it worked. Invariant: on the average of a compaction no more than
 * `bytesPerSecond` are read and written.
 */
import type { Io } from '@meridian/io';
import { MAX_SLICE_BYTES, MAX_SLICE_MS } from './limits.ts';

export class Pace {
  private readonly io: Pick<Io, 'clock' | 'timers'>;
  private readonly bytesPerSecond: number;
  private readonly sliceBytes: number;
  private readonly startedMs: number;
  private bytes = 0;
  private sliceStartMs: number;
  private sliceStartBytes = 0;

  constructor(io: Pick<Io, 'clock' | 'timers'>, bytesPerSecond: number, sliceBytes = MAX_SLICE_BYTES) {
    this.io = io;
    this.bytesPerSecond = bytesPerSecond;
    this.sliceBytes = sliceBytes;
    this.startedMs = this.sliceStartMs = io.clock.monotonic();
  }

  /** Notes bytes read or written; true when it is time to `rest`. */
  spend(bytes: number): boolean {
    this.bytes += bytes;
    if (this.bytes - this.sliceStartBytes >= this.sliceBytes) return true;
    return this.io.clock.monotonic() - this.sliceStartMs >= MAX_SLICE_MS;
  }

  async rest(): Promise<void> {
    const earnedMs = (this.bytes / this.bytesPerSecond) * 1000;
    const nowMs = this.io.clock.monotonic();
    const owedMs = Math.max(earnedMs - (nowMs - this.startedMs), nowMs - this.sliceStartMs);
    await this.io.timers.sleep(Math.ceil(owedMs));
    this.sliceStartMs = this.io.clock.monotonic();
    this.sliceStartBytes = this.bytes;
  }
}
