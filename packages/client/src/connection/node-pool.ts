/**
 * All connections of one client: per broker one for each purpose, since a long poll holds up whatever is behind it on
 * its connection. Opened when needed, and again after full-jitter back-off.
 * Invariant: at most one connection per (broker, purpose) is open or being opened.
 */
import { backoffMs } from '../backoff.ts';
import type { Deadline } from '../deadline.ts';
import { ClientError } from '../errors.ts';
import type { NodeAddress } from '../types.ts';
import { openConnection } from './handshake.ts';
import type { ConnectionContext, NodeConnection } from './node-connection.ts';

/** `control` and `produce` are shared by the whole client, `fetch:…` belongs to one fetcher. */
export type Purpose = 'control' | 'produce' | `fetch:${string}`;

export class NodePool {
  private readonly context: ConnectionContext;
  private readonly bootstrap: readonly NodeAddress[];
  private brokers: ReadonlyMap<number, NodeAddress> = new Map();
  private readonly slots = new Map<string, ConnectionSlot>();
  private readonly closing = new AbortController();
  /** Where `any` begins; moves on when a candidate fails. */
  private turn = 0;

  constructor(context: ConnectionContext, bootstrap: readonly NodeAddress[]) {
    this.context = context;
    this.bootstrap = bootstrap;
  }

  /** Takes over the brokers of a metadata answer; what has moved or is gone is disconnected. */
  update(brokers: ReadonlyMap<number, NodeAddress>): void {
    this.brokers = brokers;
    const wanted = new Set([...brokers.values(), ...this.bootstrap].map(addressKey));
    for (const [key, slot] of this.slots) {
      if (wanted.has(addressKey(slot.address))) continue;
      slot.close(new ClientError('disconnected', `${addressKey(slot.address)} is no broker any more`));
      this.slots.delete(key);
    }
  }

  async connect(nodeId: number, purpose: Purpose): Promise<NodeConnection> {
    const address = this.brokers.get(nodeId);
    if (address === undefined) throw new ClientError('unknown-node', `broker ${nodeId}`);
    return this.slot(address, purpose).acquire();
  }

  /** Any broker: one that is connected already, else known and bootstrap brokers in turn, each once. */
  async connectAny(deadline: Deadline): Promise<NodeConnection> {
    const candidates = this.candidates();
    const connected = candidates
      .map((address) => this.slots.get(slotKey(address, 'control')))
      .find((slot) => slot?.isOpen);
    if (connected !== undefined) return connected.acquire();
    let last: unknown;
    for (let tried = 0; tried < candidates.length && !deadline.isOver(); tried++) {
      const address = candidates[this.turn % candidates.length]!;
      try {
        return await deadline.race(this.slot(address, 'control').acquire());
      } catch (error) {
        last = error;
        this.turn++;
      }
    }
    throw last ?? deadline.error();
  }

  closePurpose(purpose: Purpose): void {
    for (const [key, slot] of this.slots) {
      if (slot.purpose !== purpose) continue;
      slot.close(new ClientError('closed', addressKey(slot.address)));
      this.slots.delete(key);
    }
  }

  close(): void {
    this.closing.abort();
    for (const slot of this.slots.values()) slot.close(new ClientError('closed', addressKey(slot.address)));
    this.slots.clear();
  }

  private candidates(): NodeAddress[] {
    const byKey = new Map(
      [...this.brokers.values(), ...this.bootstrap].map((address) => [addressKey(address), address]),
    );
    return [...byKey.values()];
  }

  private slot(address: NodeAddress, purpose: Purpose): ConnectionSlot {
    const key = slotKey(address, purpose);
    let slot = this.slots.get(key);
    if (slot === undefined) {
      slot = new ConnectionSlot(this.context, address, purpose, this.closing.signal);
      this.slots.set(key, slot);
    }
    return slot;
  }
}

const addressKey = ({ host, port }: NodeAddress): string => `${host}:${port}`;
const slotKey = (address: NodeAddress, purpose: Purpose): string => `${addressKey(address)}/${purpose}`;

/** The place of one connection: open, being opened, or waiting for its next attempt. */
class ConnectionSlot {
  readonly address: NodeAddress;
  readonly purpose: Purpose;
  private readonly context: ConnectionContext;
  private readonly closing: AbortSignal;
  private connection: NodeConnection | undefined;
  private opening: Promise<NodeConnection> | undefined;
  private failures = 0;
  private retryAt = 0;
  private closedBy: ClientError | undefined;

  constructor(context: ConnectionContext, address: NodeAddress, purpose: Purpose, closing: AbortSignal) {
    this.context = context;
    this.address = address;
    this.purpose = purpose;
    this.closing = closing;
  }

  get isOpen(): boolean {
    return this.connection?.isOpen === true;
  }

  async acquire(): Promise<NodeConnection> {
    if (this.connection?.isOpen) return this.connection;
    this.opening ??= this.open().finally(() => {
      this.opening = undefined;
    });
    return this.opening;
  }

  close(error: ClientError): void {
    this.closedBy = error;
    this.connection?.close(error);
  }

  private async open(): Promise<NodeConnection> {
    const { io, limits } = this.context;
    const waitMs = this.retryAt - io.clock.monotonic();
    if (waitMs > 0) await io.timers.sleep(waitMs, this.closing);
    if (this.closedBy !== undefined) throw this.closedBy;
    try {
      const connection = await openConnection(this.context, this.address);
      if (this.closedBy !== undefined) {
        connection.close(this.closedBy);
        throw this.closedBy;
      }
      this.failures = 0;
      return (this.connection = connection);
    } catch (error) {
      this.failures++;
      if (this.failures === 1) this.context.log.debug('no connection', { purpose: this.purpose, error });
      this.retryAt = io.clock.monotonic() + backoffMs(io.random, limits, this.failures);
      throw error;
    }
  }
}
