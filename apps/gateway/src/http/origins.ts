/**
 * Which web pages may talk to the gateway. Browsers send `Origin`; other clients do not and are not concerned, as
 * nobody is let in without a token.
 * Invariant: origins are compared as whole texts, so `https://good.com.evil.io` and `null` are strangers.
 */
export function isOriginAllowed(origin: string | undefined, allowed: readonly string[]): boolean {
  return origin === undefined || allowed.includes('*') || allowed.includes(origin);
}
