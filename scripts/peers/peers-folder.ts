/** Where what others wrote is kept on this machine, outside the repository: jars, virtual environments, binaries. */
import { homedir } from 'node:os';
import { join } from 'node:path';

export const PEERS_FOLDER = join(homedir(), '.cache', 'meridian-peers');
