/**
 * Carries a plan of faults out on real processes and links, and undoes each when its time is over. Used by `npm run chaos`.
 * Invariant: after `undoAll` every node runs and every link is whole, whatever was under way.
 */
import type { NodeProcess } from '../peers/node-process.ts';
import type { Fault, PlannedFault } from './fault-plan.ts';
import type { Links } from './network/links.ts';
import type { Timeline } from './timeline.ts';

export class Faults {
  readonly #nodes: readonly NodeProcess[];
  readonly #links: Links;
  readonly #timeline: Timeline;
  readonly #undoings = new Set<Promise<void>>();
  /** Starts that have not become ready. */
  readonly #starts = new Map<NodeProcess, Promise<void>>();
  readonly #pauses = new Map<NodeProcess, number>();
  #failure: Error | undefined;

  constructor(nodes: readonly NodeProcess[], links: Links, timeline: Timeline) {
    this.#nodes = nodes;
    this.#links = links;
    this.#timeline = timeline;
  }

  /** What went wrong that no fault explains: a node that could not be started, or ended badly. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  inject({ fault, durationMs }: PlannedFault): void {
    this.#timeline.note(`${describe(fault)}, for ${(durationMs / 1_000).toFixed(1)} s`);
    const undo = this.#do(fault, durationMs).catch((error: Error) => {
      this.#failure ??= error;
      this.#timeline.note(`FAILED: ${error.message}`);
    });
    this.#undoings.add(undo);
    void undo.then(() => this.#undoings.delete(undo));
  }

  /** Waits until all is undone and every node is ready. */
  async undoAll(): Promise<void> {
    await Promise.all(this.#undoings);
    await Promise.all(this.#starts.values());
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #do(fault: Fault, durationMs: number): Promise<void> {
    if (fault.kind === 'cut') {
      this.#links.cut(fault.directions);
      await pause(durationMs);
      this.#links.heal(fault.directions, fault.endConnections);
      return this.#timeline.note(`healed: ${describe(fault)}`);
    }
    const nodes = this.#nodes.filter(({ id }) => fault.nodes.includes(id));
    if (fault.kind === 'pause') return this.#pauseFor(nodes, durationMs);
    await Promise.all(nodes.map((node) => this.#end(node, fault.kind === 'kill')));
    await pause(durationMs);
    for (const node of nodes) this.#start(node);
  }

  async #pauseFor(nodes: readonly NodeProcess[], durationMs: number): Promise<void> {
    for (const node of nodes) {
      this.#pauses.set(node, (this.#pauses.get(node) ?? 0) + 1);
      node.pause();
    }
    await pause(durationMs);
    for (const node of nodes) {
      const left = (this.#pauses.get(node) ?? 1) - 1;
      this.#pauses.set(node, left);
      if (left === 0) node.resume();
    }
    this.#timeline.note(`resumed: ${nodes.map(({ id }) => id)}`);
  }

  async #end(node: NodeProcess, isKill: boolean): Promise<void> {
    if (isKill) await node.kill();
    else await node.stop();
    this.#links.shut(node);
  }

  /** Becomes ready when it can: meanwhile the next fault may come. */
  #start(node: NodeProcess): void {
    if (node.pid !== undefined) return; // another fault has started it
    const start = (async () => {
      await this.#links.open(node);
      const readyMs = await node.start();
      this.#timeline.note(`node ${node.id} is ready again after ${(readyMs / 1_000).toFixed(1)} s`);
    })().catch((error: Error) => {
      // Killed by the next fault before it was ready.
      if (!node.wasEnded) {
        this.#failure ??= error;
        this.#timeline.note(`FAILED: ${error.message}`);
      }
    });
    this.#starts.set(node, start);
  }
}

function describe(fault: Fault): string {
  if (fault.kind === 'cut') return `cut ${fault.directions.map(({ from, to }) => `${from}→${to}`).join(' ')}`;
  const all = fault.nodes.length === 1 ? `node ${fault.nodes[0]}` : 'all nodes';
  const what = { kill: 'kill -9', pause: 'SIGSTOP', restart: 'SIGTERM and start' };
  return `${what[fault.kind]} ${all}`;
}

const pause = (delayMs: number) => new Promise<void>((done) => setTimeout(done, delayMs));
