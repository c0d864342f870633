/**
 * The network of a simulated world: machines by host, links by pair, connections. One per world.
 * Invariant: connections and machines are visited in the order in which they came to be.
 */
import type { Connection, Random } from '../../io.ts';
import { SIM_FIRST_EPHEMERAL_PORT } from '../../limits.ts';
import type { Schedule } from '../schedule.ts';
import { chance } from '../seeded-random.ts';
import type { SimProcess } from '../sim-process.ts';
import { Pipe, type PipeEvents } from './pipe.ts';
import { createRoute, type Route, type Station } from './route.ts';
import { SimConnection } from './sim-connection.ts';
import { LinkState, type SimLink } from './sim-link.ts';

export interface OpenPort {
  readonly process: SimProcess;
  readonly onConnection: (connection: Connection) => void;
}

const LOOPBACK_HOSTS: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '::1', '0.0.0.0', '::']);

export class Network {
  readonly schedule: Schedule;
  readonly random: Random;
  readonly waitingPipes = new Set<Pipe>();
  readonly #stations = new Map<string, Station>();
  readonly #ports = new Map<Station, Map<number, OpenPort>>();
  readonly #nextPorts = new Map<Station, number>();
  readonly #links = new Map<string, LinkState>();
  readonly #connections = new Set<SimConnection>();

  constructor(schedule: Schedule, random: Random) {
    this.schedule = schedule;
    this.random = random;
  }

  add(station: Station): void {
    if (this.#stations.has(station.host)) throw new Error(`two simulated machines have the host ${station.host}`);
    this.#stations.set(station.host, station);
    this.#ports.set(station, new Map());
  }

  find(host: string, from: Station): Station | undefined {
    return LOOPBACK_HOSTS.has(host) ? from : this.#stations.get(host);
  }

  portsOf(station: Station): Map<number, OpenPort> {
    return this.#ports.get(station)!;
  }

  ephemeralPort(station: Station): number {
    const port = this.#nextPorts.get(station) ?? SIM_FIRST_EPHEMERAL_PORT;
    this.#nextPorts.set(station, port >= 65_535 ? SIM_FIRST_EPHEMERAL_PORT : port + 1);
    return this.portsOf(station).has(port) ? this.ephemeralPort(station) : port;
  }

  link(a: string, b: string): SimLink {
    const state = this.#linkState(a, b);
    return {
      set: (change) => {
        state.set(a, change);
        this.changed();
      },
      reset: () => {
        for (const connection of [...this.#connections]) {
          if (connection.isBetween(a, b)) connection.breakDown();
        }
      },
    };
  }

  route(from: Station, to: Station): Route {
    return createRoute(from, to, from === to ? undefined : this.#linkState(from.name, to.name), this.random);
  }

  /** A link or the power of a machine has changed. */
  changed(): void {
    for (const pipe of [...this.waitingPipes]) pipe.heal();
    for (const connection of [...this.#connections]) connection.routesChanged(this.schedule.now());
  }

  /** Both ends of a new connection; the client's is usable from `establishedMs` on. */
  connectPair(client: SimProcess, server: SimProcess, routes: { there: Route; back: Route }, port: number) {
    const { there, back } = routes;
    const loopback = there.from === there.to;
    const forget = (connection: SimConnection): void => void this.#connections.delete(connection);
    const address = (station: Station): string => (loopback ? '127.0.0.1' : station.host);
    const near = new SimConnection(client, address(there.to), port, forget);
    const far = new SimConnection(server, address(there.from), this.ephemeralPort(there.from), forget);
    const outgoing = new Pipe({ route: there, reverse: back }, this, eventsBetween(near, far));
    const incoming = new Pipe({ route: back, reverse: there }, this, eventsBetween(far, near));
    near.attach(outgoing, incoming, far);
    far.attach(incoming, outgoing, near);
    this.#connections.add(near).add(far);
    return { near, far };
  }

  socketsOf(process: SimProcess): { connections: number; queuedBytes: number } {
    let connections = 0;
    let queuedBytes = 0;
    for (const connection of this.#connections) {
      if (connection.process !== process) continue;
      connections++;
      queuedBytes += connection.bufferedBytes;
    }
    return { connections, queuedBytes };
  }

  /** The process has died; with its machine's power or without. */
  closeAllOf(process: SimProcess, station: Station): void {
    for (const [port, open] of this.portsOf(station)) {
      if (open.process === process) this.portsOf(station).delete(port);
    }
    for (const connection of [...this.#connections]) {
      if (connection.process !== process) continue;
      if (station.powered) connection.die(chance(this.random, 0.5) ? 'fin' : 'reset');
      else connection.vanish();
    }
  }

  #linkState(a: string, b: string): LinkState {
    const key = a < b ? `${a}|${b}` : `${b}|${a}`;
    let state = this.#links.get(key);
    if (state === undefined) this.#links.set(key, (state = new LinkState(a)));
    return state;
  }
}

function eventsBetween(source: SimConnection, sink: SimConnection): PipeEvents {
  return {
    onArrival: () => sink.arrival(),
    onReset: () => sink.resetArrived(),
    onEmptied: () => source.emptied(),
    onLinkReset: () => source.breakDown(),
  };
}
