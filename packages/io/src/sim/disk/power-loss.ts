/**
 * What becomes of unsynced operations when the power goes: rules that file-content.ts and volume.ts follow. A machine
 * that simply loses power scatters them; crash images are made by rules that choose.
 * Invariant: a rule decides about unsynced operations only, and about each exactly once.
 */
import type { Random } from '../../io.ts';
import { SIM_SECTOR_BYTES } from '../../limits.ts';
import { chance } from '../seeded-random.ts';
import type { GrowableBytes } from './growable-bytes.ts';

/** Numbers what is done to a disk, in the order in which it was done. */
export class WriteOrder {
  #count: number;
  constructor(from = 0) {
    this.#count = from;
  }

  next(): number {
    return this.#count++;
  }

  /** One that goes on from here. */
  copy(): WriteOrder {
    return new WriteOrder(this.#count);
  }
}

/** `bytes` is 0 for truncations and for changes of names. */
export interface UnsyncedOperation {
  readonly order: number;
  readonly bytes: number;
}

export interface LossRule {
  /** Of a creation, rename or removal. */
  keepsName(order: number): boolean;
  /** Of a write or truncation; a truncation that is torn is lost. */
  fateOf(order: number): 'kept' | 'torn' | 'lost';
  /** Brings a part of a write onto the device. */
  tear: Tear;
}

export type Tear = (data: Buffer, position: number, device: GrowableBytes) => void;

/** Each operation is kept, torn or lost for itself. */
export function scattered(random: Random): LossRule {
  return {
    keepsName: () => !chance(random, 0.5),
    fateOf() {
      const fate = random.next();
      if (fate < 1 / 3) return 'kept';
      return fate < 2 / 3 ? 'torn' : 'lost';
    },
    tear: anySectors(random),
  };
}

/** Everything before the operation `at` is kept, that one is torn, nothing later is left. */
export function inOrder(at: number, tear: Tear): LossRule {
  return {
    keepsName: (order) => order < at,
    fateOf: (order) => (order === at ? 'torn' : order < at ? 'kept' : 'lost'),
    tear,
  };
}

/** Any sectors of any writes, and any changes of names. */
export function reordered(random: Random): LossRule {
  const tear = anySectors(random);
  return {
    keepsName: () => chance(random, 0.5),
    fateOf: () => (chance(random, 0.2) ? 'kept' : 'torn'),
    tear,
  };
}

/** Each sector for itself, or only the size: then zeros lie where the data should. */
export function anySectors(random: Random): Tear {
  return (data, position, device) => {
    const end = position + data.length;
    if (chance(random, 0.25)) device.resize(Math.max(device.length, end));
    for (let at = position; at < end; ) {
      const next = Math.min(end, at - (at % SIM_SECTOR_BYTES) + SIM_SECTOR_BYTES);
      if (chance(random, 0.5)) device.write(data.subarray(at - position, next - position), at);
      at = next;
    }
  };
}

/** The first so many sectors. */
export function firstSectors(count: number): Tear {
  return (data, position, device) => {
    const end = position - (position % SIM_SECTOR_BYTES) + count * SIM_SECTOR_BYTES;
    device.write(data.subarray(0, Math.max(0, end - position)), position);
  };
}

/** The first so many bytes. */
export function firstBytes(count: number): Tear {
  return (data, position, device) => device.write(data.subarray(0, count), position);
}
