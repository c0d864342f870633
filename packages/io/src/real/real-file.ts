/**
 * An open file of the real twin. Called on every append and every read that misses the cache.
 * Invariant: the descriptor is closed only after the last asynchronous call on it has come back; otherwise the
 * kernel could give its number to another file while a read or an fsync is still on its way.
 */
import fs from 'node:fs';
import { IoError } from '../errors.ts';
import type { DiskFile } from '../io.ts';
import { attempt, ioErrorFrom } from './errno.ts';

export class RealFile implements DiskFile {
  readonly path: string;
  readonly #descriptor: number;
  #inFlight = 0;
  #closed = false;

  constructor(path: string, descriptor: number) {
    this.path = path;
    this.#descriptor = descriptor;
  }

  #open(): number {
    if (this.#closed) throw new IoError('closed', this.path);
    return this.#descriptor;
  }

  size(): number {
    const descriptor = this.#open();
    return attempt('size of', this.path, () => fs.fstatSync(descriptor).size);
  }

  writev(buffers: readonly Uint8Array[], position: number): void {
    const descriptor = this.#open();
    try {
      writeAll(descriptor, buffers, position);
    } catch (error) {
      throw ioErrorFrom(error, `write ${this.path}`);
    }
  }

  read(target: Uint8Array, offset: number, length: number, position: number): number {
    const descriptor = this.#open();
    let done = 0;
    try {
      while (done < length) {
        const count = fs.readSync(descriptor, target, offset + done, length - done, position + done);
        if (count === 0) break;
        done += count;
      }
    } catch (error) {
      throw ioErrorFrom(error, `read ${this.path}`);
    }
    return done;
  }

  async readAsync(target: Uint8Array, offset: number, length: number, position: number): Promise<number> {
    let done = 0;
    while (done < length) {
      const from = offset + done;
      const count = await this.#whileOpen<number>('read', (descriptor, back) =>
        fs.read(descriptor, target, from, length - done, position + done, back),
      );
      if (count === 0) break;
      done += count;
    }
    return done;
  }

  truncate(size: number): void {
    const descriptor = this.#open();
    attempt('truncate', this.path, () => fs.ftruncateSync(descriptor, size));
  }

  /** fdatasync: the data and the size, but not the times. */
  sync(): Promise<void> {
    return this.#whileOpen<void>('sync', (descriptor, back) => fs.fdatasync(descriptor, back));
  }

  syncNow(): void {
    const descriptor = this.#open();
    attempt('sync', this.path, () => fs.fdatasyncSync(descriptor));
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#closeWhenIdle();
  }

  #closeWhenIdle(): void {
    if (this.#closed && this.#inFlight === 0) attempt('close', this.path, () => fs.closeSync(this.#descriptor));
  }

  #whileOpen<T>(
    verb: string,
    call: (descriptor: number, back: (error: Error | null, value?: T) => void) => void,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const descriptor = this.#open();
      this.#inFlight++;
      call(descriptor, (error, value) => {
        this.#inFlight--;
        this.#closeWhenIdle();
        if (error) reject(ioErrorFrom(error, `${verb} ${this.path}`));
        else resolve(value as T);
      });
    });
  }
}

/** The kernel may take less than it was given: a signal, a nearly full disk, or 2 GiB at once. */
function writeAll(descriptor: number, buffers: readonly Uint8Array[], position: number): void {
  let rest = buffers;
  let at = position;
  while (rest.length > 0) {
    const first = rest[0]!;
    const written =
      rest.length === 1
        ? fs.writeSync(descriptor, first, 0, first.length, at)
        : fs.writevSync(descriptor, rest as Uint8Array[], at);
    if (written === 0 && first.length > 0) throw new IoError('io', 'the device takes nothing');
    at += written;
    rest = dropBytes(rest, written);
  }
}

function dropBytes(buffers: readonly Uint8Array[], count: number): readonly Uint8Array[] {
  let index = 0;
  let left = count;
  while (index < buffers.length && left >= buffers[index]!.length) left -= buffers[index++]!.length;
  if (index === buffers.length) return [];
  return [buffers[index]!.subarray(left), ...buffers.slice(index + 1)];
}
