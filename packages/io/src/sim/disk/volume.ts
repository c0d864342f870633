/**
 * The tree of folders of a simulated disk, and which of its entries the device holds. Used by sim-disk.ts.
 * Invariants: a creation, rename or removal is durable once a folder that it touches was synced, a rename never
 * by half; one that is lost takes with it all later ones that build on it. What lies directly in `/` (`/data`)
 * is there for good at once, like a mount point.
 */
import type { FileContent } from './file-content.ts';
import { type LossRule, type UnsyncedOperation, WriteOrder } from './power-loss.ts';

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
  root = new Folder(0);
  readonly order: WriteOrder;
  #unsynced: { readonly order: number; readonly operation: Operation }[] = [];

  constructor(order = new WriteOrder()) {
    this.order = order;
  }

  /** The whole disk once more, as it is now; what happens to one does not touch the other. */
  copy(): Volume {
    const twin = new Volume(this.order.copy());
    const copies = new Map<Entry, Entry>();
    const copyOf = (entry: Entry): Entry => {
      const known = copies.get(entry);
      if (known !== undefined) return known;
      if (!(entry instanceof Folder)) {
        copies.set(entry, entry.copy(twin.order));
        return copyOf(entry);
      }
      const folder = new Folder(entry.modifiedMs);
      copies.set(entry, folder);
      for (const [name, each] of entry.visible) folder.visible.set(name, copyOf(each));
      for (const [name, each] of entry.durable) folder.durable.set(name, copyOf(each));
      return folder;
    };
    twin.root = copyOf(this.root) as Folder;
    twin.#unsynced = this.#unsynced.map(({ order, operation }) => ({
      order,
      operation: operation.map(({ folder, name, entry }) => ({
        folder: copyOf(folder) as Folder,
        name,
        entry: entry && copyOf(entry),
      })),
    }));
    return twin;
  }

  /** What a loss of power would decide about, in the order in which it was done. */
  unsynced(): UnsyncedOperation[] {
    const found: UnsyncedOperation[] = this.#unsynced.map(({ order }) => ({ order, bytes: 0 }));
    for (const file of filesIn(this.root)) found.push(...file.unsynced());
    return found.sort((a, b) => a.order - b.order);
  }

  /** Sum of the sizes of all files that have a name. */
  usedBytes(): number {
    return filesIn(this.root).reduce((sum, file) => sum + (file.named ? file.visible.length : 0), 0);
  }

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
    else this.#unsynced.push({ order: this.order.next(), operation });
  }

  /** `before`: only of what was done by then, as numbered by `order`; none of it builds on what was done later. */
  syncFolder(synced: Folder, before = Number.POSITIVE_INFINITY): void {
    const folders = this.#boundTogether(synced, before);
    this.#unsynced = this.#unsynced.filter(({ order, operation }) => {
      if (order >= before || !operation.some(({ folder }) => folders.has(folder))) return true;
      makeDurable(operation);
      return false;
    });
  }

  /** Returns the bytes that the files take which are left. */
  powerLoss(rule: LossRule): number {
    const lost = new Map<Folder, Set<string>>();
    for (const { order, operation } of this.#unsynced) {
      if (buildsOn(lost, operation) || !rule.keepsName(order)) addTo(lost, operation);
      else makeDurable(operation);
    }
    this.#unsynced = [];
    return forgetUnsynced(this.root, rule);
  }

  /** Folders that operations tie to this one: the other end of a rename, the folder whose removal it holds. */
  #boundTogether(synced: Folder, before: number): Set<Folder> {
    const folders = new Set([synced]);
    for (let size = 0; size < folders.size; ) {
      size = folders.size;
      for (const { order, operation } of this.#unsynced) {
        if (order >= before || !operation.some(({ folder }) => folders.has(folder))) continue;
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

/** Those that have a visible name, or a durable one only. */
function filesIn(folder: Folder): FileContent[] {
  const entries = new Set([...folder.visible.values(), ...folder.durable.values()]);
  return [...entries].flatMap((entry) => (entry instanceof Folder ? filesIn(entry) : [entry]));
}

function forgetUnsynced(folder: Folder, rule: LossRule): number {
  let usedBytes = 0;
  folder.visible.clear();
  for (const [name, entry] of folder.durable) {
    folder.visible.set(name, entry);
    if (entry instanceof Folder) usedBytes += forgetUnsynced(entry, rule);
    else {
      entry.named = true;
      entry.powerLoss(rule);
      usedBytes += entry.visible.length;
    }
  }
  return usedBytes;
}
