/**
 * The data folder of a local platform: taken by one supervisor at a time, and only if this version understands it.
 * Opened by `meridian local`; `token` and the other commands read its marker for what the platform was started with.
 *
 *     meridian.json    {"format":1,"portOffset":0}        keys/   what signs tokens and cursors, the internal secret
 *     processes.json   {"us-east/broker":4711, …}          config/ logs/   one file per part
 *     us-east/broker/  the broker's data; of further brokers in broker-2/, …, and what they have in common in cluster.json
 *
 * Invariant: nothing in it is readable by other users.
 */
import type { Io } from '@meridian/io';
import { IoError } from '@meridian/io';
import { CliError } from '../errors.ts';

/** Counted up when an older version could not read the folder any more: 2 has several brokers in each region. */
const FORMAT = 2;
const FORMAT_OF_ONE_BROKER = 1;

export interface Marker {
  format: number;
  portOffset: number;
  /** In each region. */
  brokers: number;
  mirrors: number;
}

/** What the platform is started with. */
export interface PlatformShape {
  portOffset: number;
  /** In each region; without it, as many as there were. */
  brokers: number | undefined;
  mirrors?: number;
}

export interface DataFolder {
  readonly path: string;
  readonly brokers: number;
  file(name: string): string;
  /** Makes a folder inside, with its parents. */
  folder(name: string): string;
  release(): void;
}

/** Everything that this process and its children write from now on belongs to its user alone. */
export function openDataFolder(io: Pick<Io, 'disk'>, path: string, shape: PlatformShape): DataFolder {
  process.umask(0o077);
  const brokers = brokersIn(path, checkFormat(io, path), shape);
  const lock = takeLock(io, path);
  const file = (name: string): string => `${path}/${name}`;
  const { portOffset, mirrors = 1 } = shape;
  const beside = { portOffset, ...(mirrors > 1 && { mirrors }) }; // mirrors keep nothing here: any number will do
  const marker = brokers === 1 ? { format: FORMAT_OF_ONE_BROKER, ...beside } : { format: FORMAT, ...beside, brokers };
  io.disk.replaceFile(file('meridian.json'), Buffer.from(`${JSON.stringify(marker)}\n`));
  return {
    path,
    brokers,
    file,
    folder(name) {
      io.disk.makeFolder(file(name));
      return file(name);
    },
    release: () => lock.release(),
  };
}

/** What the platform of this folder was started with; undefined if there is none. */
export function readMarker(io: Pick<Io, 'disk'>, path: string): Marker | undefined {
  checkIsFolder(io, path);
  const file = `${path}/meridian.json`;
  if (!io.disk.exists(file)) return undefined;
  try {
    const {
      format,
      portOffset = 0,
      brokers = 1,
      mirrors = 1,
    } = JSON.parse(io.disk.readFile(file).toString('utf8')) as Partial<Marker>;
    if (typeof format === 'number') {
      return { format, portOffset: Number(portOffset), brokers: Number(brokers), mirrors: Number(mirrors) };
    }
  } catch (error) {
    throw new CliError('data-unreadable', `${file}: ${(error as Error).message}`, { cause: error });
  }
  throw new CliError('data-unreadable', `${file} has no format`);
}

/** A path that is not there is no mistake: it becomes a folder, or has nothing in it. */
export function checkIsFolder(io: Pick<Io, 'disk'>, path: string): void {
  if (io.disk.exists(path) && !io.disk.stat(path).isFolder) {
    throw new CliError('data-unreadable', `${path} is not a folder.`);
  }
}

function checkFormat(io: Pick<Io, 'disk'>, path: string): Marker | undefined {
  const marker = readMarker(io, path);
  if (marker !== undefined && marker.format > FORMAT) {
    throw new CliError('data-too-new', `${path} has format ${marker.format}, this version knows ${FORMAT}`);
  }
  return marker;
}

/** Brokers may be added. One that is left out would take its replicas, and perhaps its vote, with it. */
function brokersIn(path: string, before: Marker | undefined, { brokers }: PlatformShape): number {
  const had = before?.brokers ?? 1;
  const wanted = brokers ?? had;
  if (wanted >= had) return wanted;
  throw new CliError('too-few-brokers', `${path} was started with ${had} brokers in each region, not ${wanted}`);
}

function takeLock(io: Pick<Io, 'disk'>, path: string): { release(): void } {
  try {
    io.disk.makeFolder(path);
    return io.disk.lock(`${path}/lock`);
  } catch (error) {
    if (error instanceof IoError && error.code === 'locked') {
      const owner = /\(process \d+\)/.exec(error.message)?.[0] ?? '';
      throw new CliError('data-in-use', `The data folder ${path} is in use ${owner}`.trim());
    }
    throw new CliError('data-unreadable', `${path}: ${(error as Error).message}`, { cause: error });
  }
}
