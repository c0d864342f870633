/**
 * Which of some processes has the other end of a local TCP connection: how a proxy knows which node called, though all
 * call from one address. Linux only; used by `links.ts`.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

const TABLES = ['/proc/net/tcp', '/proc/net/tcp6'];
const LOCAL_ADDRESS = 1;
const REMOTE_ADDRESS = 2;
const INODE = 9;

/** `callerPort`: the caller's own port; `calledPort`: where it connected to. */
export function socketOwner(callerPort: number, calledPort: number, pids: readonly number[]): number | undefined {
  const inode = inodeOf(callerPort, calledPort);
  if (inode === undefined) return undefined;
  const wanted = `socket:[${inode}]`;
  return pids.find((pid) => holds(pid, wanted));
}

function inodeOf(callerPort: number, calledPort: number): string | undefined {
  const from = endingOf(callerPort);
  const to = endingOf(calledPort);
  for (const table of TABLES) {
    for (const line of readFileSync(table, 'latin1').split('\n')) {
      const fields = line.trim().split(/\s+/);
      if (fields[LOCAL_ADDRESS]?.endsWith(from) && fields[REMOTE_ADDRESS]?.endsWith(to)) return fields[INODE];
    }
  }
  return undefined;
}

const endingOf = (port: number): string => `:${port.toString(16).toUpperCase().padStart(4, '0')}`;

function holds(pid: number, wanted: string): boolean {
  const folder = `/proc/${pid}/fd`;
  try {
    return readdirSync(folder).some((name) => linkOf(`${folder}/${name}`) === wanted);
  } catch {
    return false; // the process has just ended
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ''; // closed since the folder was read
  }
}
