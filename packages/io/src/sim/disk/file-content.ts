/**
 * A simulated file (an inode): what everybody sees, what the device holds, and the unsynced operations between.
 * Invariant: `durable` changes only by an fsync, by write-back and at the loss of power; after the latter the two
 * are equal.
 *
 *   event            | unsynced operations
 *   sync             | all up to its call reach the device
 *   sync that fails  | each reaches it, tears or is forgotten; visible for now, but no later sync writes it (Linux)
 *   loss of power    | each reaches it, tears or is lost, independently; then only what reached it is visible
 *   process killed   | nothing happens
 */
import type { Random } from '../../io.ts';
import { SIM_DIRTY_OPERATIONS, SIM_SECTOR_BYTES } from '../../limits.ts';
import { chance } from '../seeded-random.ts';
import { GrowableBytes } from './growable-bytes.ts';

type Operation = { position: number; data: Buffer } | { size: number };

export class FileContent {
  readonly visible = new GrowableBytes();
  readonly durable = new GrowableBytes();
  modifiedMs: number;
  /** Whether some folder still has a name for it; only then its size counts against the disk. */
  named = true;
  #unsynced: Operation[] = [];
  /** Operations that have left `#unsynced`, since the file's birth. */
  #settled = 0;

  constructor(modifiedMs: number) {
    this.modifiedMs = modifiedMs;
  }

  write(data: Uint8Array, position: number): void {
    this.visible.write(data, position);
    this.#remember({ position, data: Buffer.from(data) });
  }

  truncate(size: number): void {
    this.visible.resize(size);
    this.#remember({ size });
  }

  flipBit(position: number): void {
    if (position < this.visible.length) this.visible.flipBit(position);
    if (position < this.durable.length) this.durable.flipBit(position);
  }

  /** Stands for everything done so far; hand it to `syncUpTo`. */
  mark(): number {
    return this.#settled + this.#unsynced.length;
  }

  syncUpTo(mark: number): void {
    const count = Math.max(0, mark - this.#settled);
    for (const operation of this.#take(count)) this.#reachDevice(operation);
  }

  syncFails(random: Random): void {
    for (const operation of this.#take(this.#unsynced.length)) this.#meetFate(operation, random);
  }

  powerLoss(random: Random): void {
    for (const operation of this.#take(this.#unsynced.length)) this.#meetFate(operation, random);
    this.visible.assign(this.durable);
  }

  #remember(operation: Operation): void {
    this.#unsynced.push(operation);
    if (this.#unsynced.length > SIM_DIRTY_OPERATIONS) this.syncUpTo(this.#settled + SIM_DIRTY_OPERATIONS / 2);
  }

  #take(count: number): Operation[] {
    this.#settled += count;
    return this.#unsynced.splice(0, count);
  }

  #reachDevice(operation: Operation): void {
    if ('size' in operation) this.durable.resize(operation.size);
    else this.durable.write(operation.data, operation.position);
  }

  #meetFate(operation: Operation, random: Random): void {
    const fate = random.next();
    if (fate < 1 / 3) this.#reachDevice(operation);
    else if (fate < 2 / 3 && 'data' in operation) this.#tear(operation.data, operation.position, random);
  }

  /** Each sector for itself, or only the size: then zeros lie where the data should. */
  #tear(data: Buffer, position: number, random: Random): void {
    const end = position + data.length;
    if (chance(random, 0.25)) this.durable.resize(Math.max(this.durable.length, end));
    for (let at = position; at < end; ) {
      const next = Math.min(end, at - (at % SIM_SECTOR_BYTES) + SIM_SECTOR_BYTES);
      if (chance(random, 0.5)) this.durable.write(data.subarray(at - position, next - position), at);
      at = next;
    }
  }
}
