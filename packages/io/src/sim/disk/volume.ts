/**
 * The tree of folders of a simulated disk, and which of its entries the device holds. Used by sim-disk.ts.
 * Invariants: a creation, rename or removal is durable once a folder that it touches was synced, a rename never
 * by half; one that is lost takes with it all later ones that build on it. What lies directly in `/` (`/data`)
 * is there for good at once, like a mount point.
 */
import type { Random } from '../../io.ts';
import { chance } from '../seeded-random.ts';
import type { FileContent } from './file-content.ts';

export class Folder {
  readonly visible = new Map<string, Entry>();
  readonly durable = new Map<string, Entry>();
  modifiedMs: number;

  constructor(modifiedMs: number) {
    this.modifiedMs = modifiedMs;
  }
}

export type Entry = Folder | FileContent;

/** What one operation makes of a name: an entry, or nothing. */
interface Change {
  readonly folder: Folder;
  readonly name: string;
  readonly entry: Entry | undefined;
}

type Operation = readonly Change[];

export class Volume {
  readonly root = new Folder(0);
  #unsynced: Operation[] = [];

  /** The entry at a normalized absolute path. */
  find(path: string): Entry | undefined {
    let entry: Entry | undefined = this.root;
    for (const name of path.split('/')) {
      if (name === '') continue;
      entry = entry instanceof Folder ? entry.visible.get(name) : undefined;
    }
    return entry;
  }

  apply(operation: Operation): void {
    for (const { folder, name, entry } of operation) put(folder.visible, name, entry);
    if (operation.every(({ folder }) => folder === this.root)) makeDurable(operation);
    else this.#unsynced.push(operation);
  }

  syncFolder(synced: Folder): void {
    const folders = this.#boundTogether(synced);
    this.#unsynced = this.#unsynced.filter((operation) => {
      if (!operation.some(({ folder }) => folders.has(folder))) return true;
      makeDurable(operation);
      return false;
    });
  }

  /** Returns the bytes that the files take which are left. */
  powerLoss(random: Random): number {
    const lost = new Map<Folder, Set<string>>();
    for (const operation of this.#unsynced) {
      if (buildsOn(lost, operation) || chance(random, 0.5)) addTo(lost, operation);
      else makeDurable(operation);
    }
    this.#unsynced = [];
    return forgetUnsynced(this.root, random);
  }

  /** Folders that operations tie to this one: the other end of a rename, the folder whose removal it holds. */
  #boundTogether(synced: Folder): Set<Folder> {
    const folders = new Set([synced]);
    for (let size = 0; size < folders.size; ) {
      size = folders.size;
      for (const operation of this.#unsynced) {
        if (!operation.some(({ folder }) => folders.has(folder))) continue;
        for (const change of operation) folders.add(change.folder);
        const removed = folderRemovedBy(operation);
        if (removed !== undefined) folders.add(removed);
      }
    }
    return folders;
  }
}

function put(entries: Map<string, Entry>, name: string, entry: Entry | undefined): void {
  if (entry === undefined) entries.delete(name);
  else entries.set(name, entry);
}

function makeDurable(operation: Operation): void {
  for (const { folder, name, entry } of operation) put(folder.durable, name, entry);
}

function addTo(lost: Map<Folder, Set<string>>, operation: Operation): void {
  for (const { folder, name } of operation) {
    const names = lost.get(folder);
    if (names === undefined) lost.set(folder, new Set([name]));
    else names.add(name);
  }
}

/** It touches a name whose earlier change was lost, or removes a folder that still holds something. */
function buildsOn(lost: Map<Folder, Set<string>>, operation: Operation): boolean {
  const removed = folderRemovedBy(operation);
  if (removed !== undefined && removed.durable.size > 0) return true;
  return operation.some(({ folder, name }) => lost.get(folder)?.has(name) ?? false);
}

function folderRemovedBy(operation: Operation): Folder | undefined {
  const [{ folder, name, entry }] = operation as [Change];
  const before = folder.durable.get(name);
  return operation.length === 1 && entry === undefined && before instanceof Folder ? before : undefined;
}

function forgetUnsynced(folder: Folder, random: Random): number {
  let usedBytes = 0;
  folder.visible.clear();
  for (const [name, entry] of folder.durable) {
    folder.visible.set(name, entry);
    if (entry instanceof Folder) usedBytes += forgetUnsynced(entry, random);
    else {
      entry.named = true;
      entry.powerLoss(random);
      usedBytes += entry.visible.length;
    }
  }
  return usedBytes;
}
