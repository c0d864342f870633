/**
 * An exclusive lock that a crashed holder cannot leave behind; Node has no flock. Called once per log dir.
 *
 * The lock is an empty file, as Apache Kafka's is, and numbered symbolic links beside it, `.lock.owner.7 → <pid>:<start
 * time>:<boot>`. A symbolic link is created whole or not at all, and only by one process. The highest number owns the
 * lock as long as the process it names lives; start time and boot tell that process from a later one with its pid.
 *
 * Taking over from a dead 7, with others trying at the same time:
 *  1. create `owner.8`; whoever finds it there already has lost and looks again;
 *  2. list once more; a number above ours means that we looked at an old state, and we have lost;
 *  3. remove the lower numbers.
 * The highest number is never removed (a release renames `released` over it), so an old look cannot win at step 2.
 * A running Apache Kafka is seen by the kernel's lock on the file (`/proc/locks`); it does not see us.
 * Processes in different containers do not see each other's pids: a volume that two of them mount is not guarded.
 */
import fs from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { IoError } from '../errors.ts';
import { LOCK_ATTEMPTS } from '../limits.ts';
import { attempt } from './errno.ts';

const NUMBER = /^\d{1,15}$/;
const RELEASED = 'released';
/** A line of `/proc/locks`: `1: POSIX  ADVISORY  WRITE 4711 fe:00:1234 0 EOF`. */
const KERNEL_LOCK = /^\d+: \w+\s+\w+\s+WRITE (\d+) ([0-9a-f]+):([0-9a-f]+):(\d+) /;
/** This process's locks. */
const held = new Set<() => void>();

/** `path` is the lock's file; its folder must exist. */
export function takeLock(path: string): { release(): void } {
  return attempt('lock', path, () => {
    if (fs.statSync(path, { throwIfNoEntry: false })?.isDirectory()) replaceFolder(path);
    fs.closeSync(fs.openSync(path, 'a'));
    const stranger = kernelLockHolder(path);
    if (stranger !== undefined) throw new IoError('locked', `${path} (process ${stranger})`);
    for (let round = 0; round < LOCK_ATTEMPTS; round++) {
      const number = tryOnce(path);
      if (number !== undefined) return holdUntilExit(path, number);
    }
    throw new IoError('locked', path);
  });
}

/** Earlier releases made `path` a folder with the links in it: it gives way unless its owner lives. */
function replaceFolder(path: string): void {
  const inside = join(path, 'owner');
  refuseIfAlive(inside, highestOwner(inside));
  fs.rmSync(path, { recursive: true, force: true });
}

/** Who has locked the file by the kernel's means, as Apache Kafka does; undefined also where there is no /proc. */
function kernelLockHolder(path: string): string | undefined {
  if (!fs.existsSync('/proc/locks')) return undefined;
  const { dev, ino } = fs.statSync(path);
  const [major, minor] = [(dev >>> 8) & 0xfff, (dev & 0xff) | ((dev >>> 12) & 0xfff00)];
  const lines = fs.readFileSync('/proc/locks', 'utf8').split('\n');
  const fields = lines.map((line) => KERNEL_LOCK.exec(line));
  return fields.find(
    (found) => Number(found?.[4]) === ino && parseInt(found![2]!, 16) === major && parseInt(found![3]!, 16) === minor,
  )?.[1];
}

/** The number we own the lock by; undefined when somebody else was quicker. */
function tryOnce(path: string): number | undefined {
  const links = `${path}.owner`;
  const highest = highestOwner(links);
  if (!refuseIfAlive(links, highest)) return undefined;
  const mine = highest + 1;
  try {
    fs.symlinkSync(identityOf(process.pid) ?? `${process.pid}`, `${links}.${mine}`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined;
    throw error;
  }
  if (highestOwner(links) > mine) return undefined;
  removeBelow(links, mine);
  return mine;
}

/** False if that link has gone meanwhile. */
function refuseIfAlive(links: string, number: number): boolean {
  if (number === 0) return true;
  const owner = readOwner(links, number);
  if (owner !== undefined && isAlive(owner)) throw new IoError('locked', `${links} (process ${owner.split(':')[0]})`);
  return owner !== undefined;
}

/** Numbers of the links `<links>.<number>`. */
function ownersIn(links: string): number[] {
  const prefix = `${basename(links)}.`;
  return fs.readdirSync(dirname(links)).flatMap((name) => {
    const rest = name.slice(prefix.length);
    return name.startsWith(prefix) && NUMBER.test(rest) ? [Number(rest)] : [];
  });
}

function highestOwner(links: string): number {
  return Math.max(0, ...ownersIn(links));
}

function readOwner(links: string, number: number): string | undefined {
  try {
    return fs.readlinkSync(`${links}.${number}`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function removeBelow(links: string, number: number): void {
  for (const older of ownersIn(links)) {
    if (older < number) fs.rmSync(`${links}.${older}`, { force: true });
  }
}

function holdUntilExit(path: string, number: number): { release(): void } {
  const release = (): void => {
    if (held.delete(release)) attempt('unlock', path, () => markReleased(path, number));
  };
  process.off('exit', releaseAll).on('exit', releaseAll);
  held.add(release);
  return { release };
}

/** Tidiness, and all there is where /proc does not tell a pid's second life from its first. */
function releaseAll(): void {
  for (const release of [...held]) release();
}

function markReleased(path: string, number: number): void {
  if (!fs.existsSync(dirname(path))) return;
  const twin = `${path}.release.${number}`;
  fs.rmSync(twin, { force: true });
  fs.symlinkSync(RELEASED, twin);
  fs.renameSync(twin, `${path}.owner.${number}`);
}

function isAlive(owner: string): boolean {
  if (owner === RELEASED) return false;
  const pid = Number(owner.split(':')[0]);
  const now = identityOf(pid);
  if (now !== undefined) return now === owner;
  return !fs.existsSync('/proc/self/stat') && respondsToSignals(pid);
}

/** Who has this pid now, told apart from everybody who had it before; undefined without /proc, or when nobody has. */
export function identityOf(pid: number): string | undefined {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state, startTime] = [fields[0], fields[19]];
    if (state === 'Z' || state === 'X') return undefined;
    return `${pid}:${startTime}:${fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}`;
  } catch {
    return undefined;
  }
}

function respondsToSignals(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
