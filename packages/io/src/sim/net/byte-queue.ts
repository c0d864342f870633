/**
 * Bytes in the order in which they were pushed, taken in pieces of any size. The queues of a pipe are made of it.
 * Invariant: what is taken is a fresh copy, which nobody else ever writes to.
 */
export class ByteQueue {
  length = 0;
  #buffers: Uint8Array[] = [];
  /** Bytes of the first buffer that have been taken. */
  #taken = 0;

  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#buffers.push(bytes);
    this.length += bytes.length;
  }

  /** `count` ≤ `length`. */
  take(count: number): Buffer {
    const result = Buffer.allocUnsafe(count);
    let index = 0;
    for (let done = 0; done < count; ) {
      const first = this.#buffers[index]!;
      const part = Math.min(count - done, first.length - this.#taken);
      result.set(first.subarray(this.#taken, this.#taken + part), done);
      done += part;
      this.#taken += part;
      if (this.#taken < first.length) continue;
      this.#taken = 0;
      index++;
    }
    this.#buffers.splice(0, index);
    this.length -= count;
    return result;
  }

  clear(): void {
    this.#buffers = [];
    this.#taken = 0;
    this.length = 0;
  }
}
