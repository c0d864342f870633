/** SaslHandshake: the client chooses a mechanism. What that means stands in `server/authentication.ts`. */
import { SaslHandshake, SCRAM_MECHANISM } from '@meridian/protocol';
import type { Handler } from './handler.ts';

export function createSaslHandshakeHandler(): Handler<typeof SaslHandshake> {
  return {
    api: SaslHandshake,
    handle(request, { source }) {
      const { listener, authentication } = source;
      const mechanisms = listener === 'internal' ? [SCRAM_MECHANISM] : [];
      return { errorCode: authentication.handshake(request.mechanism), mechanisms };
    },
  };
}
