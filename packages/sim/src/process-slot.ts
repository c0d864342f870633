/**
 * One process of the simulated cluster on its machine, and what a supervisor does for it: start it, and start it again
 * when it has died. Faults kill it and cut its power.
 * Invariant: at most one boot is alive; what an earlier boot still resolves or rejects is ignored.
 */
import type { Io } from '@meridian/io';
import { between, type SimNode, type SimWorld } from '@meridian/io/sim';
import { LIMITS } from './limits.ts';

export type StartProcess = (io: Io) => Promise<unknown>;

export class ProcessSlot {
  readonly node: SimNode;
  readonly #world: SimWorld;
  readonly #start: StartProcess;
  #boot = 0;
  ready = false;

  constructor(world: SimWorld, node: SimNode, start: StartProcess) {
    this.#world = world;
    this.node = node;
    this.#start = start;
  }

  start(): void {
    const boot = ++this.#boot;
    this.ready = false;
    this.#start(this.node.boot()).then(
      () => {
        if (boot === this.#boot) this.ready = true;
      },
      (error: Error) => {
        if (boot !== this.#boot) return;
        this.#world.trace(`${this.node.name} failed to start: ${error.message}`);
        this.kill();
      },
    );
  }

  kill(): void {
    this.#die(() => this.node.kill());
  }

  powerLoss(): void {
    this.#die(() => this.node.powerLoss());
  }

  #die(how: () => void): void {
    const boot = ++this.#boot;
    this.ready = false;
    how();
    this.#world.after(between(this.#world.random, LIMITS.restartMs), () => {
      if (boot === this.#boot) this.start();
    });
  }
}
