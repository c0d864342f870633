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
  /** Instead of both, while the device is slow. */
  slowMs: readonly [number, number] | undefined;
  /** Syncs succeed and do nothing: a device that answers before it has written. */
  syncsLie = false;
  capacityBytes = SIM_DISK_BYTES;
  /** Sum of the sizes of all files that have a name. */
  usedBytes = 0;
  /** Folders that are mount points of devices of their own: of a failed one nothing can be had, a full one takes no more. */
  readonly failedFolders = new Set<string>();
  readonly fullFolders = new Set<string>();
  #failing: Record<DiskOperation, number> = { sync: 0, write: 0, read: 0 };

  failNext(operation: DiskOperation, times: number): void {
    this.#failing[operation] += times;
  }

  /** Whether this operation is one that fails; counts it. */
  takes(operation: DiskOperation, path: string): boolean {
    if (this.isFailed(path)) return true;
    if (this.#failing[operation] === 0) return false;
    this.#failing[operation]--;
    return true;
  }

  throwIfTaken(operation: DiskOperation, path: string): void {
    if (this.takes(operation, path)) throw new IoError('io', `${operation} ${path}`);
  }

  isFailed(path: string): boolean {
    return isIn(this.failedFolders, path);
  }

  freeBytes(path: string): number {
    if (isIn(this.fullFolders, path)) return 0;
    return Math.max(0, this.capacityBytes - this.usedBytes);
  }
}

function isIn(folders: ReadonlySet<string>, path: string): boolean {
  for (const folder of folders) if (path === folder || path.startsWith(`${folder}/`)) return true;
  return false;
}
