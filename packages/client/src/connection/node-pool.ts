/**
 * All connections of one client: brokers by id, as metadata names them, or any of them.
 * Invariant: what has moved, or is no broker any more, is disconnected.
 */
import type { Deadline } from '../deadline.ts';
import { ClientError } from '../errors.ts';
import type { NodeAddress } from '../types.ts';
import { AddressPool, addressKey } from './address-pool.ts';
import type { ConnectionContext, NodeConnection } from './node-connection.ts';

/** `control` and `produce` are shared by the whole client, `fetch:…` belongs to one fetcher. */
export type Purpose = 'control' | 'produce' | `fetch:${string}`;

export class NodePool {
  private readonly connections: AddressPool;
  private readonly bootstrap: readonly NodeAddress[];
  private brokers: ReadonlyMap<number, NodeAddress> = new Map();
  /** Where `any` begins; moves on when a candidate fails. */
  private turn = 0;

  constructor(context: ConnectionContext, bootstrap: readonly NodeAddress[]) {
    this.connections = new AddressPool(context);
    this.bootstrap = bootstrap;
  }

  /** Takes over the brokers of a metadata answer; what has moved or is gone is disconnected. */
  update(brokers: ReadonlyMap<number, NodeAddress>): void {
    this.brokers = brokers;
    this.connections.retain([...brokers.values(), ...this.bootstrap]);
  }

  async connect(nodeId: number, purpose: Purpose): Promise<NodeConnection> {
    const address = this.brokers.get(nodeId);
    if (address === undefined) throw new ClientError('unknown-node', `broker ${nodeId}`);
    return this.connections.connect(address, purpose);
  }

  /** Any broker: one that is connected already, else known and bootstrap brokers in turn, each once. */
  async connectAny(deadline: Deadline): Promise<NodeConnection> {
    const candidates = this.candidates();
    for (const address of candidates) {
      const connected = this.connections.opened(address, 'control');
      if (connected !== undefined) return connected;
    }
    let last: unknown;
    for (let tried = 0; tried < candidates.length && !deadline.isOver(); tried++) {
      const address = candidates[this.turn % candidates.length]!;
      try {
        return await deadline.race(this.connections.connect(address, 'control'));
      } catch (error) {
        last = error;
        this.turn++;
      }
    }
    throw last ?? deadline.error();
  }

  closePurpose(purpose: Purpose): void {
    this.connections.closePurpose(purpose);
  }

  close(): void {
    this.connections.close();
  }

  private candidates(): NodeAddress[] {
    const byKey = new Map(
      [...this.brokers.values(), ...this.bootstrap].map((address) => [addressKey(address), address]),
    );
    return [...byKey.values()];
  }
}
