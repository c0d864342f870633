/**
 * SCRAM-SHA-256 and -512 (RFC 5802, RFC 7677), both sides as pure machines: they take a message and return the next one.
 * Used by the internal listener (SHA-256) and by our client; nonces and salts are handed in. Any failure is a ProtocolError `scram-*`, after
 * which the machine takes nothing more. Secrets are compared in constant time, and iteration counts are bounded both ways.
 *
 *   client  first() ──▶ server  first()        n,,n=user,r=nonce
 *   client  final() ◀── server                 r=nonce+nonce,s=salt,i=rounds
 *   client  final() ──▶ server  final()        c=biws,r=…,p=proof
 *   client  verify() ◀── server                v=signature
 */
import { createHash, createHmac, pbkdf2Sync, timingSafeEqual } from 'node:crypto';
import { ProtocolError, type ProtocolErrorCode } from './errors.ts';
import { MAX_SCRAM_ITERATIONS, MAX_SCRAM_MESSAGE_BYTES, MIN_SCRAM_ITERATIONS } from './limits.ts';

/** Of the internal listener. */
export const SCRAM_MECHANISM = 'SCRAM-SHA-256';

export type ScramMechanism = 'SCRAM-SHA-256' | 'SCRAM-SHA-512';

type Hash = 'sha256' | 'sha512';
const HASHES: Readonly<Record<ScramMechanism, Hash>> = { 'SCRAM-SHA-256': 'sha256', 'SCRAM-SHA-512': 'sha512' };

/** What a server keeps instead of a password. */
export interface ScramCredential {
  readonly salt: Buffer;
  readonly iterations: number;
  readonly storedKey: Buffer;
  readonly serverKey: Buffer;
}

export interface ScramClient {
  first(): Buffer;
  final(serverFirst: Buffer): Buffer;
  /** Returns if the server has proved that it knows the credential, too. */
  verify(serverFinal: Buffer): void;
}

export interface ScramServer {
  first(clientFirst: Buffer): Buffer;
  /** Checks the proof; the returned message ends the exchange, and `user` is who it was. */
  final(clientFinal: Buffer): Buffer;
  /** The authenticated user; undefined until `final` has returned. */
  readonly user: string | undefined;
}

const KEY_BYTES: Readonly<Record<Hash, number>> = { sha256: 32, sha512: 64 };
const GS2_HEADER = /^([ny]),(?:a=([^,]*))?,/;
const CLIENT_FIRST = /^n=([^,]+),r=([\x21-\x2b\x2d-\x7e]+)(?:,.*)?$/;
const SERVER_FIRST = /^r=([\x21-\x2b\x2d-\x7e]+),s=([^,]+),i=([1-9][0-9]{0,8})(?:,.*)?$/;
const CLIENT_FINAL = /^(c=([^,]+),r=([\x21-\x2b\x2d-\x7e]+)(?:,.*)?),p=([^,]+)$/;
const SERVER_FINAL = /^v=([^,]+)(?:,.*)?$/;

export function scramCredential(
  password: string,
  salt: Buffer,
  iterations = MIN_SCRAM_ITERATIONS,
  mechanism: ScramMechanism = SCRAM_MECHANISM,
): ScramCredential {
  const { storedKey, serverKey } = deriveKeys(HASHES[mechanism], password, salt, iterations);
  return { salt, iterations, storedKey, serverKey };
}

export function createScramClient(options: {
  readonly user: string;
  readonly password: string;
  /** Default SCRAM-SHA-256. */
  readonly mechanism?: ScramMechanism;
  /** At least 18 random bytes as text without comma (base64). */
  readonly nonce: string;
}): ScramClient {
  return new Client(HASHES[options.mechanism ?? SCRAM_MECHANISM], options.user, options.password, options.nonce);
}

export function createScramServer(options: {
  readonly lookup: (user: string) => ScramCredential | undefined;
  /** Default SCRAM-SHA-256. */
  readonly mechanism?: ScramMechanism;
  /** At least 18 random bytes as text without comma (base64). */
  readonly nonce: string;
}): ScramServer {
  return new Server(HASHES[options.mechanism ?? SCRAM_MECHANISM], options.lookup, options.nonce);
}

type Stage = 'start' | 'challenged' | 'finished' | 'failed';

/** Takes each message in its turn, once; a failure is final. */
class Turns {
  private stage: Stage = 'start';

  take<T>(from: Stage, to: Stage, run: () => T): T {
    if (this.stage !== from) return fail('scram-order');
    this.stage = 'failed';
    const result = run();
    this.stage = to;
    return result;
  }
}

class Client implements ScramClient {
  private readonly turns = new Turns();
  private readonly hash: Hash;
  private readonly password: string;
  private readonly nonce: string;
  private readonly bare: string;
  private signature: Buffer = Buffer.alloc(0);

  constructor(hash: Hash, user: string, password: string, nonce: string) {
    this.hash = hash;
    this.password = password;
    this.nonce = nonce;
    this.bare = `n=${user.replaceAll('=', '=3D').replaceAll(',', '=2C')},r=${nonce}`;
  }

  first(): Buffer {
    return this.turns.take('start', 'challenged', () => Buffer.from(`n,,${this.bare}`));
  }

