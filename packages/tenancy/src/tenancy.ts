/** Who may do what to which name: names, tokens, permissions, cursors and sessions. */
export { type CursorPosition, type CursorScope, decodeCursor, encodeCursor } from './cursor.ts';
export { TENANCY_ERRORS, TenancyError, type TenancyErrorCode } from './errors.ts';
export { type KeyRing, keyRingText, parseKeyRing } from './key-ring.ts';
export { checkGroup, checkRegion, checkTenant, checkTopic, copyTopic, physicalGroup, physicalTopic } from './names.ts';
export { type Action, isAllowed, type Permission, parsePermissions } from './permissions.ts';
export { decodeSession, encodeSession, type ProducerSession, type SessionBearer } from './session-token.ts';
export { createTokenVerifier, type Principal, type TokenVerifier, type VerifierOptions } from './token.ts';
export { mintToken, newSigningKey, type TokenClaims } from './token-mint.ts';
