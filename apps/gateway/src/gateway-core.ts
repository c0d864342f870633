/**
 * The gateway without its listeners: sessions, shared feeds, publisher, and the two clocks that drive them. Sockets
 * come in through `accept`, HTTP publishes through `publisher`.
 * Invariant: after `stop` every session has got its last cursors, a `drain` frame and close 1012, or was cut off.
 */
import type { Io, Logger, Timer } from '@meridian/io';
import { copyTopic, type KeyRing, physicalTopic, type TokenVerifier } from '@meridian/tenancy';
import type { BrokerPort } from './broker/broker-port.ts';
import { ChunkCache } from './delivery/chunk-cache.ts';
import { LIMITS } from './limits.ts';
import { Publisher } from './publish/publisher.ts';
import { TopicDirectory } from './publish/topic-directory.ts';
import { GlobalTopics } from './resume/global-topic.ts';
import type { GatewaySocket } from './session/gateway-socket.ts';
import { type SessionDeps, SessionShell } from './session/session-shell.ts';

export interface CoreOptions {
  readonly io: Pick<Io, 'clock' | 'timers' | 'random'>;
  readonly log: Logger;
  readonly region: string;
  readonly regions: readonly string[];
  readonly broker: BrokerPort;
  readonly verifier: TokenVerifier;
  readonly keys: KeyRing;
}

export class GatewayCore {
  readonly publisher: Publisher;
  readonly verifier: TokenVerifier;
  private readonly io: CoreOptions['io'];
  private readonly log: Logger;
  private readonly broker: BrokerPort;
  private readonly directory: TopicDirectory;
  private readonly topics: GlobalTopics;
  private readonly sessionDeps: SessionDeps;
  private readonly sessions = new Set<SessionShell>();
  private readonly connectionsOf = new Map<string, number>();
  private readonly timers = new Set<Timer>();
  private onEmpty: (() => void) | undefined;
  isDraining = false;

  constructor(options: CoreOptions) {
    const { io, log, broker, verifier, keys, region, regions } = options;
    this.io = io;
    this.log = log;
    this.broker = broker;
    this.verifier = verifier;
    this.directory = new TopicDirectory(broker);
    this.publisher = new Publisher({ broker, topics: this.directory, timers: io.timers, clock: io.clock });
    const others = regions.filter((name) => name !== region);
    const feeds = { broker, timers: io.timers, cache: new ChunkCache() };
    this.topics = new GlobalTopics(feeds, (tenant, topic) => [
      physicalTopic(tenant, topic),
      ...others.map((other) => copyTopic(other, tenant, topic)),
    ]);
    this.sessionDeps = {
      broker,
      topics: this.topics,
      timers: io.timers,
      keys,
      publisher: this.publisher,
      region,
      regions,
      verifier,
      directory: this.directory,
      log,
      nowMs: () => io.clock.now(),
      admit: (tenant) => this.admit(tenant),
    };
    this.every(LIMITS.tickEveryMs, () => this.tick());
    this.every(LIMITS.topicPollMs, () => this.poll());
  }

  get connections(): number {
    return this.sessions.size;
  }

  get isFull(): boolean {
    return this.sessions.size >= LIMITS.maxConnections;
  }

  get nowMs(): number {
    return this.io.clock.now();
  }

  /** Takes over a connection; `token` if one came in its handshake. */
  accept(socket: GatewaySocket, token?: string): void {
    const session: SessionShell = new SessionShell(this.sessionDeps, socket, (tenant) =>
      this.onClosed(session, tenant),
    );
    this.sessions.add(session);
    if (token !== undefined) session.connect(token);
  }

  async stop(): Promise<void> {
    this.isDraining = true;
    for (const session of this.sessions) session.startDraining();
    await this.within(LIMITS.drainPublishesMs, this.publisher.quiet());
    for (const session of [...this.sessions]) {
      session.drain(Math.floor(this.io.random.next() * LIMITS.drainDelayMs));
    }
    await this.within(LIMITS.drainCloseMs, this.empty());
    for (const session of [...this.sessions]) session.destroy();
    for (const timer of this.timers) timer.cancel();
    await this.broker.close();
  }

  private admit(tenant: string): boolean {
    const count = this.connectionsOf.get(tenant) ?? 0;
    if (count >= LIMITS.maxConnectionsPerTenant) return false;
    this.connectionsOf.set(tenant, count + 1);
    return true;
  }

  private onClosed(session: SessionShell, tenant: string | undefined): void {
    this.sessions.delete(session);
    if (tenant !== undefined) {
      const left = (this.connectionsOf.get(tenant) ?? 1) - 1;
      if (left > 0) this.connectionsOf.set(tenant, left);
      else this.connectionsOf.delete(tenant);
    }
    if (this.sessions.size === 0) this.onEmpty?.();
  }

  private empty(): Promise<void> {
    if (this.sessions.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.onEmpty = resolve;
    });
  }

  private async within(limitMs: number, done: Promise<void>): Promise<void> {
    const limit = new AbortController();
    await Promise.race([done, this.io.timers.sleep(limitMs, limit.signal)]);
    limit.abort();
  }

  private tick(): void {
    const now = this.io.clock.now();
    for (const session of this.sessions) session.tick(now);
  }

  private poll(): void {
    const complain = (error: Error): void => this.log.warn('cannot look topics up', { reason: error.message });
    this.topics.poll().catch(complain);
    this.directory.poll(this.io.clock.now()).catch(complain);
  }

  private every(periodMs: number, run: () => void): void {
    const arm = (): void => {
      const timer = this.io.timers.after(periodMs, () => {
        this.timers.delete(timer);
        arm();
        run();
      });
      this.timers.add(timer);
    };
    arm();
  }
}
