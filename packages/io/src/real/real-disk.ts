/**
 * The disk of the real twin: synchronous system calls on what the page cache holds.
 * Invariant: no call returns before the kernel has taken what it was given, and every failure is an `IoError`.
 */
import fs from 'node:fs';
import { dirname, join } from 'node:path';
import type { Disk, DiskFile } from '../io.ts';
import { attempt, ioErrorFrom } from './errno.ts';
import { RealFile } from './real-file.ts';
import { takeLock } from './real-lock.ts';

const { O_CREAT, O_RDONLY, O_RDWR, O_TRUNC } = fs.constants;

/** `a+` without O_APPEND: with it Linux would ignore the position of a write. */
const FLAGS = { r: O_RDONLY, 'r+': O_RDWR, 'w+': O_RDWR | O_CREAT | O_TRUNC, 'a+': O_RDWR | O_CREAT } as const;

function open(path: string, mode: keyof typeof FLAGS): DiskFile {
  return new RealFile(
    path,
    attempt('open', path, () => fs.openSync(path, FLAGS[mode], 0o644)),
  );
}

function syncFolder(path: string): void {
  if (process.platform === 'win32') return;
  attempt('sync folder', path, () => {
    const descriptor = fs.openSync(path, O_RDONLY);
    try {
      fs.fsyncSync(descriptor);
    } finally {
      fs.closeSync(descriptor);
    }
  });
}

/** The descriptor is taken at once: a folder that is renamed meanwhile is still the one that was meant. */
function syncFolderAsync(path: string): Promise<void> {
  if (process.platform === 'win32') return Promise.resolve();
  return new Promise((resolve, reject) => {
    const descriptor = attempt('sync folder', path, () => fs.openSync(path, O_RDONLY));
    fs.fsync(descriptor, (error) => {
      fs.closeSync(descriptor);
      if (error) reject(ioErrorFrom(error, `sync folder ${path}`));
      else resolve();
    });
  });
}

function replaceFile(path: string, content: Uint8Array): void {
  const twin = `${path}.tmp`;
  const file = open(twin, 'w+');
  try {
    file.writev([content], 0);
    file.syncNow();
    file.close();
    fs.renameSync(twin, path);
  } catch (error) {
    file.close();
    fs.rmSync(twin, { force: true });
    throw ioErrorFrom(error, `replace ${path}`);
  }
  syncFolder(dirname(path));
}

function stat(path: string): { size: number; modifiedMs: number; isFolder: boolean } {
  const found = attempt('stat', path, () => fs.statSync(path));
  return { size: found.size, modifiedMs: Math.floor(found.mtimeMs), isFolder: found.isDirectory() };
}

/** A volume that is not there yet has the space of the nearest folder that is. */
/** Of the device that holds `path`, or will hold it. */
function device(path: string): { bsize: number; bavail: number; blocks: number } {
  const existing = fs.existsSync(path) ? path : dirname(join(path, '.'));
  if (existing !== path && existing !== dirname(existing)) return device(existing);
  return attempt('free space of', path, () => fs.statfsSync(existing));
}

function freeBytes(path: string): number {
  const { bavail, bsize } = device(path);
  return bavail * bsize;
}

function totalBytes(path: string): number {
  const { blocks, bsize } = device(path);
  return blocks * bsize;
}

/** One parent after the other. Node's own recursion never ends where a folder cannot be made though its parent is there. */
function makeFolders(path: string): void {
  if (fs.existsSync(path) && fs.statSync(path).isDirectory()) return;
  const parent = dirname(path);
  if (parent !== path) makeFolders(parent);
  fs.mkdirSync(path);
}

export const realDisk: Disk = {
  open,
  exists: (path) => fs.existsSync(path),
  list: (path) => attempt('list', path, () => fs.readdirSync(path)).sort(),
  makeFolder: (path) => attempt('make folder', path, () => makeFolders(path)),
  rename: (from, to) => attempt('rename', from, () => fs.renameSync(from, to)),
  remove: (path) => attempt('remove', path, () => fs.unlinkSync(path)),
  removeFolder: (path) => attempt('remove folder', path, () => fs.rmSync(path, { recursive: true })),
  stat,
  readFile: (path) => attempt('read', path, () => fs.readFileSync(path)),
  replaceFile,
  syncFolder,
  syncFolderAsync,
  lock: takeLock,
  freeBytes,
  totalBytes,
};
