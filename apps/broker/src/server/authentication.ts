/**
 * Whether a connection has proved who it is: SASL SCRAM-SHA-256 on the internal listener, nothing on the client one.
 * One per connection; driven by the handlers of SaslHandshake and SaslAuthenticate, asked by the dispatch.
 *
 *     required --handshake--> chosen --first message--> challenged --final message--> done
 *        any step out of order, a wrong proof or another mechanism --> failed (answered, then closed)
 *
 * Invariant: until it is done, only ApiVersions and the two SASL APIs pass; once failed, nothing does.
 */
import {
  ApiVersions,
  ERROR,
  SaslAuthenticate,
  SaslHandshake,
  SCRAM_MECHANISM,
  type ScramServer,
} from '@meridian/protocol';

export interface Authentication {
  readonly isDone: boolean;
  readonly hasFailed: boolean;
  allows(apiKey: number): boolean;
  /** The error code for the answer to SaslHandshake. */
  handshake(mechanism: string): number;
  authenticate(message: Buffer): { errorCode: number; errorMessage: string | null; authBytes: Buffer };
}

const NOTHING = Buffer.alloc(0);
const illegal = { errorCode: ERROR.ILLEGAL_SASL_STATE, errorMessage: 'SASL is not expected here.', authBytes: NOTHING };

/** The client listener's: open, and SASL is answered as Apache Kafka does on a plaintext listener. */
export const OPEN: Authentication = {
  isDone: true,
  hasFailed: false,
  allows: () => true,
  handshake: () => ERROR.ILLEGAL_SASL_STATE,
  authenticate: () => illegal,
};

export function createScramAuthentication(createServer: () => ScramServer): Authentication {
  return new ScramAuthentication(createServer);
}

class ScramAuthentication implements Authentication {
  readonly #createServer: () => ScramServer;
  #server: ScramServer | undefined;
  #isChallenged = false;
  isDone = false;
  hasFailed = false;

  constructor(createServer: () => ScramServer) {
    this.#createServer = createServer;
  }

  allows(apiKey: number): boolean {
    if (this.hasFailed) return false;
    if (this.isDone) return true;
    return apiKey === ApiVersions.key || apiKey === SaslHandshake.key || apiKey === SaslAuthenticate.key;
  }

  handshake(mechanism: string): number {
    if (this.isDone || this.#server !== undefined) {
      this.hasFailed = true;
      return ERROR.ILLEGAL_SASL_STATE;
    }
    if (mechanism !== SCRAM_MECHANISM) {
      this.hasFailed = true;
      return ERROR.UNSUPPORTED_SASL_MECHANISM;
    }
    this.#server = this.#createServer();
    return ERROR.NONE;
  }

  authenticate(message: Buffer): { errorCode: number; errorMessage: string | null; authBytes: Buffer } {
    const server = this.#server;
    if (server === undefined || this.isDone) {
      this.hasFailed = true;
      return illegal;
    }
    try {
      const authBytes = this.#isChallenged ? server.final(message) : server.first(message);
      this.isDone = this.#isChallenged;
      this.#isChallenged = true;
      return { errorCode: ERROR.NONE, errorMessage: null, authBytes };
    } catch {
      // The reason is kept to ourselves: it would tell a stranger which part was right.
      this.hasFailed = true;
      const errorMessage = 'Authentication failed: check the internal secret.';
      return { errorCode: ERROR.SASL_AUTHENTICATION_FAILED, errorMessage, authBytes: NOTHING };
    }
  }
}
