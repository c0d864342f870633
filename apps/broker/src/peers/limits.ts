/** Bounds and waits of what nodes ask of each other, by name. A peer is near, and its port answers or it is gone. */
import { DEFAULT_LIMITS } from '@meridian/client';

export const PEER_LIMITS = {
  ...DEFAULT_LIMITS,
  /** Establishing a connection, authentication included. */
  connectTimeoutMs: 2_000,
  /** Between attempts, with full jitter: short, since a leader that comes back is waited for. */
  backoffBaseMs: 10,
  backoffCapMs: 200,
  /** Requests of one purpose that are out to one node, and that wait for a place behind them. */
  maxInFlight: 32,
  maxWaiting: 1_000,
  /** Connections' places, used or not. */
  maxSlots: 1_000,
};

export const CHANNEL_LIMITS = {
  /** One attempt to ask the active controller; it may have stopped without closing its connections. */
  attemptTimeoutMs: 10_000,
  /** Requests that wait for a controller. */
  maxWaiting: 1_000,
  /** Between attempts, with full jitter. */
  backoffBaseMs: 10,
  backoffCapMs: 250,
} as const;

export const WATCH_LIMITS = {
  /** A node whose connection was lost is asked so often, so long apart: a port is closed a little after its connections. */
  asks: 4,
  askEveryMs: 25,
  askTimeoutMs: 100,
  /** How often the active controller looks for unfenced brokers that have no connection to it. */
  sweepEveryMs: 250,
  /** Nodes that are asked at a time; further hints are left to the timeouts. */
  maxAsked: 64,
} as const;

export const FORWARDING_LIMITS = {
  /** A request that does not say how long it may take, and bounds for one that does. */
  timeoutMs: 30_000,
  leastTimeoutMs: 1_000,
  mostTimeoutMs: 60_000,
  /** In an envelope it must still fit into the longest frame without records. */
  maxRequestBytes: 16_000_000,
} as const;

/** What a node asks of the active controller on its own account. */
export const REMOTE_LIMITS = {
  timeoutMs: 15_000,
  /** How long topics that were created may take to come to this node. */
  shownTimeoutMs: 5_000,
} as const;
