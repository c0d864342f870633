/**
 * How a node speaks to the others: requests to internal listeners, by address. Used by the quorum, by replication and
 * by whatever goes to the active controller; made by `createPeers`.
 * Invariant: one connection per (address, purpose). Answers come in the order of requests, so what may wait long, such
 * as a fetch, has a purpose of its own.
 */
import type { Api, RequestInput, ResponseOf } from '@meridian/protocol';

export interface NodeAddress {
  readonly host: string;
  readonly port: number;
}

/** What `ask` found: a node, a machine where nobody listens (the process is gone), or no answer in time. */
export type Liveness = 'alive' | 'refused' | 'silent';

export interface PeerCall {
  readonly timeoutMs: number;
  /** Below it the call is refused with `unsupported-version`. */
  readonly minVersion?: number;
  readonly signal?: AbortSignal;
  /**
   * A large answer may lie in memory that is used again (`Io.memory`): whoever keeps a `Buffer` of it beyond the turn
   * holds it. For answers that carry records; without it the answer is the caller's.
   */
  readonly borrows?: boolean;
}

export interface PeerAnswer<A extends Api> {
  readonly version: number;
  readonly body: ResponseOf<A>;
}

/** What is asked; a function if it depends on the version that both sides speak. */
export type PeerBody<A extends Api> = RequestInput<A> | ((version: number) => RequestInput<A>);

export interface Peers {
  /**
   * In the highest version that both speak. Opens the connection when needed, after a back-off if that has failed
   * before. Rejects with `ClientError`: unreachable, disconnected, timeout, cancelled, too-many-pending, ….
   */
  send<A extends Api>(
    to: NodeAddress,
    purpose: string,
    api: A,
    body: PeerBody<A>,
    options: PeerCall,
  ): Promise<PeerAnswer<A>>;
  /** One TCP connect and ApiVersions on a fresh connection. */
  ask(to: NodeAddress, timeoutMs: number): Promise<Liveness>;
  /** A connection that was in use has ended though we did not close it: a hint, not a proof. Returns the way to stop. */
  onLost(listener: (to: NodeAddress, purpose: string) => void): () => void;
  close(): void;
}
