/**
 * Meridian's Kafka client, for the mirror, the gateway and the command line: pipelining, metadata refresh, raw
 * batches in and out, retries with full-jitter back-off, cancellation.
 * Invariant: every wait has a bound, and every call ends with an answer or a `ClientError`.
 */
export { backoffMs } from './backoff.ts';
export type * from './client-interface.ts';
export { AddressPool } from './connection/address-pool.ts';
export { openConnection } from './connection/handshake.ts';
export type { ConnectionContext } from './connection/node-connection.ts';
export { Deadline } from './deadline.ts';
export { CLIENT_ERRORS, ClientError, type ClientErrorCode } from './errors.ts';
export { AbortedData, type BatchKind } from './fetch/aborted-data.ts';
export { type BadBatch, type Walk, walkBatches } from './fetch/batch-walk.ts';
export type * from './fetch/fetch-types.ts';
export type * from './group-admin.ts';
export { type ClientLimits, DEFAULT_LIMITS } from './limits.ts';
export type * from './log-admin.ts';
export type * from './member/member-types.ts';
export type * from './security.ts';
export type * from './transaction-fence.ts';
export type * from './types.ts';

import type { Api, RequestInput, ResponseOf } from '@meridian/protocol';
import { type AdminCalls, type AdminOptions, createAdmin } from './admin.ts';
import type { Client, ClientOptions } from './client-interface.ts';
import type { NodeConnection } from './connection/node-connection.ts';
import { NodePool, type Purpose } from './connection/node-pool.ts';
import { Deadline } from './deadline.ts';
import { ClientError } from './errors.ts';
import { SizeBudget } from './fetch/fetch-size.ts';
import type { Fetcher, FetcherOptions } from './fetch/fetch-types.ts';
import { PollingFetcher } from './fetch/fetcher.ts';
import { type ClientLimits, DEFAULT_LIMITS } from './limits.ts';
import { MetadataCache } from './metadata-cache.ts';
import { Producer } from './produce/producer.ts';
import type { CallOptions, SendOptions } from './types.ts';

/** Special timestamps of `listOffsets`. */
export const EARLIEST = -2;
export const LATEST = -1;

export function createClient(options: ClientOptions): Client {
  const core = new ClientCore(options);
  return Object.assign(core, createAdmin(core.adminOptions()));
}

/** Connections, metadata, produce and fetch; the other calls are made of these (`admin.ts`). */
class ClientCore implements Omit<Client, keyof AdminCalls> {
  private readonly io: ClientOptions['io'];
  private readonly limits: ClientLimits;
  private readonly pool: NodePool;
  private readonly cache: MetadataCache;
  private readonly producer: Producer;
  private readonly fetchers = new Set<Fetcher>();
  private readonly sizeBudget: SizeBudget;
  private readonly closing = new AbortController();
  private nextFetcherId = 0;

  readonly metadata: Client['metadata'];
  readonly leaderOf: Client['leaderOf'];
  readonly produce: Client['produce'];

  constructor({ io, bootstrap, clientId, secret, security, log, limits }: ClientOptions) {
    this.io = io;
    this.limits = { ...DEFAULT_LIMITS, ...limits };
    this.sizeBudget = new SizeBudget(this.limits.adaptiveBytes);
    this.pool = new NodePool({ io, clientId, secret, security, log, limits: this.limits }, bootstrap);
    this.cache = new MetadataCache(io, this.limits, this.pool);
    this.producer = new Producer({ io, limits: this.limits, pool: this.pool, metadata: this.cache });
    this.metadata = (topics, call) => this.cache.view(topics, this.withClosing(call));
    this.leaderOf = (topic, partition, call) => this.cache.leaderOf(topic, partition, this.withClosing(call));
    this.produce = (topic, partition, batches, call = {}) => this.producer.produce(topic, partition, batches, call);
  }

  async send<A extends Api>(
    api: A,
    body: RequestInput<A>,
    to: number | 'any',
    options: SendOptions = {},
  ): Promise<ResponseOf<A>> {
    const deadline = new Deadline(this.io, this.withClosing(options), this.limits.requestTimeoutMs, api.name);
    const connection = await this.connect(to, deadline);
    const version = connection.versionFor(api, options.version, options.minVersion);
    try {
      return await connection.request(api, version, body, {
        timeoutMs: deadline.remainingMs(),
        signal: deadline.signal,
      });
    } catch (error) {
      if (to === 'any' && error instanceof ClientError && error.code === 'timeout') this.pool.turnAway();
      throw error;
    }
  }

  async supports(nodeId: number, feature: string, options: CallOptions = {}, level = 1): Promise<boolean> {
    const deadline = new Deadline(this.io, this.withClosing(options), this.limits.requestTimeoutMs, feature);
    return ((await this.connect(nodeId, deadline)).features.get(feature) ?? 0) >= level;
  }

  fetcher(options: FetcherOptions = {}): Fetcher {
    const { io, limits, pool, cache, sizeBudget } = this;
    const fetcher = new PollingFetcher(
      { io, limits, pool, metadata: cache, sizeBudget },
      this.nextFetcherId++,
      options,
    );
    this.fetchers.add(fetcher);
    return fetcher;
  }

  async close(): Promise<void> {
    this.closing.abort();
    for (const fetcher of this.fetchers) fetcher.close();
    this.producer.close();
    this.pool.close();
  }

  adminOptions(): AdminOptions {
    const { io, limits, pool, cache: metadata } = this;
    return {
      io,
      limits,
      metadata,
      closing: this.closing.signal,
      send: this.send.bind(this),
      withClosing: this.withClosing.bind(this),
      connectTo: (nodeId, purpose, deadline) => this.connect(nodeId, deadline, purpose),
      closePurpose: (purpose) => pool.closePurpose(purpose),
    };
  }

  /** A broker that is not known yet may be one that metadata will name. */
  private async connect(to: number | 'any', deadline: Deadline, purpose: Purpose = 'control'): Promise<NodeConnection> {
    if (deadline.isOver()) throw deadline.error();
    if (to === 'any') return this.pool.connectAny(deadline);
    if (!this.cache.knows(to)) await this.cache.view([], { timeoutMs: deadline.remainingMs(), maxAgeMs: 0 });
    return deadline.race(this.pool.connect(to, purpose));
  }

  private withClosing<O extends CallOptions>(options: O = {} as O): O {
    const signal = options.signal ? AbortSignal.any([options.signal, this.closing.signal]) : this.closing.signal;
    return { ...options, signal };
  }
}
