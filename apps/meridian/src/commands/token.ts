/**
 * `meridian token`: a token signed with the local platform's key, printed alone, so that `$(…)` takes it.
 */
import type { Io } from '@meridian/io';
import { checkTenant, mintToken, parsePermissions } from '@meridian/tenancy';
import { readSigningKey } from '../local/keys.ts';
import { findPlatform, type PlatformOptions } from '../platform.ts';
import type { Terminal } from '../terminal.ts';

export interface TokenOptions extends PlatformOptions {
  tenant: string;
  subject: string;
  allow: string[];
  lifeMs: number;
  json?: boolean;
}

export async function printToken(io: Io, terminal: Terminal, options: TokenOptions): Promise<void> {
  const { tenant, subject, allow, lifeMs } = options;
  const regions = findPlatform(io, options).regions.map(({ name }) => name);
  checkTenant(tenant, regions);
  parsePermissions(allow);
  const token = await signToken(io, options.data, { tenant, subject, allow, lifeMs });
  terminal.data(options.json ? JSON.stringify({ token, tenant, subject, allow }) : token);
}

export function signToken(
  io: Pick<Io, 'clock' | 'disk' | 'random'>,
  dataFolder: string,
  who: { tenant: string; subject: string; allow: readonly string[]; lifeMs: number },
): Promise<string> {
  const issuedAtMs = io.clock.now();
  return mintToken(readSigningKey(io, dataFolder), {
    tenant: who.tenant,
    subject: who.subject,
    allow: who.allow,
    issuedAtMs,
    expiresAtMs: issuedAtMs + who.lifeMs,
    tokenId: io.random.bytes(12).toString('base64url'),
  });
}
