/**
 * An HTTP server as all processes of the platform open it: fastify, loaded when one is opened and not before (it costs
 * 11 MB). Used by the management port here and by the gateway.
 * Invariant: what keeps a port from being opened is an `IoError`, as for every other listener.
 */

import type { Server } from 'node:http';
import { IoError } from '@meridian/io';
import type { FastifyHttpOptions, FastifyInstance } from 'fastify';

export type HttpAppOptions = Omit<FastifyHttpOptions<Server>, 'schemaController'>;

/** Requests are checked by their handlers, not by route schemas: fastify's compilers (6 MB) are not loaded. */
export async function createHttpApp(options: HttpAppOptions): Promise<FastifyInstance> {
  const { fastify } = await import('fastify');
  return fastify({
    logger: false,
    forceCloseConnections: true,
    ...options,
    schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
  });
}

const noSchemas = () => (): never => {
  throw new TypeError('routes have no schemas here');
};

/** Returns the port; 0 picks a free one. */
export async function listenOn(app: FastifyInstance, address: { host: string; port: number }): Promise<number> {
  const { host, port } = address;
  try {
    await app.listen({ host, port });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE') throw new IoError('address-in-use', `${host}:${port}`, { cause });
    if (code === 'EACCES') throw new IoError('permission', `${host}:${port}`, { cause });
    throw cause;
  }
  const bound = app.server.address();
  return typeof bound === 'object' && bound !== null ? bound.port : port;
}
