/**
 * `Peers` over the client's connections: proves the internal secret on each, keeps one per (address, purpose). Made once
 * per node. Invariant: every call ends by its time, whether or not a connection could be had.
 */
import { AddressPool, ClientError, type ConnectionContext, Deadline, openConnection } from '@meridian/client';
import { type Io, IoError, type Logger } from '@meridian/io';
import type { Api } from '@meridian/protocol';
import { PEER_LIMITS } from './limits.ts';
import type { Liveness, NodeAddress, PeerAnswer, PeerBody, PeerCall, Peers } from './peers.ts';

export interface PeersOptions {
  readonly io: Pick<Io, 'clock' | 'timers' | 'random' | 'net' | 'memory'>;
  readonly log: Logger;
  readonly nodeId: number;
  /** What every node proves to know on an internal listener. */
  readonly secret: string;
  readonly limits?: Partial<typeof PEER_LIMITS>;
}

export function createPeers({ io, log, nodeId, secret, limits }: PeersOptions): Peers {
  const clientId = `node-${nodeId}`;
  return new NodePeers(io, { io, clientId, secret, log, limits: { ...PEER_LIMITS, ...limits } });
}

class NodePeers implements Peers {
  readonly #io: PeersOptions['io'];
  readonly #context: ConnectionContext;
  readonly #pool: AddressPool;
  readonly #listeners = new Set<(to: NodeAddress, purpose: string) => void>();

  constructor(io: PeersOptions['io'], context: ConnectionContext) {
    this.#io = io;
    this.#context = context;
    this.#pool = new AddressPool(context);
    this.#pool.onLost = (address, purpose) => {
      for (const listener of this.#listeners) listener(address, purpose);
    };
  }

  async send<A extends Api>(
    to: NodeAddress,
    purpose: string,
    api: A,
    body: PeerBody<A>,
    { timeoutMs, minVersion = 0, signal, borrows = false }: PeerCall,
  ): Promise<PeerAnswer<A>> {
    const deadline = new Deadline(this.#io, { timeoutMs, ...(signal && { signal }) }, timeoutMs, api.name);
    const connection = this.#pool.opened(to, purpose) ?? (await deadline.race(this.#pool.connect(to, purpose)));
    const version = connection.versionFor(api);
    if (version < minVersion) throw new ClientError('unsupported-version', `${api.name} at ${to.host}:${to.port}`);
    const message = typeof body === 'function' ? body(version) : body;
    const memory = borrows ? this.#io.memory : undefined;
    const answer = await connection.request(api, version, message, {
      timeoutMs: deadline.remainingMs(),
      signal,
      memory,
    });
    return { version, body: answer };
  }

  async ask(to: NodeAddress, timeoutMs: number): Promise<Liveness> {
    const limits = { ...this.#context.limits, connectTimeoutMs: timeoutMs };
    const asked = openConnection({ ...this.#context, secret: undefined, limits }, to);
    try {
      await new Deadline(this.#io, { timeoutMs }, timeoutMs, 'liveness').race(asked.then((open) => open.close()));
      return 'alive';
    } catch (error) {
      const cause = error instanceof ClientError ? error.cause : undefined;
      return cause instanceof IoError && cause.code === 'refused' ? 'refused' : 'silent';
    }
  }

  onLost(listener: (to: NodeAddress, purpose: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#listeners.clear();
    this.#pool.close();
  }
}
