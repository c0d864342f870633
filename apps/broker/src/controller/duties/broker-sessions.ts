/**
 * Which brokers the active controller has heard of lately, as a machine: contacts and the time in, brokers to fence out.
 * Stepped by `ActiveDuties`; read by decisions as what no record says.
 *
 *   none ──heartbeat under the registered epoch, or seen unfenced──▶ live ──silent for the session timeout──▶ to be fenced
 *                                                                      └──its process is known to be gone───▶
 *
 * Invariant: a broker that nobody has asked to beat yet gets a whole session from when it is first seen: after a change of
 * controllers, and after this process stood still, silence is our own fault.
 */
import type { BrokerHeartbeat } from '../commands.ts';
import type { BrokerInfo, MetadataImage } from '../image.ts';

export interface BrokerSession {
  readonly brokerId: number;
  readonly epoch: number;
  lastContactMs: number;
  /** −1: not told yet. */
  metadataOffset: number;
  /** Of a broker in controlled shutdown: where its leaving stands in the log, or before. */
  shutdownOffset: number | undefined;
}

export interface BrokerSessionsOptions {
  readonly timeoutMs: number;
  /** The active controller's own broker. */
  readonly nodeId: number;
}

export class BrokerSessions {
  readonly #options: BrokerSessionsOptions;
  readonly #sessions = new Map<number, BrokerSession>();
  #checkedMs: number | undefined;

  constructor(options: BrokerSessionsOptions) {
    this.#options = options;
  }

  /** Its session, if it is one of the broker as it is registered. */
  of(brokerId: number, epoch: number): BrokerSession | undefined {
    const session = this.#sessions.get(brokerId);
    return session?.epoch === epoch ? session : undefined;
  }

  isLive(brokerId: number, epoch: number, nowMs: number): boolean {
    const session = this.of(brokerId, epoch);
    return session !== undefined && nowMs - session.lastContactMs < this.#options.timeoutMs;
  }

  heard(image: MetadataImage, beat: BrokerHeartbeat, nowMs: number): void {
    const broker = image.brokers.get(beat.brokerId);
    if (broker === undefined || broker.epoch !== beat.brokerEpoch) return;
    const session = this.of(broker.id, broker.epoch) ?? this.#open(broker, nowMs);
    session.lastContactMs = nowMs;
    session.metadataOffset = Math.max(session.metadataOffset, beat.currentMetadataOffset);
    if (beat.wantShutDown && broker.inControlledShutdown) session.shutdownOffset ??= image.endOffset - 1;
  }

  /** The broker's process is gone: whoever comes under its id is not it. */
  lost(brokerId: number): void {
    this.#sessions.delete(brokerId);
  }

  /** Unfenced brokers that have been silent for too long, the longest first. */
  expired(image: MetadataImage, nowMs: number): BrokerInfo[] {
    const { timeoutMs } = this.#options;
    const stoodStill = this.#checkedMs !== undefined && nowMs - this.#checkedMs >= timeoutMs / 2;
    this.#checkedMs = nowMs;
    const watched = this.#watched(image);
    for (const broker of watched) {
      const session = this.of(broker.id, broker.epoch) ?? this.#open(broker, nowMs);
      if (stoodStill) session.lastContactMs = nowMs;
    }
    const silent = watched.filter(({ id, epoch }) => !this.isLive(id, epoch, nowMs));
    return silent.sort((a, b) => this.#sessions.get(a.id)!.lastContactMs - this.#sessions.get(b.id)!.lastContactMs);
  }

  /** When the next one may have been silent for too long, or its machine stands still too long to tell. */
  nextCheckMs(nowMs: number): number {
    const { timeoutMs } = this.#options;
    let next = nowMs + timeoutMs / 4;
    for (const { lastContactMs } of this.#sessions.values()) {
      if (lastContactMs + timeoutMs > nowMs) next = Math.min(next, lastContactMs + timeoutMs);
    }
    return next;
  }

  /** Nobody gains if the only broker left is fenced by its own process. */
  #watched(image: MetadataImage): BrokerInfo[] {
    const unfenced = [...image.brokers.values()].filter(({ fenced }) => !fenced);
    for (const id of this.#sessions.keys()) {
      if (!image.brokers.has(id)) this.#sessions.delete(id);
    }
    return unfenced.filter(({ id }) => id !== this.#options.nodeId || unfenced.length > 1);
  }

  #open({ id, epoch }: BrokerInfo, nowMs: number): BrokerSession {
    const session = { brokerId: id, epoch, lastContactMs: nowMs, metadataOffset: -1, shutdownOffset: undefined };
    this.#sessions.set(id, session);
    return session;
  }
}
