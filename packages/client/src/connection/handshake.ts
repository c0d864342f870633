/**
 * Makes a fresh connection usable: with TLS where that is wanted, authenticates where there are credentials, then asks
 * what the broker speaks. Called by `ConnectionSlot`.
 * Invariant: a connection that is handed out has authenticated and knows the broker's versions.
 */
import { IoError } from '@meridian/io';
import { ApiVersions, ERROR, errorName } from '@meridian/protocol';
import { ClientError } from '../errors.ts';
import { internalSecurity, type Security } from '../security.ts';
import type { NodeAddress } from '../types.ts';
import { authenticate } from './authenticate.ts';
import { type ConnectionContext, NodeConnection } from './node-connection.ts';

const SOFTWARE = { clientSoftwareName: 'meridian', clientSoftwareVersion: '0.1.0' };

export async function openConnection(context: ConnectionContext, address: NodeAddress): Promise<NodeConnection> {
  const peer = `${address.host}:${address.port}`;
  const timeoutMs = context.limits.connectTimeoutMs;
  const { tls, sasl } = securityOf(context);
  const socket = await context.io.net
    .connect({ ...address, timeoutMs, ...(tls && { tls }) })
    .catch((cause: unknown) => {
      const isTls = cause instanceof IoError && cause.code === 'tls';
      throw new ClientError(isTls ? 'tls' : 'unreachable', isTls ? cause.message : peer, { cause });
    });
  const connection = new NodeConnection(context, socket, peer);
  try {
    if (sasl !== undefined) await authenticate(context, connection, sasl, peer);
    await askVersions(connection, timeoutMs, peer);
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

function securityOf({ security, secret }: ConnectionContext): Security {
  return security ?? (secret === undefined ? {} : internalSecurity(secret));
}

async function askVersions(connection: NodeConnection, timeoutMs: number, peer: string): Promise<void> {
  let answer = await connection.request(ApiVersions, ApiVersions.maxVersion, SOFTWARE, { timeoutMs });
  if (answer.errorCode === ERROR.UNSUPPORTED_VERSION) {
    answer = await connection.request(ApiVersions, 0, SOFTWARE, { timeoutMs });
  }
  if (answer.errorCode !== ERROR.NONE) throw new ClientError('refused', `${peer}, ${errorName(answer.errorCode)}`);
  for (const { apiKey, minVersion, maxVersion } of answer.apiKeys) {
    connection.versions.set(apiKey, { min: minVersion, max: maxVersion });
  }
  for (const { name, maxVersion } of answer.supportedFeatures) connection.features.set(name, maxVersion);
}
