/**
 * One attempt to connect: SYN, lost ones sent again with growing waits, the answer, and the caller's patience.
 * Called by sim-net.ts.
 * Invariant: it settles once; a connection that was established too late for its caller is destroyed.
 *
 *   SYN ──▶ machine unknown: unreachable · no port open: refused · way blocked: again after 1 s, 2 s, 4 s …
 *       ──▶ TLS wanted: refused, as no simulated server speaks it
 *       ──▶ port open: the server is handed its end; one latency later the client its own
 */
import { IoError, type IoErrorCode } from '../../errors.ts';
import type { Connection, ConnectOptions } from '../../io.ts';
import { SIM_SYN_RETRY_MS } from '../../limits.ts';
import type { SimProcess } from '../sim-process.ts';
import type { Network } from './network.ts';
import type { Route, Station } from './route.ts';
import type { SimConnection } from './sim-connection.ts';

export class Dial {
  readonly #network: Network;
  readonly #process: SimProcess;
  readonly #options: ConnectOptions;
  readonly #there: Route;
  readonly #back: Route;
  readonly #settle: (outcome: Connection | IoError) => void;
  #connection: SimConnection | undefined;
  #over = false;

  constructor(
    network: Network,
    process: SimProcess,
    stations: { from: Station; to: Station },
    options: ConnectOptions,
    settle: (outcome: Connection | IoError) => void,
  ) {
    this.#network = network;
    this.#process = process;
    this.#options = options;
    this.#there = network.route(stations.from, stations.to);
    this.#back = network.route(stations.to, stations.from);
    const abort = (): void => this.#fail('closed');
    const timer = process.schedule(options.timeoutMs, 'connect timeout', () => this.#fail('timeout'));
    options.signal?.addEventListener('abort', abort);
    this.#settle = (outcome) => {
      this.#over = true;
      timer.cancel();
      options.signal?.removeEventListener('abort', abort);
      settle(outcome);
    };
    this.#sendSyn(SIM_SYN_RETRY_MS);
  }

  #sendSyn(retryMs: number): void {
    if (this.#over || !this.#process.alive) return;
    if (this.#blocked()) return this.#later(retryMs, () => this.#sendSyn(2 * retryMs));
    this.#later(this.#there.latencyMs(), () => this.#synArrives(retryMs));
  }

  #synArrives(retryMs: number): void {
    if (this.#over || !this.#process.alive) return;
    if (this.#blocked()) return this.#later(retryMs, () => this.#sendSyn(2 * retryMs));
    const open = this.#network.portsOf(this.#there.to).get(this.#options.port);
    const answerMs = this.#back.latencyMs();
    if (open === undefined) {
      this.#process.schedule(answerMs, 'refused', () => this.#fail('refused'));
      return;
    }
    if (this.#options.tls !== undefined) {
      this.#process.schedule(answerMs, 'no TLS', () => this.#fail('tls'));
      return;
    }
    const routes = { there: this.#there, back: this.#back };
    const { near, far } = this.#network.connectPair(this.#process, open.process, routes, this.#options.port);
    near.notBefore(this.#network.schedule.now() + answerMs);
    this.#connection = near;
    open.process.schedule(0, `accept from ${this.#process.host.name}`, () => open.onConnection(far));
    this.#process.schedule(answerMs, 'connected', () => this.#established());
  }

  #established(): void {
    if (this.#over) return;
    if (this.#back.blocked()) {
      this.#process.schedule(SIM_SYN_RETRY_MS, 'connected', () => this.#established());
      return;
    }
    this.#settle(this.#connection!);
  }

  #fail(code: IoErrorCode): void {
    if (this.#over) return;
    this.#connection?.destroy();
    this.#settle(new IoError(code, `connect to ${this.#options.host}:${this.#options.port}`));
  }

  #blocked(): boolean {
    return this.#there.blocked() || this.#back.blocked();
  }

  #later(delayMs: number, run: () => void): void {
    this.#network.schedule.after(delayMs, run);
  }
}
