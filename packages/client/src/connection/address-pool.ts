/**
 * Connections by address and purpose, since a long poll holds up whatever is behind it on its connection. Under
 * `NodePool`, and exported for nodes of a cluster, which know each other by address.
 * Invariant: at most one connection per (address, purpose) is open or being opened.
 */
import { ClientError } from '../errors.ts';
import type { NodeAddress } from '../types.ts';
import { ConnectionSlot } from './connection-slot.ts';
import type { ConnectionContext, NodeConnection } from './node-connection.ts';

export class AddressPool {
  /** A connection that could be used has ended, though nobody here closed it. */
  onLost: (address: NodeAddress, purpose: string) => void = () => {};
  private readonly context: ConnectionContext;
  private readonly slots = new Map<string, ConnectionSlot>();
  private readonly closing = new AbortController();

  constructor(context: ConnectionContext) {
    this.context = context;
  }

  /** Opens it when needed, after a back-off if that has failed before. */
  connect(address: NodeAddress, purpose: string): Promise<NodeConnection> {
    if (this.closing.signal.aborted) return Promise.reject(new ClientError('closed', addressKey(address)));
    return this.slot(address, purpose).acquire();
  }

  /** The connection, if it is open. */
  opened(address: NodeAddress, purpose: string): NodeConnection | undefined {
    return this.slots.get(slotKey(address, purpose))?.opened;
  }

  closePurpose(purpose: string): void {
    this.closeWhere((slot) => slot.purpose === purpose, 'closed', 'the purpose has ended');
  }

  /** Disconnects whatever else there is. */
  retain(addresses: readonly NodeAddress[]): void {
    const wanted = new Set(addresses.map(addressKey));
    this.closeWhere(({ address }) => !wanted.has(addressKey(address)), 'disconnected', 'no broker any more');
  }

  close(): void {
    this.closing.abort();
    this.closeWhere(() => true, 'closed', 'the client is closed');
  }

  private closeWhere(matches: (slot: ConnectionSlot) => boolean, code: 'closed' | 'disconnected', why: string): void {
    for (const [key, slot] of this.slots) {
      if (!matches(slot)) continue;
      slot.close(new ClientError(code, `${addressKey(slot.address)}, ${why}`));
      this.slots.delete(key);
    }
  }

  private slot(address: NodeAddress, purpose: string): ConnectionSlot {
    const key = slotKey(address, purpose);
    let slot = this.slots.get(key);
    if (slot === undefined) {
      if (this.slots.size >= this.context.limits.maxSlots) this.dropIdle();
      const lost = (): void => this.onLost(address, purpose);
      slot = new ConnectionSlot(this.context, { address, purpose }, this.closing.signal, lost);
      this.slots.set(key, slot);
    }
    return slot;
  }

  /** Addresses that nobody uses any more. */
  private dropIdle(): void {
    for (const [key, slot] of this.slots) if (slot.isIdle) this.slots.delete(key);
  }
}

export const addressKey = ({ host, port }: NodeAddress): string => `${host}:${port}`;
const slotKey = (address: NodeAddress, purpose: string): string => `${addressKey(address)}/${purpose}`;
