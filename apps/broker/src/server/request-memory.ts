/**
 * The memory that requests may take in one broker, all connections together (Kafka's `queued.max.request.bytes`): frames
 * that are still coming, that wait, and that are being worked on. One per broker; every connection reports what it holds.
 *
 *     enough   everybody reads on
 *     short    a frame that has begun waits for its turn; one at a time, in the order of asking, reads to its end
 *
 * Invariant: more than the limit is held only by the one whose turn it is, by frames that fit into one chunk of their
 * socket, and by the last frame that fitted; so there is always one that comes to its end, and memory always returns.
 */

/** A connection with a frame that goes on. */
export interface MemoryUser {
  /** It is this user's turn, or there is enough again. Called once after `mayGrow` said no. */
  readOn(): void;
}

export class RequestMemory {
  readonly #limitBytes: number;
  #bytes = 0;
  #turn: MemoryUser | undefined;
  readonly #waiting = new Set<MemoryUser>();

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get isShort(): boolean {
    return this.#bytes >= this.#limitBytes;
  }

  get heldBytes(): number {
    return this.#bytes;
  }

  /** What a connection holds has changed by so much. */
  add(bytes: number): void {
    this.#bytes += bytes;
    if (bytes < 0 && this.#waiting.size > 0) this.#admit();
  }

  /** Whether a frame that has begun may take more; if not, `readOn` is called when it may. */
  mayGrow(user: MemoryUser): boolean {
    if (!this.isShort || user === this.#turn) return true;
    if (this.#turn === undefined && this.#waiting.size === 0) {
      this.#turn = user;
      return true;
    }
    this.#waiting.add(user);
    return false;
  }

  /** A frame of the user's is complete, or the user is gone. */
  finished(user: MemoryUser): void {
    if (user !== this.#turn) return;
    this.#turn = undefined;
    if (this.#waiting.size > 0) this.#admit();
  }

  forget(user: MemoryUser): void {
    this.#waiting.delete(user);
    this.finished(user);
  }

  #admit(): void {
    for (const user of this.#waiting) {
      if (this.isShort && this.#turn !== undefined) return;
      if (this.isShort) this.#turn = user;
      this.#waiting.delete(user);
      user.readOn();
    }
  }
}
