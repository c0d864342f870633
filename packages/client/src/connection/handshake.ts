/**
 * Makes a fresh TCP connection usable: proves the shared secret where there is one (SCRAM-SHA-256), then asks what the
 * broker speaks. Called by `ConnectionSlot`.
 * Invariant: a connection that is handed out has authenticated and knows the broker's versions.
 */
import {
  ApiVersions,
  createScramClient,
  ERROR,
  errorName,
  ProtocolError,
  SaslAuthenticate,
  SaslHandshake,
  SCRAM_MECHANISM,
} from '@meridian/protocol';
import { ClientError } from '../errors.ts';
import type { NodeAddress } from '../types.ts';
import { type ConnectionContext, NodeConnection } from './node-connection.ts';

const USER = 'internal';
const NONCE_BYTES = 18;
/** Versions used before the broker's are known: every broker since Apache Kafka 2.5 has them. */
const SASL_HANDSHAKE_VERSION = 1;
const SASL_AUTHENTICATE_VERSION = 2;
const SOFTWARE = { clientSoftwareName: 'meridian', clientSoftwareVersion: '0.1.0' };

export async function openConnection(context: ConnectionContext, address: NodeAddress): Promise<NodeConnection> {
  const peer = `${address.host}:${address.port}`;
  const timeoutMs = context.limits.connectTimeoutMs;
  const socket = await context.io.net.connect({ ...address, timeoutMs }).catch((cause: unknown) => {
    throw new ClientError('unreachable', peer, { cause });
  });
  const connection = new NodeConnection(context, socket, peer);
  try {
    if (context.secret !== undefined) await authenticate(context, connection, context.secret, peer);
    await askVersions(connection, timeoutMs, peer);
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

async function authenticate(
  context: ConnectionContext,
  connection: NodeConnection,
  password: string,
  peer: string,
): Promise<void> {
  const timeoutMs = context.limits.connectTimeoutMs;
  const chosen = await connection.request(
    SaslHandshake,
    SASL_HANDSHAKE_VERSION,
    { mechanism: SCRAM_MECHANISM },
    { timeoutMs },
  );
  if (chosen.errorCode !== ERROR.NONE)
    throw new ClientError('authentication', `${peer}, ${errorName(chosen.errorCode)}`);
  const say = async (authBytes: Buffer): Promise<Buffer> => {
    const answer = await connection.request(SaslAuthenticate, SASL_AUTHENTICATE_VERSION, { authBytes }, { timeoutMs });
    if (answer.errorCode === ERROR.NONE) return answer.authBytes;
    throw new ClientError('authentication', `${peer}, ${answer.errorMessage ?? errorName(answer.errorCode)}`);
  };
  const nonce = context.io.random.bytes(NONCE_BYTES).toString('base64');
  try {
    const scram = createScramClient({ user: USER, password, nonce });
    const serverFirst = await say(scram.first());
    scram.verify(await say(scram.final(serverFirst)));
  } catch (error) {
    if (error instanceof ProtocolError) throw new ClientError('authentication', peer, { cause: error });
    throw error;
  }
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
  for (const { name } of answer.supportedFeatures) connection.features.add(name);
}
