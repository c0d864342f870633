/**
 * So many bytes per second, with a second's worth saved up at most: the machine behind a link's bandwidth limit. Bytes
 * that have come are taken even if that makes a debt; nothing more is asked for until it is paid.
 * Invariant: over any stretch of time no more comes than that time's worth, a second's, and one answer.
 */
export class TokenBucket {
  private bytesPerMs: number;
  private capacity: number;
  private tokens: number;
  private atMs: number;

  constructor(bytesPerSecond: number, nowMs: number) {
    this.bytesPerMs = bytesPerSecond / 1000;
    this.capacity = bytesPerSecond;
    this.tokens = bytesPerSecond;
    this.atMs = nowMs;
  }

  /** From now on; what is saved up beyond a second of it is gone. */
  setRate(bytesPerSecond: number, nowMs: number): void {
    this.take(0, nowMs);
    this.bytesPerMs = bytesPerSecond / 1000;
    this.capacity = bytesPerSecond;
    this.tokens = Math.min(this.tokens, bytesPerSecond);
  }

  /** Returns for how long nothing more may come. */
  take(bytes: number, nowMs: number): number {
    this.tokens = Math.min(this.capacity, this.tokens + (nowMs - this.atMs) * this.bytesPerMs) - bytes;
    this.atMs = nowMs;
    return this.tokens >= 0 ? 0 : Math.ceil(-this.tokens / this.bytesPerMs);
  }
}
