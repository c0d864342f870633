/**
 * The simulated twin of `Disk`: one per process, over the volume of its machine, which outlives it.
 * Invariant: a call either changes the volume whole or throws `IoError` and changes nothing (a write excepted,
 * see sim-file.ts).
 */
import { posix } from 'node:path';
import { IoError } from '../../errors.ts';
import type { Disk, DiskFile, Random } from '../../io.ts';
import { between } from '../seeded-random.ts';
import type { SimProcess } from '../sim-process.ts';
import type { Trace } from '../trace.ts';
import type { DiskFaults } from './disk-faults.ts';
import { FileContent } from './file-content.ts';
import { SimFile } from './sim-file.ts';
import { type Entry, Folder, type Volume } from './volume.ts';

/** What the disk needs of the machine that it is in. */
export interface Machine {
  readonly name: string;
  readonly volume: Volume;
  readonly faults: DiskFaults;
  readonly trace: Trace;
  /** The stream that fates are drawn from. */
  readonly random: Random;
  /** Lock paths and who holds them. */
  readonly locks: Map<string, SimProcess>;
  wallClock(): number;
  /** The disk is about to change. */
  changing(): void;
  /** A call that waits for the device has been made. */
  blocks(): void;
}

export class SimDisk implements Disk {
  readonly #machine: Machine;
  readonly #process: SimProcess;

  constructor(machine: Machine, process: SimProcess) {
    this.#machine = machine;
    this.#process = process;
  }

