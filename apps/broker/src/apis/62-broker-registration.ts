/**
 * BrokerRegistration: a broker that starts tells who and where it is, and gets its epoch. The answer has a code alone, so
 * why it is refused stands in the log, here and at the broker. The active controller's own broker registers without it.
 */
import { BrokerRegistration, ERROR, errorName } from '@meridian/protocol';
import type { Handler, HandlerReach } from './handler.ts';
import { orWhenInactive } from './when-inactive.ts';

/** Of a refusal's text in the log: it repeats what was sent. */
const WHY_CHARS = 300;

export function createBrokerRegistrationHandler({
  submit,
  facts,
  isActive,
}: Pick<HandlerReach, 'submit' | 'facts' | 'isActive'>): Handler<typeof BrokerRegistration> {
  return {
    api: BrokerRegistration,
    async handle(request, { source }) {
      const { brokerId, clusterId, incarnationId, listeners, features, rack, logDirs, previousBrokerEpoch } = request;
      if (request.isMigratingZkBroker || brokerId < 0) return { errorCode: ERROR.INVALID_REGISTRATION };
      if (isActive() && brokerId === facts.nodeId) {
        source.refused(`broker ${brokerId} may not register`, { why: 'This node, the active controller, has its id.' });
        return { errorCode: ERROR.DUPLICATE_BROKER_REGISTRATION };
      }
      const asked = submit({
        kind: 'registerBroker',
        brokerId,
        clusterId,
        incarnationId,
        endpoints: listeners,
        rack,
        directories: logDirs,
        features,
        previousBrokerEpoch,
      });
      const inactive = { errorCode: ERROR.NOT_CONTROLLER, errorMessage: null, brokerEpoch: -1 };
      const { errorCode, errorMessage, brokerEpoch } = await orWhenInactive(asked, inactive);
      if (errorCode === ERROR.NONE) source.identify(brokerId);
      else if (errorMessage !== null) {
        source.refused(`broker ${brokerId} may not register`, {
          error: errorName(errorCode),
          why: errorMessage.slice(0, WHY_CHARS),
        });
      }
      return { errorCode, brokerEpoch };
    },
  };
}
