/**
 * Makes proofs of death out of hints: where a connection to a node that matters was lost, its port is asked a few times
 * within some 100 ms. One per node; fed by `Peers`, by the internal listener and, on the active controller, by a sweep.
 *
 *   refused   nobody listens, so the process is gone: told (leader: a new one may be elected; broker: it may be fenced)
 *   alive     it only lost the connection: nothing happens
 *   silent    a process that stands still, or a network that is cut: left to the timeouts
 *
 * Invariant: nothing is told of a node that answers. What is told makes elections and fencing earlier, never unsafe.
 */
import type { Io, Timer } from '@meridian/io';
import type { BrokerConnections } from '../server/connection.ts';
import { WATCH_LIMITS } from './limits.ts';
import type { NodeAddress, Peers } from './peers.ts';

export interface LivenessWatchOptions {
  readonly timers: Io['timers'];
  readonly peers: Pick<Peers, 'ask' | 'onLost'>;
  readonly nodeId: number;
  /** Who leads the quorum, and where it is; undefined while that is nobody or this node. */
  readonly leader: () => { readonly id: number; readonly address: NodeAddress } | undefined;
  readonly leaderGone: (leaderId: number) => void;
  /** While this node is the active controller: the unfenced brokers' internal listeners, else nothing. */
  readonly brokers: () => ReadonlyMap<number, NodeAddress>;
  readonly brokerGone: (brokerId: number) => void;
}

export class LivenessWatch implements BrokerConnections {
  readonly #options: LivenessWatchOptions;
  readonly #stopListening: () => void;
  /** By `host:port`. */
  readonly #asking = new Set<string>();
  /** Connections that brokers' heartbeats come in on: how many each has. */
  readonly #connections = new Map<number, number>();
  #sweeper: Timer | undefined;
  #isClosed = false;

  constructor(options: LivenessWatchOptions) {
    this.#options = options;
    this.#stopListening = options.peers.onLost((to) => this.#lost(to));
    this.#sweepLater();
  }

  /** A connection is a broker's: it has registered or sent a heartbeat over it. */
  brokerConnected(brokerId: number): void {
    this.#connections.set(brokerId, (this.#connections.get(brokerId) ?? 0) + 1);
  }

  /** Such a connection has ended. */
  brokerDisconnected(brokerId: number): void {
    const left = (this.#connections.get(brokerId) ?? 0) - 1;
    if (left > 0) this.#connections.set(brokerId, left);
    else this.#connections.delete(brokerId);
    this.#suspectBroker(brokerId);
  }

  /** The active controller is new: whoever died with or before its predecessor is found now. */
  sweep(): void {
    const { brokers, nodeId } = this.#options;
    for (const [id, address] of brokers()) {
      if (id !== nodeId && !this.#connections.has(id)) void this.#ask(address, 1);
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#stopListening();
    this.#sweeper?.cancel();
  }

  #sweepLater(): void {
    this.#sweeper = this.#options.timers.after(WATCH_LIMITS.sweepEveryMs, () => {
      this.sweep();
      this.#sweepLater();
    });
  }

  #lost(to: NodeAddress): void {
    const { leader, brokers } = this.#options;
    const led = leader();
    if (led !== undefined && isSame(led.address, to)) void this.#ask(to);
    else if ([...brokers().values()].some((address) => isSame(address, to))) void this.#ask(to);
  }

  #suspectBroker(brokerId: number): void {
    const address = this.#options.brokers().get(brokerId);
    if (address !== undefined && brokerId !== this.#options.nodeId) void this.#ask(address);
  }

  /** Several times where a connection was lost: a port may be closed a little after the connections. */
  async #ask(address: NodeAddress, asks: number = WATCH_LIMITS.asks): Promise<void> {
    const { timers, peers } = this.#options;
    const key = `${address.host}:${address.port}`;
    if (this.#asking.has(key) || this.#asking.size >= WATCH_LIMITS.maxAsked) return;
    this.#asking.add(key);
    for (let asked = 0; asked < asks && !this.#isClosed; asked++) {
      if (asked > 0) await timers.sleep(WATCH_LIMITS.askEveryMs);
      const answer = await peers.ask(address, WATCH_LIMITS.askTimeoutMs);
      if (answer === 'refused' && !this.#isClosed) this.#gone(address);
      if (answer !== 'silent') break;
    }
    this.#asking.delete(key);
  }

  /** Whoever is at this address by now: a node may have been asked while the image moved on. */
  #gone(address: NodeAddress): void {
    const { leader, leaderGone, brokers, brokerGone, nodeId } = this.#options;
    const led = leader();
    if (led !== undefined && isSame(led.address, address)) leaderGone(led.id);
    for (const [id, each] of brokers()) {
      // Whoever holds a connection to us lives, whatever stands between us and its port.
      if (id !== nodeId && isSame(each, address) && !this.#connections.has(id)) brokerGone(id);
    }
  }
}

function isSame(a: NodeAddress, b: NodeAddress): boolean {
  return a.port === b.port && a.host === b.host;
}
