/**
 * Hands out producer ids from blocks that the controller allocates. Used by InitProducerId.
 * Invariant: an id is handed out once; what is left of a block when the process ends is never used.
 */
import type { ProducerIdBlock } from './commands.ts';

export class ProducerIds {
  readonly #allocate: () => Promise<ProducerIdBlock>;
  #next = 0;
  #end = 0;
  #allocating: Promise<void> | undefined;

  /** `allocate` fetches a block that is durably ours, or rejects. */
  constructor(allocate: () => Promise<ProducerIdBlock>) {
    this.#allocate = allocate;
  }

  async next(): Promise<number> {
    while (this.#next === this.#end) await (this.#allocating ??= this.#refill());
    return this.#next++;
  }

  async #refill(): Promise<void> {
    try {
      const block = await this.#allocate();
      this.#next = block.first;
      this.#end = block.first + block.count;
    } finally {
      this.#allocating = undefined;
    }
  }
}
