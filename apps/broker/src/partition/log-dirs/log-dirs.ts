/**
 * The log dirs of this broker: which of them are online, and which one holds a partition. The first is the data folder,
 * with the metadata log; every other one is described, locked and checkpointed for itself. Made by `createBroker`, used
 * by `hosted-partitions.ts` and DescribeLogDirs.
 *
 *   start   cannot be read → offline, the broker starts with the others      locked, another node's → start is refused
 *   run     the device fails → offline until the next start                  full → online: only what is written fails
 *
 * Invariant: a partition is opened where its folder is, and never made anew while its dir is away.
 */
import { basename, dirname, join } from 'node:path';
import { type Io, IoError, type Logger } from '@meridian/io';
import { folderOwner, type Log, type TailBudget } from '@meridian/log';
import { openDataFolder } from '../../controller/data-folder.ts';
import { isAssigned } from '../../controller/directories.ts';
import { BrokerError } from '../../errors.ts';
import type { PartitionIdentity } from '../partition.ts';
import type { TopicSettings } from '../topic-settings.ts';
import { createPartitionFolders, type PartitionFolders } from './partition-folders.ts';

export interface LogDirsOptions {
  readonly io: Io;
  readonly logger: Logger;
  readonly tailBudget: TailBudget;
  readonly turnMs: number;
  readonly nodeId: number;
  readonly clusterId: string;
  /** Opened and locked by the controller, as the metadata log lies there. */
  readonly dataFolder: { readonly path: string; readonly directoryId: string };
  readonly otherPaths: readonly string[];
}

/** One log dir; without `folders` it could not be opened. */
export interface HostedDir {
  readonly path: string;
  readonly directoryId: string | undefined;
  readonly folders: PartitionFolders | undefined;
  /** Why it is offline. */
  failure: Error | undefined;
  release(): void;
}

/** A dir that is online. */
type OnlineDir = HostedDir & { readonly directoryId: string; readonly folders: PartitionFolders };

const PROBE_FILE = '.meridian-probe';

export class LogDirs {
  readonly all: readonly HostedDir[];
  readonly #options: LogDirsOptions;
  #byPath: ReadonlyMap<string, HostedDir> = new Map();
  /** Partitions' folders that lay in the dirs at the start, by name. */
  readonly #foundAtStart = new Map<string, OnlineDir[]>();
  /** Logs open in each dir. */
  readonly #counts = new Map<HostedDir, number>();
  /** Dirs with a log that could not be opened, or not be closed in order. */
  readonly #unclean = new Set<HostedDir>();
  /** A dir cannot be written: its owner asks `fails`. */
  onSuspicion: (dir: HostedDir, error: Error) => void = () => {};

