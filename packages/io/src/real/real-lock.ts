/**
 * An exclusive lock that a crashed holder cannot leave behind; Node has no flock. Called once per data folder.
 *
 * The lock is a small folder of numbered symbolic links, `owner.7 → <pid>:<start time>:<boot>`. A symbolic link is
 * created whole or not at all, and only by one process. The highest number owns the lock as long as the process it
 * names lives; start time and boot tell that process from a later one with its pid.
 *
 * Taking over from a dead 7, with others trying at the same time:
 *  1. create `owner.8`; whoever finds it there already has lost and looks again;
 *  2. list once more; a number above ours means that we looked at an old state, and we have lost;
 *  3. remove the lower numbers.
 * The highest number is never removed (a release renames `released` over it), so an old look cannot win at step 2.
 * Processes in different containers do not see each other's pids: a volume that two of them mount is not guarded.
 */
import fs from 'node:fs';
import { join } from 'node:path';
import { IoError } from '../errors.ts';
import { LOCK_ATTEMPTS } from '../limits.ts';
import { attempt } from './errno.ts';

const OWNER = /^owner\.(\d{1,15})$/;
const RELEASED = 'released';
/** This process's locks. */
const held = new Set<() => void>();

export function takeLock(path: string): { release(): void } {
  return attempt('lock', path, () => {
    fs.mkdirSync(path, { recursive: true });
    for (let round = 0; round < LOCK_ATTEMPTS; round++) {
      const number = tryOnce(path);
      if (number !== undefined) return holdUntilExit(path, number);
    }
    throw new IoError('locked', path);
  });
}

/** The number we own the lock by; undefined when somebody else was quicker. */
function tryOnce(folder: string): number | undefined {
  const highest = highestOwner(folder);
  if (highest > 0) {
    const owner = readOwner(folder, highest);
    if (owner === undefined) return undefined;
    if (isAlive(owner)) throw new IoError('locked', `${folder} (process ${owner.split(':')[0]})`);
  }
  const mine = highest + 1;
  try {
    fs.symlinkSync(identityOf(process.pid) ?? `${process.pid}`, join(folder, `owner.${mine}`));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined;
    throw error;
  }
  if (highestOwner(folder) > mine) return undefined;
  removeBelow(folder, mine);
  return mine;
}

function ownersIn(folder: string): number[] {
  return fs.readdirSync(folder).flatMap((name) => {
    const match = OWNER.exec(name);
    return match ? [Number(match[1])] : [];
  });
}

function highestOwner(folder: string): number {
  return Math.max(0, ...ownersIn(folder));
}

function readOwner(folder: string, number: number): string | undefined {
  try {
    return fs.readlinkSync(join(folder, `owner.${number}`));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function removeBelow(folder: string, number: number): void {
  for (const older of ownersIn(folder)) {
    if (older < number) fs.rmSync(join(folder, `owner.${older}`), { force: true });
  }
}

function holdUntilExit(folder: string, number: number): { release(): void } {
  const release = (): void => {
    if (held.delete(release)) attempt('unlock', folder, () => markReleased(folder, number));
  };
  process.off('exit', releaseAll).on('exit', releaseAll);
  held.add(release);
  return { release };
}

/** Tidiness, and all there is where /proc does not tell a pid's second life from its first. */
function releaseAll(): void {
  for (const release of [...held]) release();
}

function markReleased(folder: string, number: number): void {
  if (!fs.existsSync(folder)) return;
  const twin = join(folder, `release.${number}`);
  fs.rmSync(twin, { force: true });
  fs.symlinkSync(RELEASED, twin);
  fs.renameSync(twin, join(folder, `owner.${number}`));
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
