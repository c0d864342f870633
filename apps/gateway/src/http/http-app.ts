/**
 * The gateway's HTTP server, before anything is served: fastify without what is not used of it. Opened by
 * `http-server.ts`. Invariant: requests are checked by their handlers; a route with a schema is refused.
 */

import type { Server } from 'node:http';
import { type FastifyHttpOptions, type FastifyInstance, fastify } from 'fastify';

type HttpAppOptions = Omit<FastifyHttpOptions<Server>, 'schemaController'>;

/** fastify's compilers of schemas (6 MB) are not loaded. */
export function createHttpApp(options: HttpAppOptions): FastifyInstance {
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
