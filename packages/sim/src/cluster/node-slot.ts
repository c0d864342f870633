/**
 * One node of the region on its machine, and its supervisor: starts it, and starts it again when it has died. Faults kill
 * it, cut its power, stop it or take its disk.
 * Invariant: at most one boot is alive; what an earlier boot still resolves or rejects is ignored.
 */
import type { Broker } from '@meridian/broker';
import type { Io, Logger } from '@meridian/io';
import { between, type SimNode, type SimWorld } from '@meridian/io/sim';
import { CLUSTER_LIMITS as LIMITS } from './limits.ts';
import type { NodePlan } from './plan.ts';
import type { View } from './views.ts';

export type HowDied = 'killed' | 'power lost' | 'wiped' | 'gave up';

export interface NodeEvents {
  start(io: Io, process: { log: Logger; onFatal(error: Error): void; onView(view: View): void }): Promise<Broker>;
  logged(slot: NodeSlot, level: 'debug' | 'info' | 'warn' | 'error', message: string, fields?: object): void;
  /** It has come to the end of a clean stop. */
  stopped(slot: NodeSlot): void;
  /** It is about to start, on a disk that holds this. */
  starting(slot: NodeSlot, disk: Io['disk']): void;
  /** It is about to die; its broker can still be looked at. */
  dying(slot: NodeSlot, how: HowDied): void;
}

export class NodeSlot {
  readonly plan: NodePlan;
  readonly node: SimNode;
  /** Counts the starts. */
  boot = 0;
  /** The broker that serves; undefined while it starts or is dead. */
  broker: Broker | undefined;
  /** What the process shows of itself, from early in its start on. */
  view: View | undefined;
  /** Why the last start or life ended. */
  lastError = '';
  isStopping = false;
  readonly #world: SimWorld;
  readonly #events: NodeEvents;

  constructor(world: SimWorld, plan: NodePlan, events: NodeEvents) {
    this.#world = world;
    this.plan = plan;
    this.#events = events;
    this.node = world.node(plan.host);
    this.node.setClockDrift(plan.clockDriftPpm);
  }

  get isUp(): boolean {
    return this.broker !== undefined && !this.isStopping;
  }

  start(): void {
    const boot = ++this.boot;
    this.isStopping = false;
    this.broker = this.view = undefined;
    const giveUp = (error: Error): void => {
      if (boot !== this.boot) return;
      this.lastError = error.message;
      this.#world.trace(`${this.node.name} gives up: ${error.message}`);
      this.#die('gave up', undefined, () => this.node.kill());
    };
    const onView = (view: View): void => {
      if (boot === this.boot) this.view = view;
    };
    const io = this.node.boot();
    this.#events.starting(this, io.disk);
    this.#events.start(io, { log: this.#logger(), onFatal: giveUp, onView }).then((broker) => {
      if (boot === this.boot) this.broker = broker;
    }, giveUp);
  }

  kill(restartMs?: number): void {
    this.#die('killed', restartMs, () => this.node.kill());
  }

  powerLoss(restartMs?: number): void {
    this.#die('power lost', restartMs, () => this.node.powerLoss());
  }

  wipe(): void {
    this.#die('wiped', undefined, () => this.node.wipe());
  }

  /** A clean stop, and a start afterwards; a kill if it does not come to its end in time. */
  stop(limitMs: number): void {
    const { boot, broker } = this;
    if (broker === undefined || this.isStopping) return this.kill();
    this.isStopping = true;
    const over = (): void => {
      if (boot === this.boot) this.kill();
    };
    const timer = this.#world.after(limitMs, over);
    broker.stop().then(
      () => {
        timer.cancel();
        if (boot === this.boot) this.#events.stopped(this);
        over();
      },
      (error: Error) => {
        this.lastError = error.message;
        over();
      },
    );
  }

  #die(how: HowDied, restartMs: number | undefined, perform: () => void): void {
    this.#events.dying(this, how);
    const boot = ++this.boot;
    this.broker = this.view = undefined;
    this.isStopping = false;
    perform();
    this.#world.after(restartMs ?? between(this.#world.random, LIMITS.restartMs), () => {
      if (boot === this.boot) this.start();
    });
  }

  #logger(): Logger {
    const { boot } = this;
    const tell =
      (level: 'debug' | 'info' | 'warn' | 'error') =>
      (message: string, fields?: Record<string, unknown>): void => {
        if (boot === this.boot) this.#events.logged(this, level, message, fields);
      };
    return { debug: tell('debug'), info: tell('info'), warn: tell('warn'), error: tell('error') };
  }
}
