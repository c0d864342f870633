/**
 * Does for MirrorMaker 2 what an operator's supervisor does: starts its process again when that ends by itself, and anew
 * when it says that a task of it will not recover until somebody does so. Used by `chaos -- mirror`, which kills it, too.
 * Invariant: one start or kill at a time; what was killed by the faults is started by the faults.
 */
import { rmSync } from 'node:fs';
import { pause } from '../../bench/mirror/topics.ts';
import { type MirrorMakerOptions, mirrorMaker } from '../../peers/mirror-maker.ts';
import type { NodeProcess } from '../../peers/node-process.ts';

/** What Connect says of a task that has failed. */
const NEEDS_RESTART = /will not recover until manually restarted/;
const BACK_OFF_MS = 1_000;

export class SupervisedMirrorMaker {
  /** Why it was started again, but for the faults. */
  readonly restarts: string[] = [];
  private readonly node: NodeProcess;
  private isWanted = false;
  private isRepairing = false;
  private turn: Promise<unknown> = Promise.resolve();

  constructor(options: MirrorMakerOptions) {
    const onLine = (line: string): void => {
      if (NEEDS_RESTART.test(line)) this.repair('a task failed');
    };
    this.node = mirrorMaker({ ...options, onLine });
    this.node.onDeath = (how) => this.repair(`it ended with ${how}`);
  }

  start(): Promise<number> {
    this.isWanted = true;
    return this.inTurn(() => this.node.start());
  }

  kill(): Promise<void> {
    this.isWanted = false;
    return this.inTurn(() => this.node.kill());
  }

  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.node.folder, { recursive: true, force: true });
  }

  private repair(why: string): void {
    if (!this.isWanted || this.isRepairing) return;
    this.isRepairing = true;
    this.restarts.push(why);
    void this.inTurn(async () => {
      await pause(BACK_OFF_MS);
      await this.node.kill();
      this.isRepairing = false;
      if (this.isWanted) await this.node.start();
    }).catch((error: Error) => this.repair(error.message));
  }

  private inTurn<T>(action: () => Promise<T>): Promise<T> {
    const done = this.turn.then(action);
    this.turn = done.catch(() => {});
    return done;
  }
}
