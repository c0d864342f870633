/**
 * BrokerHeartbeat: a broker tells that it lives, how far it has applied the metadata, and what it wants; it hears whether
 * it is fenced and whether it may stop.
 */
import { BrokerHeartbeat, ERROR } from '@meridian/protocol';
import type { Handler, HandlerReach } from './handler.ts';
import { orWhenInactive } from './when-inactive.ts';

export function createBrokerHeartbeatHandler({
  submit,
}: Pick<HandlerReach, 'submit'>): Handler<typeof BrokerHeartbeat> {
  return {
    api: BrokerHeartbeat,
    async handle(request, { source }) {
      const { brokerId, brokerEpoch, currentMetadataOffset, wantFence, wantShutDown, offlineLogDirs } = request;
      const beat = { brokerId, brokerEpoch, currentMetadataOffset, wantFence, wantShutDown, offlineLogDirs };
      const asked = submit({ kind: 'brokerHeartbeat', ...beat });
      const answer = await orWhenInactive(asked, NOT_CONTROLLER);
      if (answer.errorCode === ERROR.NONE) source.identify(brokerId);
      return answer;
    },
  };
}

const NOT_CONTROLLER = {
  errorCode: ERROR.NOT_CONTROLLER,
  isCaughtUp: false,
  isFenced: true,
  shouldShutDown: false,
};
