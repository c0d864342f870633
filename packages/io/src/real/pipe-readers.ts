/**
 * Whether anybody still reads a pipe that this process writes to, without writing; asked by commands that have nothing
 * to write for now. Node cannot poll a pipe for that, so on Linux the readers are looked up in /proc, once: a check
 * afterwards only looks at those that were found.
 * Invariant: false only after readers have been seen that are gone, with no other to be found. Readers that cannot be
 * seen (of another user, outside of a container, not on Linux) are taken to be there.
 */
import fs from 'node:fs';
import { READER_SEARCHES } from '../limits.ts';

const READABLE = 0o400;

export function createReaderCheck(descriptor: number): () => boolean {
  const pipe = pipeOf(descriptor);
  if (pipe === undefined) return () => true;
  let known: string[] = [];
  let searches = 0;
  return () => {
    if (known.some((path) => reads(path, pipe) !== false) || searches === READER_SEARCHES) return true;
    const found = findReaders(pipe);
    if (found.length === 0 && known.length > 0) return false;
    searches = found.length === 0 ? searches + 1 : 0;
    known = found;
    return true;
  };
}

/** `pipe:[4711]`, or a named pipe's path. */
function pipeOf(descriptor: number): string | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    return fs.fstatSync(descriptor).isFIFO() ? fs.readlinkSync(`/proc/self/fd/${descriptor}`) : undefined;
  } catch {
    return undefined; // no such descriptor, or no /proc
  }
}

/** The descriptors that are open for reading, as `/proc/<pid>/fd/<number>`. */
function findReaders(pipe: string): string[] {
  const folders = fs.readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? [`/proc/${name}/fd`] : []));
  return folders.flatMap((folder) => {
    const paths = listed(folder).map((name) => `${folder}/${name}`);
    return paths.filter((path) => reads(path, pipe) === true);
  });
}

function listed(folder: string): string[] {
  try {
    return fs.readdirSync(folder);
  } catch {
    return []; // gone meanwhile, or not ours to see
  }
}

/** Undefined: the process is there and may not be looked into (any more). */
function reads(path: string, pipe: string): boolean | undefined {
  try {
    return fs.readlinkSync(path) === pipe && (fs.lstatSync(path).mode & READABLE) !== 0;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES' ? undefined : false;
  }
}
