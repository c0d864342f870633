/**
 * Opens the port of an HTTP server: the management port here, and the gateway's.
 * Invariant: what keeps a port from being opened is an `IoError`, as for every other listener.
 */
import type { Server } from 'node:http';
import { IoError } from '@meridian/io';

/** Returns the port; 0 picks a free one. `listen` comes back when `server` listens, or with what keeps it from that. */
export async function openPort(
  server: Server,
  { host, port }: { host: string; port: number },
  listen: () => Promise<unknown>,
): Promise<number> {
  try {
    await listen();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE') throw new IoError('address-in-use', `${host}:${port}`, { cause });
    if (code === 'EACCES') throw new IoError('permission', `${host}:${port}`, { cause });
    throw cause;
  }
  const bound = server.address();
  return typeof bound === 'object' && bound !== null ? bound.port : port;
}
