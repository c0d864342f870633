/**
 * A link's fetcher under a bandwidth limit: counts what comes, and rests while the link is in debt. Stands in for the
 * client's fetcher where a link has a limit. Invariant: it rests while either its own limit or the shared budget wants so.
 */
import type { Fetcher, FetchHandle, FetchSubscription, FetchTraffic } from '@meridian/client';
import type { Io, Timer } from '@meridian/io';
import { TokenBucket } from './token-bucket.ts';

export class LimitedFetcher implements Fetcher {
  private readonly io: Pick<Io, 'clock' | 'timers'>;
  private readonly inner: Fetcher;
  private readonly bytesPerSecond: number;
  private readonly bucket: TokenBucket;
  private isHeld = false;
  private timer: Timer | undefined;

  constructor(io: Pick<Io, 'clock' | 'timers'>, inner: Fetcher, bytesPerSecond: number) {
    this.io = io;
    this.inner = inner;
    this.bytesPerSecond = bytesPerSecond;
    this.bucket = new TokenBucket(bytesPerSecond, io.clock.monotonic());
  }

  get traffic(): FetchTraffic {
    return this.inner.traffic;
  }

  add(subscription: FetchSubscription): FetchHandle {
    return this.inner.add({
      ...subscription,
      onBatches: (slice) => {
        this.spend(slice.wireBytes);
        subscription.onBatches(slice);
      },
    });
  }

  /** Which part of the link's work is this process's, 0 to 1: so much of the limit is, too. */
  share(part: number): void {
    this.bucket.setRate(Math.max(1, part * this.bytesPerSecond), this.io.clock.monotonic());
  }

  pause(): void {
    this.isHeld = true;
    this.inner.pause();
  }

  resume(): void {
    this.isHeld = false;
    if (this.timer === undefined) this.inner.resume();
  }

  close(): void {
    this.timer?.cancel();
    this.inner.close();
  }

  private spend(bytes: number): void {
    const waitMs = this.bucket.take(bytes, this.io.clock.monotonic());
    if (waitMs === 0) return;
    this.timer?.cancel();
    this.inner.pause();
    this.timer = this.io.timers.after(waitMs, () => {
      this.timer = undefined;
      if (!this.isHeld) this.inner.resume();
    });
  }
}
