/**
 * A simulated file (an inode): what everybody sees, what the device holds, and the unsynced operations between.
 * Invariant: `durable` changes only by an fsync, by write-back and at the loss of power; after the latter the two
 * are equal.
 *
 *   event            | unsynced operations
 *   sync             | all up to its call reach the device
 *   sync that fails  | each reaches it, tears or is forgotten; visible for now, but no later sync writes it (Linux)
 *   loss of power    | each reaches it, tears or is lost, as the rule says; then only what reached it is visible
 *   process killed   | nothing happens
 */
import type { Random } from '../../io.ts';
import { SIM_DIRTY_OPERATIONS, SIM_SECTOR_BYTES } from '../../limits.ts';
import { GrowableBytes } from './growable-bytes.ts';
import { type LossRule, scattered, type UnsyncedOperation, type WriteOrder } from './power-loss.ts';

type Operation = { order: number } & ({ position: number; data: Buffer } | { size: number });

export class FileContent {
  readonly visible = new GrowableBytes();
  readonly durable = new GrowableBytes();
  modifiedMs: number;
  /** Whether some folder still has a name for it; only then its size counts against the disk. */
  named = true;
  #unsynced: Operation[] = [];
  /** Operations that have left `#unsynced`, since the file's birth. */
  #settled = 0;
  /** What sectors held before they were last written to, by number. */
  #stale = new Map<number, Buffer>();
  readonly #order: WriteOrder;

  constructor(modifiedMs: number, order: WriteOrder) {
    this.modifiedMs = modifiedMs;
    this.#order = order;
  }

  /** A twin with a fate of its own. */
  copy(order: WriteOrder): FileContent {
    const twin = new FileContent(this.modifiedMs, order);
    twin.visible.assign(this.visible);
    twin.durable.assign(this.durable);
    twin.named = this.named;
    twin.#unsynced = [...this.#unsynced];
    twin.#settled = this.#settled;
    twin.#stale = new Map(this.#stale);
    return twin;
  }

  unsynced(): UnsyncedOperation[] {
    return this.#unsynced.map((each) => ({ order: each.order, bytes: 'data' in each ? each.data.length : 0 }));
  }

  write(data: Uint8Array, position: number): void {
    this.visible.write(data, position);
    this.#remember({ order: this.#order.next(), position, data: Buffer.from(data) });
  }

  truncate(size: number): void {
    this.visible.resize(size);
    this.#remember({ order: this.#order.next(), size });
  }

  flipBit(position: number): void {
    if (position < this.visible.length) this.visible.flipBit(position);
    if (position < this.durable.length) this.durable.flipBit(position);
  }

  /** A sector reads as zeros from now on, or as what it held before it was last written to. */
  spoilSector(sector: number, how: 'zero' | 'stale'): void {
    const position = sector * SIM_SECTOR_BYTES;
    const zeros = Buffer.alloc(SIM_SECTOR_BYTES);
    const held = (how === 'stale' ? this.#stale.get(sector) : undefined) ?? zeros;
    for (const bytes of [this.visible, this.durable]) {
      const length = Math.min(SIM_SECTOR_BYTES, bytes.length - position);
      if (length > 0) bytes.write(held.subarray(0, length), position);
    }
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
    const rule = scattered(random);
    for (const operation of this.#take(this.#unsynced.length)) this.#meetFate(operation, rule);
  }

  powerLoss(rule: LossRule): void {
    for (const operation of this.#take(this.#unsynced.length)) this.#meetFate(operation, rule);
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
    if ('size' in operation) return this.durable.resize(operation.size);
    const { data, position } = operation;
    const end = Math.min(position + data.length, this.durable.length);
    for (let sector = Math.floor(position / SIM_SECTOR_BYTES); sector * SIM_SECTOR_BYTES < end; sector++) {
      const held = Buffer.alloc(SIM_SECTOR_BYTES);
      this.durable.read(held, 0, held.length, sector * SIM_SECTOR_BYTES);
      this.#stale.set(sector, held);
    }
    this.durable.write(data, position);
  }

  #meetFate(operation: Operation, rule: LossRule): void {
    const fate = rule.fateOf(operation.order);
    if (fate === 'kept') this.#reachDevice(operation);
    else if (fate === 'torn' && 'data' in operation) rule.tear(operation.data, operation.position, this.durable);
  }
}
