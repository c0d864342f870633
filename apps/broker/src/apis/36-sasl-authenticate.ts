/** SaslAuthenticate: carries the mechanism's messages. A failure is answered, then the connection ends. */
import { SaslAuthenticate } from '@meridian/protocol';
import type { Handler } from './handler.ts';

export function createSaslAuthenticateHandler(): Handler<typeof SaslAuthenticate> {
  return {
    api: SaslAuthenticate,
    handle: (request, { source }) => ({
      ...source.authentication.authenticate(request.authBytes),
      sessionLifetimeMs: 0,
    }),
  };
}
