/**
 * The network between the nodes: each is reached by the others through a proxy alone, and what flows from one node to
 * another can be cut, each way by itself. Used by the faults of `npm run chaos`.
 */
import { createServer, type Server, type Socket } from 'node:net';
import type { NodeProcess } from '../../peers/node-process.ts';
import { Channel } from './channel.ts';
import { socketOwner } from './socket-owner.ts';

const HOST = '127.0.0.1';

/** A proxy: `port` leads to the node's `targetPort`. */
export interface Door {
  readonly node: NodeProcess;
  readonly port: number;
  readonly targetPort: number;
}

/** Bytes from one node to another, whoever opened the connection. */
export interface Direction {
  readonly from: number;
  readonly to: number;
}

export class Links {
  readonly #doors: readonly Door[];
  readonly #servers = new Map<Door, Server>();
  readonly #channels = new Set<Channel>();
  readonly #cut = new Set<string>();

  constructor(doors: readonly Door[]) {
    this.#doors = doors;
  }

  /** The node's doors are open, and lead nowhere if nobody listens behind them. */
  async open(node: NodeProcess): Promise<void> {
    for (const door of this.#doors) {
      if (door.node !== node || this.#servers.has(door)) continue;
      const server = createServer({ pauseOnConnect: true, noDelay: true, allowHalfOpen: true }, (caller) =>
        this.#accept(caller, door),
      );
      this.#servers.set(door, server);
      await new Promise<void>((done, fail) => server.once('error', fail).listen(door.port, HOST, done));
    }
  }

  /** Refused, as the ports of a process that is gone; the connections that it had end by themselves. */
  shut(node: NodeProcess): void {
    for (const [door, server] of this.#servers) {
      if (door.node !== node) continue;
      server.close();
      this.#servers.delete(door);
    }
  }

  cut(directions: readonly Direction[]): void {
    for (const direction of directions) this.#cut.add(keyOf(direction));
    for (const channel of this.#channels) channel.linksChanged();
  }

  /** `endConnections`: as if the cut had outlasted their patience; else what was held back arrives now. */
  heal(directions: readonly Direction[], endConnections: boolean): void {
    for (const direction of directions) this.#cut.delete(keyOf(direction));
    const isHealed = ({ from, to }: Channel): boolean =>
      directions.some((way) => (way.from === from && way.to === to) || (way.from === to && way.to === from));
    for (const channel of this.#channels) {
      if (endConnections && isHealed(channel)) channel.end();
      else channel.linksChanged();
    }
  }

  close(): void {
    for (const { node } of this.#doors) this.shut(node);
    for (const channel of this.#channels) channel.end();
  }

  #accept(caller: Socket, { node, port, targetPort }: Door): void {
    caller.on('error', () => {}); // 'close' follows
    const nodes = new Map(this.#doors.map((door) => [door.node.pid ?? -1, door.node]));
    const owner = socketOwner(caller.remotePort ?? -1, port, [...nodes.keys()]);
    const from = owner === undefined ? undefined : nodes.get(owner);
    if (from === undefined) return void caller.destroy();
    const isCut = (source: number, sink: number): boolean => this.#cut.has(keyOf({ from: source, to: sink }));
    const channel = new Channel(caller, targetPort, { from: from.id, to: node.id }, isCut);
    this.#channels.add(channel);
    channel.onEnd = () => this.#channels.delete(channel);
  }
}

const keyOf = ({ from, to }: Direction): string => `${from}>${to}`;
