/**
 * What can be wrong with a simulated disk, as one process-independent record of the machine; sim-node.ts sets it,
 * sim-disk.ts and sim-file.ts obey.
 * Invariant: a counted fault happens exactly as often as it was asked for.
 */
import { IoError } from '../../errors.ts';
import { SIM_DISK_BYTES } from '../../limits.ts';

export type DiskOperation = 'sync' | 'write' | 'read';

export class DiskFaults {
  syncLatencyMs: readonly [number, number] = [0.1, 2];
  readLatencyMs: readonly [number, number] = [0.05, 0.5];
  /** Syncs succeed and do nothing: a device that answers before it has written. */
  syncsLie = false;
  capacityBytes = SIM_DISK_BYTES;
  /** Sum of the sizes of all files that have a name. */
  usedBytes = 0;
  #failing: Record<DiskOperation, number> = { sync: 0, write: 0, read: 0 };

  failNext(operation: DiskOperation, times: number): void {
    this.#failing[operation] += times;
  }

  /** Whether this operation is one that fails; counts it. */
  takes(operation: DiskOperation): boolean {
    if (this.#failing[operation] === 0) return false;
    this.#failing[operation]--;
    return true;
  }

  throwIfTaken(operation: DiskOperation, path: string): void {
    if (this.takes(operation)) throw new IoError('io', `${operation} ${path}`);
  }

  freeBytes(): number {
    return Math.max(0, this.capacityBytes - this.usedBytes);
  }
}
