/**
 * The ways in which a moment of a scene becomes a crash image: what the power took with it, and what rotted while it was
 * off. Called by `crash-images.ts`. Invariant: scene, moment and number choose one image, the same every time.
 */
import type { Disk, Random } from '@meridian/io';
import {
  anySectors,
  below,
  chance,
  type DiskImage,
  firstBytes,
  firstSectors,
  inOrder,
  type LossRule,
  reordered,
  type SimNode,
  scattered,
} from '@meridian/io/sim';
import { BATCH_HEADER_BYTES, batchSizeInBytes } from '@meridian/protocol/record-batch';
import type { Lost } from './check-served.ts';
import { DATA } from './open-partition.ts';

/** By the number of a moment's crash; two moments have all of them. */
const KINDS = [
  ...['torn', 'cut', 'reordered', 'flipped', 'torn', 'killed'],
  ...['torn', 'cut', 'reordered', 'rotten', 'torn', 'scattered'],
] as const;
export type ImageKind = (typeof KINDS)[number] | 'lied';

/** In Kafka's formats these have no checksum: a bit that turns over leaves another number that may be true. */
const CHECKED = /\.(log|index|snapshot)$/;
const LOG = /\.log$/;

export interface MadeImage {
  readonly kind: ImageKind;
  readonly lost: Lost;
}

/** Puts the image into the machine, which is off. */
export function makeImage(node: SimNode, disk: DiskImage, number: number, random: Random, lied: boolean): MadeImage {
  const kind = KINDS[number % KINDS.length]!;
  const rots = kind === 'flipped' || kind === 'rotten';
  node.loadDisk(disk, lossOf(rots ? pick(random, ['scattered', 'killed']) : kind, disk, random));
  if (rots) {
    const io = node.boot();
    const files = filesBelow(io.disk, DATA);
    for (let count = 1 + below(random, 2); count > 0; count--) rot(node, io.disk, files, kind === 'flipped', random);
    node.kill();
  }
  if (lied) return { kind: 'lied', lost: 'anything' };
  if (rots) return { kind, lost: 'noticed' };
  return { kind, lost: kind === 'killed' ? 'unwritten' : 'unsynced' };
}

function lossOf(kind: ImageKind, disk: DiskImage, random: Random): LossRule | undefined {
  if (kind === 'killed') return undefined;
  if (kind === 'reordered') return reordered(random);
  const writes = disk.unsynced.filter(({ bytes }) => bytes > 0);
  if (kind === 'scattered' || writes.length === 0) return scattered(random);
  // The last ones most of all.
  const last = chance(random, 0.5) ? 1 + below(random, Math.min(3, writes.length)) : 1 + below(random, writes.length);
  const { order, bytes } = writes.at(-last)!;
  if (kind === 'cut') return inOrder(order, firstBytes(below(random, bytes)));
  const sectors = Math.ceil(bytes / 512) + 1;
  return inOrder(order, chance(random, 0.5) ? firstSectors(below(random, sectors + 1)) : anySectors(random));
}

function rot(node: SimNode, disk: Disk, files: readonly string[], isBit: boolean, random: Random): void {
  const able = files.filter((path) => disk.stat(path).size > 0 && (!isBit || CHECKED.test(path)));
  const logs = able.filter((path) => LOG.test(path));
  const from = logs.length > 0 && chance(random, 0.6) ? logs : able;
  if (from.length === 0) return;
  const path = pick(random, from);
  const { size } = disk.stat(path);
  if (!isBit) {
    node.spoilSector(
      path,
      below(random, Math.ceil(size / 512)),
      LOG.test(path) ? pick(random, ['zero', 'stale']) : 'zero',
    );
    return;
  }
  const unchecked = LOG.test(path) ? uncheckedBytes(disk.readFile(path)) : new Set<number>();
  for (let count = 1 + below(random, 8); count > 0; count--) {
    const position = below(random, size);
    if (!unchecked.has(position)) node.flipBit(path, position);
  }
}

/** Positions of base offsets and leader epochs, which are stamped by brokers and so no part of the CRC. */
function uncheckedBytes(bytes: Buffer): Set<number> {
  const positions = new Set<number>();
  for (let at = 0; at + BATCH_HEADER_BYTES <= bytes.length; ) {
    for (const field of [0, 1, 2, 3, 4, 5, 6, 7, 12, 13, 14, 15]) positions.add(at + field);
    const size = batchSizeInBytes(bytes, at);
    if (size < BATCH_HEADER_BYTES) break;
    at += size;
  }
  return positions;
}

export function filesBelow(disk: Disk, folder: string): string[] {
  if (!disk.exists(folder)) return [];
  return disk.list(folder).flatMap((name) => {
    const path = `${folder}/${name}`;
    return disk.stat(path).isFolder ? filesBelow(disk, path) : [path];
  });
}

const pick = <T>(random: Random, from: readonly T[]): T => from[below(random, from.length)]!;