  /** Throws `BrokerError` or `IoError`; nothing stays locked then. */
  constructor(options: LogDirsOptions) {
    this.#options = options;
    const { directoryId } = options.dataFolder;
    const path = plain(options.dataFolder.path);
    const first: HostedDir = {
      path,
      directoryId,
      folders: this.#foldersIn(path),
      failure: undefined,
      release: () => {},
    };
    const dirs: HostedDir[] = [first];
    this.all = dirs;
    try {
      for (const other of options.otherPaths) dirs.push(this.#openOther(newPath(other, dirs)));
      this.#checkIds();
      if (dirs.length > 1) this.#lookAround();
    } catch (error) {
      for (const dir of dirs) dir.release();
      throw error;
    }
    this.#byPath = new Map(dirs.map((dir) => [dir.path, dir]));
  }

  get online(): readonly OnlineDir[] {
    return this.all.filter(isOnline);
  }

  get onlineIds(): string[] {
    return this.online.map(({ directoryId }) => directoryId);
  }

  /** The broker's epoch when all dirs were left in order; −1 unless each of them says the same. */
  get previousBrokerEpoch(): number {
    const [first = -1, ...others] = this.all.map(({ folders }) => folders?.previousBrokerEpoch ?? -1);
    return others.every((epoch) => epoch === first) ? first : -1;
  }

  dirOf(log: Log): HostedDir | undefined {
    return this.#byPath.get(dirname(log.folder));
  }

  /** Where its folder is, or else where the metadata says (`directory`). Throws `BrokerError` `log-dir-offline`. */
  place(identity: PartitionIdentity, directory: string | undefined): OnlineDir {
    const dir = this.#locate(identity) ?? this.#assigned(directory);
    if (!isOnline(dir)) throw new BrokerError('log-dir-offline', `${identity.topic}-${identity.index}`);
    return dir;
  }

  /** Throws `LogError` or `IoError`. */
  openIn(dir: OnlineDir, identity: PartitionIdentity, settings: TopicSettings): Log {
    try {
      const log = dir.folders.open(identity, settings);
      this.#counts.set(dir, (this.#counts.get(dir) ?? 0) + 1);
      return log;
    } catch (error) {
      this.#unclean.add(dir);
      throw error;
    }
  }

  /** Another disk has taken its place: every dir of ours is there, and it is none of them. */
  isGone(directory: string | undefined): boolean {
    if (!isAssigned(directory) || this.online.length < this.all.length) return false;
    return !this.online.some(({ directoryId }) => directoryId === directory);
  }

  /** Has the folder removed of a partition that is on other brokers now; nothing happens if there is none of it. */
  removeMoved(identity: PartitionIdentity, delayMs: number): void {
    const dir = this.#locate(identity);
    if (dir === undefined) return;
    const folder = join(dir.path, `${identity.topic}-${identity.index}`);
    if (folderOwner(this.#options.io.disk, folder, identity.topicId) !== 'this topic') return;
    this.#options.logger.info('a partition that has moved away is removed', { folder });
    dir.folders.markDeleted(identity, delayMs);
  }

  /** Its log is closed here, or its topic is gone. */
  closed(log: Log, isInOrder: boolean): void {
    const dir = this.dirOf(log)!;
    this.#counts.set(dir, this.#counts.get(dir)! - 1);
    this.#foundAtStart.delete(basename(log.folder));
    if (!isInOrder) this.#unclean.add(dir);
  }

  /**
   * Whether a failure that was met in the dir is one of the whole dir, which is offline from then on; true once. A full
   * device still reads, and may have room again. Where a replica among others has failed (`isReplicated`), the dir has, as
   * in Apache Kafka: the controller hears of dirs only, and nobody else would lead what cannot be led here.
   */
  fails(dir: HostedDir, error: Error, isReplicated: boolean): boolean {
    const cause = error instanceof IoError ? error : error.cause;
    if (!isOnline(dir) || !(cause instanceof IoError)) return false;
    if (isReplicated) {
      this.#goOffline(dir, cause);
      return true;
    }
    if (cause.code === 'no-space') return false;
    try {
      this.#probe(dir.path);
      return false;
    } catch (failure) {
      if (!(failure instanceof IoError)) throw failure;
      if (failure.code === 'no-space') return false;
      this.#goOffline(dir, failure);
      return true;
    }
  }

  /** Has what an earlier process had renamed removed later. */
  removeDeleted(delayMs: number): void {
    for (const { folders } of this.online) folders.removeDeleted(delayMs);
  }

  /** Makes names of folders durable; who cannot is suspected. */
  async syncNames(): Promise<void> {
    await Promise.all(this.online.map((dir) => dir.folders.syncNames().catch((error) => this.onSuspicion(dir, error))));
  }

  /** Each dir whose logs were closed in order is marked so, unless some were never looked at. */
  close(brokerEpoch: number, areAllOpen: boolean): void {
    for (const dir of this.all) {
      try {
        if (isOnline(dir)) dir.folders.close(areAllOpen && !this.#unclean.has(dir), brokerEpoch);
      } catch (error) {
        if (!(error instanceof IoError)) throw error;
        this.#options.logger.error('log dir not left in order', { path: dir.path, error });
      }
      dir.release();
    }
  }

  #foldersIn(path: string): PartitionFolders {
    const { io, logger, tailBudget, turnMs } = this.#options;
    const onFailure = (error: Error): void => this.onSuspicion(this.#byPath.get(path)!, error);
    return createPartitionFolders({ io, path, logger, onFailure, tailBudget, turnMs });
  }

  #openOther(path: string): HostedDir {
    const { io, nodeId, clusterId, logger } = this.#options;
    let release = () => {};
    try {
      const folder = openDataFolder({ io, path, nodeId, clusterId });
      release = () => folder.release();
      const { directoryId } = folder;
      return { path, directoryId, folders: this.#foldersIn(path), failure: undefined, release };
    } catch (error) {
      release();
      if (!(error instanceof IoError) || error.code === 'locked') throw error;
      logger.error('log dir offline: it cannot be opened', { path, error });
      return { path, directoryId: undefined, folders: undefined, failure: error, release: () => {} };
    }
  }

  #checkIds(): void {
    const paths = new Map<string, string>();
    for (const { directoryId, path } of this.online) {
      const other = paths.get(directoryId);
      if (other !== undefined) throw new BrokerError('log-dir-twice', `${other} and ${path}`);
      paths.set(directoryId, path);
    }
  }

  #lookAround(): void {
    for (const dir of this.online) {
      for (const name of this.#namesIn(dir)) {
        const found = this.#foundAtStart.get(name);
        if (found === undefined) this.#foundAtStart.set(name, [dir]);
        else found.push(dir);
      }
    }
  }

  #namesIn(dir: OnlineDir): string[] {
    try {
      return this.#options.io.disk.list(dir.path);
    } catch (error) {
      if (!(error instanceof IoError) || dir === this.all[0]) throw error;
      this.#goOffline(dir, error);
      return [];
    }
  }

  #goOffline(dir: OnlineDir, failure: IoError): void {
    this.#options.logger.error('log dir offline', { path: dir.path, error: failure });
    dir.folders.abandon();
    dir.failure = failure;
  }

