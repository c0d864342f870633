/**
 * All connections of one client: brokers by id, as metadata names them, or any of them.
 * Invariant: what has moved, or is no broker any more, is disconnected.
 */
import type { Deadline } from '../deadline.ts';
import { ClientError } from '../errors.ts';
import type { NodeAddress } from '../types.ts';
import { AddressPool, addressKey } from './address-pool.ts';
import type { ConnectionContext, NodeConnection } from './node-connection.ts';

/** `control` and `produce` are shared by the whole client, `fetch:…` belongs to one fetcher, `group:…` to one member. */
export type Purpose = 'control' | 'produce' | `fetch:${string}` | `group:${string}`;

export class NodePool {
  private readonly connections: AddressPool;
  private readonly bootstrap: readonly NodeAddress[];
  private brokers: ReadonlyMap<number, NodeAddress> = new Map();
  /** Where `any` begins; moves on when a candidate fails. */
  private turn = 0;
  /** What `any` was last. */
  private asked: string | undefined;
  /** Has told nothing new for long, or nothing at all. */
  private avoided: string | undefined;

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
      if (connected === undefined || this.isAvoided(address)) continue;
      this.asked = addressKey(address);
      return connected;
    }
    let last: unknown;
    for (const address of this.inTurn(candidates)) {
      if (deadline.isOver()) break;
      this.asked = addressKey(address);
      try {
        return await deadline.race(this.connections.connect(address, 'control'));
      } catch (error) {
        last = error;
        this.turn++;
      }
    }
    throw last ?? deadline.error();
  }

  /** The broker that `any` was last is not the next one. */
  turnAway(): void {
    this.avoided = this.asked;
  }

  /** The one that is avoided comes last. */
  private inTurn(candidates: readonly NodeAddress[]): NodeAddress[] {
    const from = this.turn % Math.max(1, candidates.length);
    const turned = [...candidates.slice(from), ...candidates.slice(0, from)];
    return [...turned.filter((each) => !this.isAvoided(each)), ...turned.filter((each) => this.isAvoided(each))];
  }

  /** It did not answer in time, and may be as silent on its other connections. */
  avoid(nodeId: number): void {
    const address = this.brokers.get(nodeId);
    this.avoided = address && addressKey(address);
  }

  private isAvoided(address: NodeAddress): boolean {
    return addressKey(address) === this.avoided;
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
