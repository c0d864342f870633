/** What happened when, line by line as it happens: faults, leaders, and how much was acknowledged and read meanwhile. */
import type { Cluster } from '../peers/cluster.ts';
import { activeController, partitionsSeenBy } from '../peers/cluster-admin.ts';
import type { Ledger } from './audit/ledger.ts';

const LOOK_EVERY_MS = 500;
const COUNT_EVERY_MS = 10_000;
const ANSWER_LIMIT_MS = 400;

export class Timeline {
  readonly #beganMs = performance.now();
  #leaders = '';
  #controller = 0;
  #isWanted = true;
  #watching: Promise<void> = Promise.resolve();

  note(text: string): void {
    const seconds = ((performance.now() - this.#beganMs) / 1_000).toFixed(1).padStart(6);
    console.log(`${seconds} s  ${text}`);
  }

  watch(cluster: Cluster, topic: string, ledger: Ledger): void {
    this.#watching = this.#look(cluster, topic, ledger);
  }

  async stop(): Promise<void> {
    this.#isWanted = false;
    await this.#watching;
  }

  async #look(cluster: Cluster, topic: string, ledger: Ledger): Promise<void> {
    let countAtMs = performance.now() + COUNT_EVERY_MS;
    while (this.#isWanted) {
      await new Promise((done) => setTimeout(done, LOOK_EVERY_MS));
      await this.#lookAtLeaders(cluster, topic);
      if (performance.now() < countAtMs) continue;
      countAtMs += COUNT_EVERY_MS;
      const { acknowledgedCount, unknownCount, receivedCount } = ledger;
      this.note(`${acknowledgedCount} acknowledged, ${unknownCount} unknown, ${receivedCount} read`);
    }
  }

  async #lookAtLeaders(cluster: Cluster, topic: string): Promise<void> {
    const controller = await activeController(cluster, ANSWER_LIMIT_MS).catch(() => this.#controller);
    if (controller !== this.#controller && controller >= 0) this.note(`node ${controller} is the active controller`);
    if (controller >= 0) this.#controller = controller;
    const asked = cluster.nodes.find(({ pid, isPaused, id }) => pid !== undefined && !isPaused && id === controller);
    if (asked === undefined) return;
    const seen = await partitionsSeenBy(asked.clientPort, topic, ANSWER_LIMIT_MS).catch(() => undefined);
    if (seen === undefined) return;
    const leaders = seen.map(({ leader, isr }) => `${leader < 0 ? '–' : leader}(${isr.join('')})`).join(' ');
    if (leaders !== this.#leaders) this.note(`leaders and ISR: ${leaders}`);
    this.#leaders = leaders;
  }
}