  /** The dir with a folder of this topic's partition, or with one that belongs to nobody yet. */
  #locate(identity: PartitionIdentity): OnlineDir | undefined {
    const { disk } = this.#options.io;
    const name = `${identity.topic}-${identity.index}`;
    const [first] = this.online;
    // With one dir there is nothing to choose: the log itself looks whose the folder is.
    if (this.all.length === 1) return first !== undefined && disk.exists(join(first.path, name)) ? first : undefined;
    const found = this.#foundAtStart.get(name);
    if (found === undefined) return undefined;
    const owners = found.map(({ path }) => folderOwner(disk, join(path, name), identity.topicId));
    const own = found.filter((_, index) => owners[index] === 'this topic');
    if (own.length > 1) {
      throw new BrokerError('partition-twice', `${name} in ${own.map(({ path }) => path).join(' and ')}`);
    }
    return own[0] ?? found[owners.indexOf('nobody')];
  }

  /** The dir that the metadata names, or, if it names none, the emptiest; undefined if that dir is not online. */
  #assigned(directory: string | undefined): OnlineDir | undefined {
    const { online } = this;
    if (isAssigned(directory)) return online.find(({ directoryId }) => directoryId === directory);
    const counts = online.map((dir) => this.#counts.get(dir) ?? 0);
    return online[counts.indexOf(Math.min(...counts))];
  }

  #probe(folder: string): void {
    const { disk } = this.#options.io;
    const path = join(folder, PROBE_FILE);
    disk.replaceFile(path, Buffer.from('probe'));
    disk.readFile(path);
    disk.remove(path);
  }
}

/** As logs name the folder that they lie in: without what `join` drops. */
function plain(path: string): string {
  return dirname(join(path, PROBE_FILE));
}

function newPath(path: string, dirs: readonly HostedDir[]): string {
  const each = plain(path);
  if (dirs.some((dir) => dir.path === each)) throw new BrokerError('config-invalid', `logDirs: ${each} is named twice`);
  return each;
}

function isOnline(dir: HostedDir | undefined): dir is OnlineDir {
  return dir !== undefined && dir.failure === undefined && dir.folders !== undefined;
}
