/**
 * An open file of the simulated disk. It keeps working on its content when the name is gone, as on Unix.
 * Invariant: a sync covers what was written before the call, and nothing that was written while it was on its way.
 */
import { IoError } from '../../errors.ts';
import type { DiskFile } from '../../io.ts';
import { below, between } from '../seeded-random.ts';
import type { SimProcess } from '../sim-process.ts';
import { checksum } from '../trace.ts';
import type { FileContent } from './file-content.ts';
import type { Machine } from './sim-disk.ts';

export class SimFile implements DiskFile {
  readonly path: string;
  readonly #content: FileContent;
  readonly #process: SimProcess;
  readonly #machine: Machine;
  #writable: boolean;
  #closed = false;

  constructor(path: string, content: FileContent, process: SimProcess, machine: Machine, writable: boolean) {
    this.path = path;
    this.#content = content;
    this.#process = process;
    this.#machine = machine;
    this.#writable = writable;
  }

  size(): number {
    this.#assertOpen();
    return this.#content.visible.length;
  }

  writev(buffers: readonly Uint8Array[], position: number): void {
    this.#assertWritable('write');
    this.#trace(`write ${position} ${checksum(buffers)}`);
    this.#machine.faults.throwIfTaken('write', this.path);
    const all = Buffer.concat(buffers);
    const fits = this.#room(position, all.length);
    this.#change(() => this.#content.write(all.subarray(0, fits), position));
    if (fits < all.length) throw new IoError('no-space', `write ${this.path}`);
  }

  read(target: Uint8Array, offset: number, length: number, position: number): number {
    this.#assertOpen();
    this.#machine.faults.throwIfTaken('read', this.path);
    return this.#content.visible.read(target, offset, length, position);
  }

  readAsync(target: Uint8Array, offset: number, length: number, position: number): Promise<number> {
    return this.#later('read', this.#machine.faults.readLatencyMs, () => {
      this.#machine.faults.throwIfTaken('read', this.path);
      return this.#content.visible.read(target, offset, length, position);
    });
  }

  truncate(size: number): void {
    this.#assertWritable('truncate');
    this.#trace(`truncate ${size}`);
    this.#change(() => this.#content.truncate(size));
  }

  sync(): Promise<void> {
    const mark = this.#content.mark();
    return this.#later('sync', this.#machine.faults.syncLatencyMs, () => this.#sync(mark));
  }

  syncNow(): void {
    this.#assertOpen();
    this.#trace('sync now');
    this.#machine.blocks();
    this.#sync(this.#content.mark());
  }

  close(): void {
    this.#closed = true;
  }

  #sync(mark: number): void {
    const { faults } = this.#machine;
    if (faults.isFailed(this.path)) throw new IoError('io', `sync ${this.path}`);
    if (!faults.takes('sync', this.path)) {
      this.#machine.changing();
      if (!faults.syncsLie) this.#content.syncUpTo(mark);
      return;
    }
    this.#content.syncFails(this.#machine.random);
    throw new IoError('io', `sync ${this.path}`);
  }

  /** On a full disk a write that would grow the file is taken up to some byte, as the kernel does. */
  #room(position: number, length: number): number {
    const growth = Math.max(0, position + length - this.#content.visible.length);
    const free = this.#machine.faults.freeBytes(this.path);
    if (growth <= free) return length;
    return below(this.#machine.random, length - growth + Math.min(growth, free) + 1);
  }

  #change(run: () => void): void {
    this.#machine.changing();
    const before = this.#content.visible.length;
    run();
    this.#content.modifiedMs = this.#machine.wallClock();
    if (this.#content.named) this.#machine.faults.usedBytes += this.#content.visible.length - before;
  }

  #later<T>(label: string, latencyMs: readonly [number, number], run: () => T): Promise<T> {
    const detail = `${label} ${this.path}`;
    if (this.#closed) return Promise.reject(new IoError('closed', detail));
    return this.#process.promise(detail, (resolve, reject) => {
      const delayMs = between(this.#machine.random, this.#machine.faults.slowMs ?? latencyMs);
      this.#process.schedule(delayMs, detail, () => {
        try {
          resolve(run());
        } catch (error) {
          reject(error as IoError);
        }
      });
    });
  }

  #assertOpen(): void {
    this.#process.assertAlive(this.path);
    if (this.#closed) throw new IoError('closed', this.path);
  }

  #assertWritable(verb: string): void {
    this.#assertOpen();
    if (!this.#writable) throw new IoError('permission', `${verb} ${this.path}`);
  }

  #trace(text: string): void {
    this.#machine.trace.add(`${this.#machine.name} ${this.path} ${text}`);
  }
}
