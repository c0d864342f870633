/**
 * The simulated twin of `Net`: one per process, over the network of the world.
 * Invariant: every promise settles in an event of its own, never within the call.
 */
import { IoError } from '../../errors.ts';
import type { Connection, ConnectOptions, Listener, Net } from '../../io.ts';
import type { SimProcess } from '../sim-process.ts';
import { Dial } from './dial.ts';
import type { Network } from './network.ts';
import type { Station } from './route.ts';

/** What a resolver takes to say that it does not know a name. */
const RESOLVE_MS = 1;

export class SimNet implements Net {
  readonly #network: Network;
  readonly #station: Station;
  readonly #process: SimProcess;

  constructor(network: Network, station: Station, process: SimProcess) {
    this.#network = network;
    this.#station = station;
    this.#process = process;
  }

  listen(options: { host: string; port: number }, onConnection: (connection: Connection) => void): Promise<Listener> {
    const detail = `listen on ${options.host}:${options.port}`;
    return this.#process.promise(detail, (resolve, reject) => {
      const ports = this.#network.portsOf(this.#station);
      const port = options.port === 0 ? this.#network.ephemeralPort(this.#station) : options.port;
      if (ports.has(port)) return void this.#process.schedule(0, detail, () => reject(inUse(detail)));
      const open = { process: this.#process, onConnection };
      ports.set(port, open);
      const close = async (): Promise<void> => {
        if (ports.get(port) === open) ports.delete(port);
      };
      this.#process.schedule(0, detail, () => resolve({ port, close }));
    });
  }

  connect(options: ConnectOptions): Promise<Connection> {
    const detail = `connect to ${options.host}:${options.port}`;
    if (options.signal?.aborted) return Promise.reject(new IoError('closed', detail));
    return this.#process.promise(detail, (resolve, reject) => {
      const to = this.#network.find(options.host, this.#station);
      if (to === undefined) {
        this.#process.schedule(RESOLVE_MS, detail, () => reject(new IoError('unreachable', detail)));
        return;
      }
      new Dial(this.#network, this.#process, { from: this.#station, to }, options, (outcome) => {
        if (outcome instanceof IoError) reject(outcome);
        else resolve(outcome);
      });
    });
  }
}

function inUse(detail: string): IoError {
  return new IoError('address-in-use', detail);
}
