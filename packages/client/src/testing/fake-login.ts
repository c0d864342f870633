/**
 * The login of one connection to the fake broker: PLAIN or SCRAM, one user. For tests.
 * Invariant: whoever says anything else is refused as Apache Kafka does.
 */
import type { Random } from '@meridian/io';
import {
  createScramServer,
  ERROR,
  type ResponseInput,
  type SaslAuthenticate,
  type SaslHandshake,
  type ScramServer,
  scramCredential,
} from '@meridian/protocol';
import type { SaslCredentials } from '../security.ts';

const SALT_BYTES = 16;
const NONCE_BYTES = 18;

export class FakeLogin {
  private readonly credentials: SaslCredentials;
  private readonly scram: ScramServer | undefined;

  constructor(random: Random, credentials: SaslCredentials) {
    const { mechanism, username, password } = credentials;
    this.credentials = credentials;
    if (mechanism === 'PLAIN') return;
    const stored = scramCredential(password, random.bytes(SALT_BYTES), undefined, mechanism);
    const lookup = (user: string) => (user === username ? stored : undefined);
    this.scram = createScramServer({ mechanism, lookup, nonce: random.bytes(NONCE_BYTES).toString('base64') });
  }

  handshake({ mechanism }: { mechanism: string }): ResponseInput<typeof SaslHandshake> {
    const isOurs = mechanism === this.credentials.mechanism;
    return {
      errorCode: isOurs ? ERROR.NONE : ERROR.UNSUPPORTED_SASL_MECHANISM,
      mechanisms: [this.credentials.mechanism],
    };
  }

  authenticate({ authBytes }: { authBytes: Buffer }): ResponseInput<typeof SaslAuthenticate> {
    const { username, password } = this.credentials;
    const text = authBytes.toString();
    try {
      if (this.scram !== undefined) {
        const next = text.startsWith('c=') ? this.scram.final(authBytes) : this.scram.first(authBytes);
        return { errorCode: ERROR.NONE, authBytes: next };
      }
      if (text === `\0${username}\0${password}`) return { errorCode: ERROR.NONE, authBytes: Buffer.alloc(0) };
    } catch {
      // as below
    }
    return { errorCode: ERROR.SASL_AUTHENTICATION_FAILED, authBytes: Buffer.alloc(0) };
  }
}
