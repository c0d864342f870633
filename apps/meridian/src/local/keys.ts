/**
 * The secrets of a local platform, made once per data folder: the key that signs tokens and its public half for the
 * gateways, the ring that signs cursors, and the secret of the internal listeners.
 * Invariant: what is there is never made anew; cursors and tokens outlive a restart.
 */
import type { Io } from '@meridian/io';
import { keyRingText, newSigningKey } from '@meridian/tenancy';
import { CliError } from '../errors.ts';
import { checkIsFolder } from './data-folder.ts';

const SECRET_BYTES = 32;

export interface KeyFiles {
  /** The private key, as a JWK. */
  signingKey: string;
  /** The public half, as a JWKS. */
  jwks: string;
  cursorKeys: string;
  internalSecret: string;
}

export function keyFiles(dataFolder: string): KeyFiles {
  const file = (name: string): string => `${dataFolder}/keys/${name}`;
  return {
    signingKey: file('signing-key.json'),
    jwks: file('jwks.json'),
    cursorKeys: file('cursor-keys.json'),
    internalSecret: file('internal-secret'),
  };
}

export function makeKeys(io: Pick<Io, 'disk' | 'random'>, dataFolder: string): KeyFiles {
  const files = keyFiles(dataFolder);
  io.disk.makeFolder(`${dataFolder}/keys`);
  const write = (path: string, text: string): void => io.disk.replaceFile(path, Buffer.from(text));
  if (!io.disk.exists(files.signingKey)) {
    const { privateJwk, publicJwk } = newSigningKey(`local-${io.random.bytes(4).toString('hex')}`);
    write(files.jwks, `${JSON.stringify({ keys: [publicJwk] })}\n`);
    write(files.signingKey, `${JSON.stringify(privateJwk)}\n`); // last: it says that both are there
  }
  if (!io.disk.exists(files.cursorKeys)) write(files.cursorKeys, keyRingText(io.random.bytes(SECRET_BYTES)));
  if (!io.disk.exists(files.internalSecret)) write(files.internalSecret, io.random.bytes(SECRET_BYTES).toString('hex'));
  return files;
}

/** The key that signs tokens, as a JWK; a `CliError` when no platform was ever started on the folder. */
export function readSigningKey(io: Pick<Io, 'disk'>, dataFolder: string): Record<string, unknown> {
  checkIsFolder(io, dataFolder);
  const { signingKey } = keyFiles(dataFolder);
  if (!io.disk.exists(signingKey)) throw new CliError('no-keys', `There are no keys in ${dataFolder}.`);
  return JSON.parse(io.disk.readFile(signingKey).toString('utf8')) as Record<string, unknown>;
}
