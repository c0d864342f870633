/**
 * How long it takes to a leader and back, by questions that cost it nothing (ApiVersions), on a connection that no long
 * poll holds up. Asked for by `NodePoll` while answers are full.
 * Invariant: one question is under way at a time, and none is asked while nothing depends on it.
 */
import type { Io } from '@meridian/io';
import { ApiVersions } from '@meridian/protocol';
import type { NodeConnection } from '../connection/node-connection.ts';
import type { ClientLimits } from '../limits.ts';

const SOFTWARE = { clientSoftwareName: 'meridian', clientSoftwareVersion: '0.1.0' };

export class RoundTrip {
  private readonly io: Pick<Io, 'clock'>;
  private readonly limits: Pick<ClientLimits, 'rttAgeMs' | 'rttSamples'>;
  private readonly connect: () => Promise<NodeConnection>;
  /** The newest ones: the least of them is the way, the rest is somebody being busy. */
  private samples: number[] = [];
  private askAgainAtMs = Number.NEGATIVE_INFINITY;
  private isAsking = false;

  constructor(
    io: Pick<Io, 'clock'>,
    limits: Pick<ClientLimits, 'rttAgeMs' | 'rttSamples'>,
    connect: () => Promise<NodeConnection>,
  ) {
    this.io = io;
    this.limits = limits;
    this.connect = connect;
  }

  /** Undefined: not known yet. */
  get ms(): number | undefined {
    return this.samples.length === 0 ? undefined : Math.min(...this.samples);
  }

  /** Asks, unless the answer is fresh. */
  refresh(): void {
    if (this.isAsking || this.io.clock.monotonic() < this.askAgainAtMs) return;
    this.isAsking = true;
    void this.ask().then(() => {
      this.isAsking = false;
    });
  }

  private async ask(): Promise<void> {
    const { clock } = this.io;
    try {
      const connection = await this.connect();
      const beganMs = clock.monotonic();
      await connection.request(ApiVersions, connection.versionFor(ApiVersions), SOFTWARE);
      this.samples = [...this.samples, clock.monotonic() - beganMs].slice(-this.limits.rttSamples);
    } catch {
      // Without an answer nothing is known, and sizes stay small.
    }
    const isSettled = this.samples.length >= this.limits.rttSamples;
    this.askAgainAtMs = isSettled ? clock.monotonic() + this.limits.rttAgeMs : Number.NEGATIVE_INFINITY;
  }
}
