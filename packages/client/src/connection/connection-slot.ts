/**
 * The place of one connection: open, being opened, or waiting for its next attempt after full-jitter back-off. Kept by
 * an `AddressPool`. Invariant: at most one connection is open or being opened.
 */
import { backoffMs } from '../backoff.ts';
import type { ClientError } from '../errors.ts';
import type { NodeAddress } from '../types.ts';
import { openConnection } from './handshake.ts';
import type { ConnectionContext, NodeConnection } from './node-connection.ts';

export class ConnectionSlot {
  readonly address: NodeAddress;
  readonly purpose: string;
  private readonly context: ConnectionContext;
  private readonly closing: AbortSignal;
  private readonly onLost: () => void;
  private connection: NodeConnection | undefined;
  private opening: Promise<NodeConnection> | undefined;
  private failures = 0;
  private retryAt = 0;
  private closedBy: ClientError | undefined;

  constructor(
    context: ConnectionContext,
    place: { readonly address: NodeAddress; readonly purpose: string },
    closing: AbortSignal,
    onLost: () => void,
  ) {
    this.context = context;
    this.address = place.address;
    this.purpose = place.purpose;
    this.closing = closing;
    this.onLost = onLost;
  }

  get opened(): NodeConnection | undefined {
    return this.connection?.isOpen ? this.connection : undefined;
  }

  get isIdle(): boolean {
    return this.opened === undefined && this.opening === undefined;
  }

  async acquire(): Promise<NodeConnection> {
    if (this.opened !== undefined) return this.opened;
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
      connection.onLost = this.onLost;
      return (this.connection = connection);
    } catch (error) {
      this.failures++;
      if (this.failures === 1) this.context.log.debug('no connection', { purpose: this.purpose, error });
      this.retryAt = io.clock.monotonic() + backoffMs(io.random, limits, this.failures);
      throw error;
    }
  }
}
