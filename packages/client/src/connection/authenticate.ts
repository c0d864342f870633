/**
 * Proves to a broker who we are: SASL PLAIN (RFC 4616) or SCRAM (RFC 5802), in the frames of SaslHandshake 17 and
 * SaslAuthenticate 36. Called by `openConnection` before anything else is asked.
 * Invariant: returns only if the broker has accepted us and, with SCRAM, has proved that it knows us.
 */
import {
  createScramClient,
  ERROR,
  errorName,
  ProtocolError,
  SaslAuthenticate,
  SaslHandshake,
} from '@meridian/protocol';
import { ClientError } from '../errors.ts';
import type { SaslCredentials, SaslMechanism } from '../security.ts';
import type { ConnectionContext, NodeConnection } from './node-connection.ts';

const NONCE_BYTES = 18;
/** Versions used before the broker's are known: every broker since Apache Kafka 2.5 has them. */
const SASL_HANDSHAKE_VERSION = 1;
const SASL_AUTHENTICATE_VERSION = 2;

type Say = (authBytes: Buffer) => Promise<Buffer>;

export async function authenticate(
  { io, limits }: ConnectionContext,
  connection: NodeConnection,
  credentials: SaslCredentials,
  peer: string,
): Promise<void> {
  const timeoutMs = limits.connectTimeoutMs;
  const { mechanism } = credentials;
  const chosen = await connection.request(SaslHandshake, SASL_HANDSHAKE_VERSION, { mechanism }, { timeoutMs });
  if (chosen.errorCode !== ERROR.NONE) {
    const offered = chosen.mechanisms.join(', ') || 'none';
    throw new ClientError('authentication', `${peer}, ${mechanism} ${errorName(chosen.errorCode)}, it has ${offered}`);
  }
  const say: Say = async (authBytes) => {
    const answer = await connection.request(SaslAuthenticate, SASL_AUTHENTICATE_VERSION, { authBytes }, { timeoutMs });
    if (answer.errorCode === ERROR.NONE) return answer.authBytes;
    throw new ClientError('authentication', `${peer}, ${answer.errorMessage ?? errorName(answer.errorCode)}`);
  };
  try {
    if (mechanism === 'PLAIN') await sayPlainly(credentials, say);
    else await prove(mechanism, credentials, io.random.bytes(NONCE_BYTES).toString('base64'), say);
  } catch (error) {
    if (error instanceof ProtocolError) throw new ClientError('authentication', peer, { cause: error });
    throw error;
  }
}

async function sayPlainly({ username, password }: SaslCredentials, say: Say): Promise<void> {
  await say(Buffer.from(`\0${username}\0${password}`));
}

async function prove(
  mechanism: Exclude<SaslMechanism, 'PLAIN'>,
  { username: user, password }: SaslCredentials,
  nonce: string,
  say: Say,
): Promise<void> {
  const scram = createScramClient({ mechanism, user, password, nonce });
  const serverFirst = await say(scram.first());
  scram.verify(await say(scram.final(serverFirst)));
}