  final(serverFirst: Buffer): Buffer {
    // The stage stays `challenged`: only `verify` ends the exchange, and it wants a signature.
    return this.turns.take('challenged', 'challenged', () => {
      const text = textOf(serverFirst);
      const [, nonce, salt, rounds] = match<[string, string, string, string]>(SERVER_FIRST, text);
      if (this.signature.length > 0) fail('scram-order');
      if (!nonce.startsWith(this.nonce) || nonce.length === this.nonce.length) fail('scram-nonce');
      const keys = deriveKeys(this.hash, this.password, base64(salt), Number(rounds));
      const withoutProof = `c=biws,r=${nonce}`;
      const message = `${this.bare},${text},${withoutProof}`;
      this.signature = hmac(this.hash, keys.serverKey, message);
      const proof = xor(keys.clientKey, hmac(this.hash, keys.storedKey, message));
      return Buffer.from(`${withoutProof},p=${proof.toString('base64')}`);
    });
  }

  verify(serverFinal: Buffer): void {
    this.turns.take('challenged', 'finished', () => {
      if (this.signature.length === 0) fail('scram-order');
      const text = textOf(serverFinal);
      if (text.startsWith('e=')) fail('scram-authentication');
      if (!equal(base64(match<[string, string]>(SERVER_FINAL, text)[1]), this.signature)) fail('scram-authentication');
    });
  }
}

class Server implements ScramServer {
  user: string | undefined;
  private readonly turns = new Turns();
  private readonly hash: Hash;
  private readonly lookup: (user: string) => ScramCredential | undefined;
  private nonce: string;
  private claimed = '';
  private header = '';
  private firsts = '';
  private credential: ScramCredential | undefined;

  constructor(hash: Hash, lookup: (user: string) => ScramCredential | undefined, nonce: string) {
    this.hash = hash;
    this.lookup = lookup;
    this.nonce = nonce;
  }

  first(clientFirst: Buffer): Buffer {
    return this.turns.take('start', 'challenged', () => {
      const text = textOf(clientFirst);
      const [header, , authorizeAs] = match<[string, string, string | undefined]>(GS2_HEADER, text);
      const bare = text.slice(header.length);
      const [, name, nonce] = match<[string, string, string]>(CLIENT_FIRST, bare);
      this.claimed = unescapeName(name);
      if (authorizeAs !== undefined && unescapeName(authorizeAs) !== this.claimed) fail('scram-authentication');
      this.credential = this.lookup(this.claimed);
      if (this.credential === undefined) return fail('scram-authentication');
      this.header = header;
      this.nonce = nonce + this.nonce;
      const { salt, iterations } = this.credential;
      const answer = `r=${this.nonce},s=${salt.toString('base64')},i=${iterations}`;
      this.firsts = `${bare},${answer}`;
      return Buffer.from(answer);
    });
  }

  final(clientFinal: Buffer): Buffer {
    return this.turns.take('challenged', 'finished', () => {
      const { storedKey, serverKey } = this.credential!;
      const parts = match<[string, string, string, string, string]>(CLIENT_FINAL, textOf(clientFinal));
      const [, withoutProof, binding, nonce, proof] = parts;
      if (base64(binding).toString() !== this.header) fail('scram-malformed');
      if (nonce !== this.nonce) fail('scram-nonce');
      const message = `${this.firsts},${withoutProof}`;
      const proofBytes = base64(proof);
      if (proofBytes.length !== KEY_BYTES[this.hash]) fail('scram-authentication');
      const clientKey = xor(proofBytes, hmac(this.hash, storedKey, message));
      if (!equal(digest(this.hash, clientKey), storedKey)) fail('scram-authentication');
      this.user = this.claimed;
      return Buffer.from(`v=${hmac(this.hash, serverKey, message).toString('base64')}`);
    });
  }
}

function fail(code: ProtocolErrorCode): never {
  throw new ProtocolError(code, SCRAM_MECHANISM);
}

function textOf(message: Buffer): string {
  if (message.length > MAX_SCRAM_MESSAGE_BYTES) fail('scram-malformed');
  return message.toString('utf8');
}

/** The groups of a match; `T` says which the pattern has. */
function match<T>(pattern: RegExp, text: string): T {
  return (pattern.exec(text) ?? fail('scram-malformed')) as T;
}

function base64(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : fail('scram-malformed');
}

function unescapeName(name: string): string {
  if (/=(?!2C|3D)/.test(name)) fail('scram-malformed');
  return name.replaceAll('=2C', ',').replaceAll('=3D', '=');
}

function deriveKeys(hash: Hash, password: string, salt: Buffer, iterations: number) {
  if (iterations < MIN_SCRAM_ITERATIONS || iterations > MAX_SCRAM_ITERATIONS) fail('scram-iterations');
  const salted = pbkdf2Sync(password, salt, iterations, KEY_BYTES[hash], hash);
  const clientKey = hmac(hash, salted, 'Client Key');
  return { clientKey, storedKey: digest(hash, clientKey), serverKey: hmac(hash, salted, 'Server Key') };
}

function hmac(hash: Hash, key: Buffer, text: string): Buffer {
  return createHmac(hash, key).update(text).digest();
}

function digest(hash: Hash, bytes: Buffer): Buffer {
  return createHash(hash).update(bytes).digest();
}

function xor(a: Buffer, b: Buffer): Buffer {
  const result = Buffer.alloc(a.length);
  for (let i = 0; i < a.length; i++) result[i] = a[i]! ^ b[i]!;
  return result;
}

function equal(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
