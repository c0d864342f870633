/**
 * Snapshots beside the metadata log, `<end offset>-<epoch>.checkpoint`, named and written as Apache Kafka does: ours, and
 * those that are downloaded from a leader piece by piece. Called by `metadata-store.ts`.
 * Invariant: what bears a snapshot's name was whole and fsynced before it got it; until then it is a `.part`.
 */
import { join } from 'node:path';
import type { Disk } from '@meridian/io';
import type { OffsetAndEpoch } from '@meridian/quorum';
import { QUORUM_LIMITS } from './limits.ts';
import { type CheckedSnapshot, checkSnapshot } from './snapshot-content.ts';

const NAME = /^(\d{20})-(\d{10})\.checkpoint$/;
const PART = '.part';
const OWN_PART = '.own.part';
const PART_OF_DOWNLOAD = /\.checkpoint\.part$/;
const PART_OF_ANY = /\.checkpoint(\.own)?\.part$/;

export const snapshotName = ({ offset, epoch }: OffsetAndEpoch): string =>
  `${String(offset).padStart(20, '0')}-${String(epoch).padStart(10, '0')}.checkpoint`;

/** Undefined for any other file. */
export function snapshotOf(name: string): OffsetAndEpoch | undefined {
  const [, offset, epoch] = NAME.exec(name) ?? [];
  if (offset === undefined || !Number.isSafeInteger(Number(offset))) return undefined;
  return { offset: Number(offset), epoch: Number(epoch) };
}

export class SnapshotFiles {
  readonly #disk: Disk;
  readonly #folder: string;

  constructor(disk: Disk, folder: string) {
    this.#disk = disk;
    this.#folder = folder;
  }

  /** Newest first. */
  list(): OffsetAndEpoch[] {
    const names = this.#disk.exists(this.#folder) ? this.#disk.list(this.#folder) : [];
    return names.flatMap((name) => snapshotOf(name) ?? []).reverse();
  }

  pathOf(snapshot: OffsetAndEpoch): string {
    return join(this.#folder, snapshotName(snapshot));
  }

  read(snapshot: OffsetAndEpoch): Buffer {
    return this.#disk.readFile(this.pathOf(snapshot));
  }

  check(snapshot: OffsetAndEpoch): CheckedSnapshot | string {
    return checkSnapshot(this.read(snapshot));
  }

  /** A piece of it, and how large the whole is; undefined if there is no such snapshot. */
  async piece(snapshot: OffsetAndEpoch, position: number, maxBytes: number) {
    const path = this.pathOf(snapshot);
    if (!this.#disk.exists(path)) return undefined;
    const file = this.#disk.open(path, 'r');
    try {
      const sizeInBytes = file.size();
      const isInside = position >= 0 && position < sizeInBytes;
      const length = isInside ? Math.min(sizeInBytes - position, Math.max(1, maxBytes)) : 0;
      const bytes = Buffer.allocUnsafe(Math.min(length, QUORUM_LIMITS.snapshotPieceBytes));
      const read = bytes.length === 0 ? 0 : await file.readAsync(bytes, 0, bytes.length, position);
      return { sizeInBytes, bytes: bytes.subarray(0, read) };
    } finally {
      file.close();
    }
  }

  /** Durable when it resolves; the event loop goes on meanwhile. */
  async write(snapshot: OffsetAndEpoch, buffers: readonly Buffer[]): Promise<void> {
    const path = `${this.pathOf(snapshot)}${OWN_PART}`;
    const file = this.#disk.open(path, 'w+');
    try {
      file.writev(buffers, 0);
      await file.sync();
    } finally {
      file.close();
    }
    this.#name(path, snapshot);
  }

  /** The same at once, for a new folder. */
  writeNow(snapshot: OffsetAndEpoch, buffers: readonly Buffer[]): void {
    this.#disk.replaceFile(this.pathOf(snapshot), Buffer.concat(buffers));
  }

  /** One piece of a download; the first begins it anew. */
  takePiece(snapshot: OffsetAndEpoch, position: number, bytes: Uint8Array): void {
    if (position === 0) this.removeParts(PART_OF_DOWNLOAD); // of one that was given up
    const file = this.#disk.open(this.#partOf(snapshot), position === 0 ? 'w+' : 'r+');
    try {
      file.writev([bytes], position);
    } finally {
      file.close();
    }
  }

  /** Makes a snapshot of the pieces, or says why it is not one; then they are gone. */
  finish(snapshot: OffsetAndEpoch, sizeInBytes: number): CheckedSnapshot | string {
    const part = this.#partOf(snapshot);
    const file = this.#disk.open(part, 'r+');
    let found: CheckedSnapshot | string;
    try {
      const size = file.size();
      found =
        size === sizeInBytes ? checkSnapshot(this.#disk.readFile(part)) : `it has ${size} bytes, not ${sizeInBytes}`;
      if (typeof found !== 'string') file.syncNow();
    } finally {
      file.close();
    }
    if (typeof found === 'string') this.#disk.remove(part);
    else this.#name(part, snapshot);
    return found;
  }

  /** All that are older; what is being downloaded from them begins again with a newer one. */
  removeBefore(snapshot: OffsetAndEpoch): void {
    for (const each of this.list()) if (each.offset < snapshot.offset) this.#disk.remove(this.pathOf(each));
  }

  /** What a crash left of downloads and of writing, or only of downloads. */
  removeParts(which = PART_OF_ANY): void {
    const names = this.#disk.exists(this.#folder) ? this.#disk.list(this.#folder) : [];
    for (const name of names) if (which.test(name)) this.#disk.remove(join(this.#folder, name));
  }

  #partOf(snapshot: OffsetAndEpoch): string {
    return `${this.pathOf(snapshot)}${PART}`;
  }

  #name(part: string, snapshot: OffsetAndEpoch): void {
    this.#disk.rename(part, this.pathOf(snapshot));
    this.#disk.syncFolder(this.#folder);
  }
}
