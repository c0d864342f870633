/**
 * A listening port and its connections. `createBroker` opens two, client and internal.
 * Invariant: never more than `maxConnections`; after `stop` resolves none is left.
 */
import type { Io, Listener, Logger } from '@meridian/io';
import type { ListenerName } from '../apis/handler.ts';
import type { BrokerLimits } from '../limits.ts';
import type { Authentication } from './authentication.ts';
import { BrokerConnection, type BrokerConnections } from './connection.ts';
import type { Dispatch } from './dispatch.ts';
import type { RequestMemory } from './request-memory.ts';
import type { Turn } from './turn.ts';

export interface ListenerOptions {
  readonly io: Io;
  readonly name: ListenerName;
  readonly host: string;
  readonly port: number;
  /** Asked for when the first connection comes; until `serve` is called, connections wait unread. */
  readonly createAuthentication: () => Authentication;
  readonly turn: Turn;
  readonly memory: RequestMemory;
  readonly limits: BrokerLimits;
  /** Connections that may be open; it may change, and then counts for those that come. */
  readonly maxConnections: () => number;
  readonly log: Logger;
  readonly brokers?: BrokerConnections;
}

const NOBODY: BrokerConnections = { brokerConnected: () => {}, brokerDisconnected: () => {} };

export interface BrokerListener {
  readonly port: number;
  readonly connectionCount: number;
  /** Begins to work on requests; connections that came before were refused. */
  serve(dispatch: Dispatch): void;
  /** Answers what is in flight, within `drainTimeoutMs`, and closes everything. */
  stop(): Promise<void>;
}

export async function openListener(options: ListenerOptions): Promise<BrokerListener> {
  const { io, name, limits, log, turn, memory, createAuthentication, brokers = NOBODY } = options;
  const connections = new Set<BrokerConnection>();
  let dispatch: Dispatch | undefined;
  let allGone: (() => void) | undefined;
  const onGone = (connection: BrokerConnection): void => {
    connections.delete(connection);
    if (connections.size === 0) allGone?.();
  };
  const now = io.clock.monotonic;
  const listener: Listener = await io.net.listen({ host: options.host, port: options.port }, (socket) => {
    if (dispatch === undefined || connections.size >= options.maxConnections()) {
      if (dispatch !== undefined)
        log.warn('connection refused: too many', { listener: name, limit: options.maxConnections() });
      socket.destroy();
      return;
    }
    const authentication = createAuthentication();
    const blocks = io.memory;
    const given = { listener: name, authentication, dispatch, turn, memory, blocks, limits, log, now, onGone, brokers };
    connections.add(new BrokerConnection(socket, given));
  });
  // A short idle time is kept to half of itself.
  const sweepMs = Math.min(limits.sweepIntervalMs, Math.ceil(limits.idleConnectionMs / 2));
  const sweeper = sweepEvery(io, sweepMs, connections);
  return {
    port: listener.port,
    get connectionCount() {
      return connections.size;
    },
    serve(to) {
      dispatch = to;
    },
    async stop() {
      sweeper.cancel();
      await listener.close();
      if (connections.size === 0) return;
      const gone = new Promise<void>((resolve) => (allGone = resolve));
      for (const connection of [...connections]) connection.drain();
      const timeout = io.timers.after(limits.drainTimeoutMs, () => {
        for (const connection of [...connections]) connection.destroy();
      });
      await gone;
      timeout.cancel();
    },
  };
}

function sweepEvery(io: Io, intervalMs: number, connections: ReadonlySet<BrokerConnection>): { cancel(): void } {
  const run = (): void => {
    for (const connection of connections) connection.sweep(io.clock.monotonic());
    timer = io.timers.after(intervalMs, run);
  };
  let timer = io.timers.after(intervalMs, run);
  return { cancel: () => timer.cancel() };
}
