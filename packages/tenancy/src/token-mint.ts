/**
 * Makes keys and tokens: for `meridian token`, the local platform and tests. A company's own identity provider takes
 * its place in production. Loaded by the command line, never by the gateway's request path.
 */
import { generateKeyPairSync } from 'node:crypto';
import type { JWK } from 'jose';
import { SignJWT } from 'jose/jwt/sign';
import { importJWK } from 'jose/key/import';

export interface TokenClaims {
  tenant: string;
  subject: string;
  /** `cities:read,write`, `orders.*:read` … */
  allow: readonly string[];
  issuer?: string;
  audience?: string;
  issuedAtMs: number;
  expiresAtMs: number;
  tokenId?: string;
}

/** A new ES256 key pair; the public half goes into the JWKS file as one of `{"keys":[…]}`. */
export function newSigningKey(keyId: string): { privateJwk: JWK; publicJwk: JWK } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const named = { kid: keyId, alg: 'ES256', use: 'sig' };
  return {
    privateJwk: { ...(privateKey.export({ format: 'jwk' }) as JWK), ...named },
    publicJwk: { ...(publicKey.export({ format: 'jwk' }) as JWK), ...named },
  };
}

/** Signs with the key's own `alg`. */
export async function mintToken(privateJwk: JWK, claims: TokenClaims): Promise<string> {
  const alg = privateJwk.alg ?? 'ES256';
  const jwt = new SignJWT({ tenant: claims.tenant, allow: [...claims.allow] })
    .setProtectedHeader({ alg, typ: 'JWT', ...(privateJwk.kid === undefined ? {} : { kid: privateJwk.kid }) })
    .setIssuer(claims.issuer ?? 'meridian')
    .setAudience(claims.audience ?? 'meridian')
    .setSubject(claims.subject)
    .setIssuedAt(Math.floor(claims.issuedAtMs / 1000))
    .setExpirationTime(Math.floor(claims.expiresAtMs / 1000));
  if (claims.tokenId !== undefined) jwt.setJti(claims.tokenId);
  return jwt.sign(await importJWK(privateJwk, alg));
}