  open(path: string, mode: 'r' | 'r+' | 'w+' | 'a+'): DiskFile {
    const at = this.#at(`open ${mode}`, path);
    const found = this.#machine.volume.find(at);
    if (found instanceof Folder) throw new IoError('is-folder', `open ${at}`);
    const content = found ?? this.#create(at, mode);
    const file = new SimFile(at, content, this.#process, this.#machine, mode !== 'r');
    if (mode === 'w+' && content.visible.length > 0) file.truncate(0);
    return file;
  }

  exists(path: string): boolean {
    return !this.#machine.faults.isFailed(path) && this.#find('exists', path) !== undefined;
  }

  list(path: string): string[] {
    return [...this.#folder('list', path).visible.keys()].sort();
  }

  makeFolder(path: string): void {
    const at = this.#at('make folder', path);
    let made = '';
    for (const name of at.split('/').slice(1)) {
      const parent = this.#folder('make folder', made || '/');
      made = `${made}/${name}`;
      const entry = this.#machine.volume.find(made);
      if (entry instanceof FileContent) throw new IoError('exists', `make folder ${made}`);
      if (entry === undefined && name !== '') this.#enter(parent, made, new Folder(this.#machine.wallClock()));
    }
  }

  rename(from: string, to: string): void {
    const source = this.#at('rename', from);
    const target = this.#at('rename to', to);
    const entry = this.#require('rename', source);
    const replaced = this.#machine.volume.find(target);
    const changes = [this.#parentOf(source), this.#parentOf(target)] as const;
    if (source === target) return;
    this.#machine.changing();
    const isOverFolder = replaced instanceof Folder;
    if (isOverFolder || (replaced !== undefined && entry instanceof Folder)) {
      const isFile = isOverFolder && !(entry instanceof Folder);
      throw new IoError(isFile ? 'is-folder' : 'exists', `rename ${source} to ${target}`);
    }
    if (replaced !== undefined) this.#unname(replaced);
    this.#machine.volume.apply([
      { folder: changes[0], name: posix.basename(source), entry: undefined },
      { folder: changes[1], name: posix.basename(target), entry },
    ]);
  }

  remove(path: string): void {
    const at = this.#at('remove', path);
    const entry = this.#require('remove', at);
    if (entry instanceof Folder) throw new IoError('is-folder', `remove ${at}`);
    this.#drop(this.#parentOf(at), posix.basename(at), entry);
  }

  removeFolder(path: string): void {
    const at = this.#at('remove folder', path);
    const folder = this.#folder('remove folder', at);
    this.#empty(folder);
    this.#drop(this.#parentOf(at), posix.basename(at), folder);
  }

  stat(path: string): { size: number; modifiedMs: number; isFolder: boolean } {
    const entry = this.#require('stat', path);
    const isFolder = entry instanceof Folder;
    return { size: isFolder ? 0 : entry.visible.length, modifiedMs: entry.modifiedMs, isFolder };
  }

  readFile(path: string): Buffer {
    const entry = this.#require('read', path);
    if (entry instanceof Folder) throw new IoError('is-folder', `read ${path}`);
    this.#machine.faults.throwIfTaken('read', path);
    return entry.visible.copy();
  }

  replaceFile(path: string, content: Uint8Array): void {
    const twin = `${path}.tmp`;
    const file = this.open(twin, 'w+');
    try {
      file.writev([content], 0);
      file.syncNow();
      this.rename(twin, path);
    } catch (error) {
      this.remove(twin);
      throw error;
    } finally {
      file.close();
    }
    this.syncFolder(posix.dirname(path));
  }

  syncFolder(path: string): void {
    const folder = this.#folder('sync folder', path);
    this.#machine.trace.add(`${this.#machine.name} ${path} sync folder`);
    this.#machine.faults.throwIfTaken('sync', path);
    this.#machine.blocks();
    this.#machine.changing();
    if (!this.#machine.faults.syncsLie) this.#machine.volume.syncFolder(folder);
  }

  syncFolderAsync(path: string): Promise<void> {
    const detail = `sync folder ${path}`;
    const { volume, faults, random } = this.#machine;
    return this.#process.promise(detail, (resolve, reject) => {
      const folder = this.#find('sync folder', path);
      if (!(folder instanceof Folder)) return reject(new IoError('not-found', detail));
      const before = volume.order.next();
      this.#process.schedule(between(random, faults.slowMs ?? faults.syncLatencyMs), detail, () => {
        try {
          faults.throwIfTaken('sync', path);
          this.#machine.changing();
          if (!faults.syncsLie) volume.syncFolder(folder, before);
          resolve();
        } catch (error) {
          reject(error as IoError);
        }
      });
    });
  }

  lock(path: string): { release(): void } {
    const at = this.#at('lock', path);
    this.#parentOf(at);
    const { locks } = this.#machine;
    if (locks.get(at)?.alive) throw new IoError('locked', at);
    locks.set(at, this.#process);
    let held = true;
    return {
      release: () => {
        if (held && locks.get(at) === this.#process) locks.delete(at);
        held = false;
      },
    };
  }

  freeBytes(path: string): number {
    this.#at('free space of', path);
    return this.#machine.faults.freeBytes(path);
  }

  totalBytes(path: string): number {
    this.#at('size of the device of', path);
    return this.#machine.faults.capacityBytes;
  }

  #at(verb: string, path: string): string {
    const at = posix.resolve('/', path);
    this.#process.assertAlive(`${verb} ${at}`);
    if (this.#machine.faults.isFailed(at)) throw new IoError('io', `${verb} ${at}`);
    return at;
  }

  #find(verb: string, path: string): Entry | undefined {
    return this.#machine.volume.find(this.#at(verb, path));
  }

  #require(verb: string, path: string): Entry {
    const entry = this.#find(verb, path);
    if (entry === undefined) throw new IoError('not-found', `${verb} ${path}`);
    return entry;
  }

  #folder(verb: string, path: string): Folder {
    const entry = this.#require(verb, path);
    if (!(entry instanceof Folder)) throw new IoError('not-found', `${verb} ${path}`);
    return entry;
  }

  #parentOf(path: string): Folder {
    return this.#folder('look into', posix.dirname(path));
  }

  #create(path: string, mode: string): FileContent {
    if (mode === 'r' || mode === 'r+') throw new IoError('not-found', `open ${path}`);
    const parent = this.#parentOf(path);
    const content = new FileContent(this.#machine.wallClock(), this.#machine.volume.order);
    this.#enter(parent, path, content);
    return content;
  }

  #enter(folder: Folder, path: string, entry: Entry): void {
    if (this.#machine.faults.freeBytes(path) === 0) throw new IoError('no-space', `create ${path}`);
    this.#machine.changing();
    folder.modifiedMs = this.#machine.wallClock();
    this.#machine.volume.apply([{ folder, name: posix.basename(path), entry }]);
  }

  #drop(folder: Folder, name: string, entry: Entry): void {
    this.#machine.changing();
    this.#unname(entry);
    folder.modifiedMs = this.#machine.wallClock();
    this.#machine.volume.apply([{ folder, name, entry: undefined }]);
  }

  #unname(entry: Entry): void {
    if (!(entry instanceof FileContent)) return;
    this.#machine.faults.usedBytes -= entry.visible.length;
    entry.named = false;
  }

  #empty(folder: Folder): void {
    for (const [name, entry] of [...folder.visible]) {
      if (entry instanceof Folder) this.#empty(entry);
      this.#drop(folder, name, entry);
    }
  }
}
