/**
 * BrokerRegistration: a broker that starts tells who and where it is, and gets its epoch. The answer has a code alone, so
 * why it is refused stands in the log, here and at the broker.
 */
import { BrokerRegistration, ERROR, errorName } from '@meridian/protocol';
import type { Handler, HandlerReach } from './handler.ts';
import { orWhenInactive } from './when-inactive.ts';

export function createBrokerRegistrationHandler({
  submit,
}: Pick<HandlerReach, 'submit'>): Handler<typeof BrokerRegistration> {
  return {
    api: BrokerRegistration,
    async handle(request, { source }) {
      const { brokerId, clusterId, incarnationId, listeners, features, rack, logDirs, previousBrokerEpoch } = request;
      if (request.isMigratingZkBroker || brokerId < 0) return { errorCode: ERROR.INVALID_REGISTRATION };
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
        source.refused(`broker ${brokerId} may not register`, { error: errorName(errorCode), why: errorMessage });
      }
      return { errorCode, brokerEpoch };
    },
  };
}
