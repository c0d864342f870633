/**
 * A file's bytes: they grow, and what was never written reads as zeros. Two of them make a simulated file.
 * Invariant: behind `length` the buffer holds only zeros, so growing needs no clearing.
 */
const MIN_CAPACITY_BYTES = 4096;

export class GrowableBytes {
  length = 0;
  #bytes: Buffer = Buffer.alloc(0);

  write(data: Uint8Array, position: number): void {
    this.resize(Math.max(this.length, position + data.length));
    this.#bytes.set(data, position);
  }

  resize(length: number): void {
    if (length > this.#bytes.length) this.#grow(length);
    else if (length < this.length) this.#bytes.fill(0, length, this.length);
    this.length = length;
  }

  /** Copies what lies at `position` into `target`; the bytes copied, less only at the end. */
  read(target: Uint8Array, offset: number, length: number, position: number): number {
    const count = Math.max(0, Math.min(length, this.length - position));
    target.set(this.#bytes.subarray(position, position + count), offset);
    return count;
  }

  flipBit(position: number): void {
    this.#bytes[position]! ^= 1;
  }

  copy(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.length));
  }

  /** Becomes equal to `other`. */
  assign(other: GrowableBytes): void {
    this.resize(0);
    this.write(other.#bytes.subarray(0, other.length), 0);
  }

  #grow(length: number): void {
    const larger = Buffer.alloc(Math.max(length, 2 * this.#bytes.length, MIN_CAPACITY_BYTES));
    larger.set(this.#bytes.subarray(0, this.length));
    this.#bytes = larger;
  }
}
