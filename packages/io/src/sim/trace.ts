/**
 * The trace of a simulated run: one line per event, hashed. Two runs of one seed must have the same hash; where they
 * differ, printing the lines (`onTrace`) and comparing shows the first thing that was not drawn from the seed.
 * Bytes go in as a checksum, so that a run that sends other content is another run.
 */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';

const LINES_PER_UPDATE = 256;

export class Trace {
  readonly #hash = createHash('sha256');
  readonly #now: () => number;
  readonly #onLine: ((line: string) => void) | undefined;
  #lines: string[] = [];

  constructor(now: () => number, onLine?: (line: string) => void) {
    this.#now = now;
    this.#onLine = onLine;
  }

  add(text: string): void {
    const line = `${this.#now()} ${text}`;
    this.#onLine?.(line);
    if (this.#lines.push(line) >= LINES_PER_UPDATE) this.#flush();
  }

  hash(): string {
    this.#flush();
    return this.#hash.copy().digest('hex');
  }

  #flush(): void {
    if (this.#lines.length > 0) this.#hash.update(`${this.#lines.join('\n')}\n`);
    this.#lines = [];
  }
}

export function checksum(buffers: readonly Uint8Array[]): string {
  let sum = 0;
  for (const buffer of buffers) sum = crc32(buffer, sum);
  return sum.toString(16);
}
