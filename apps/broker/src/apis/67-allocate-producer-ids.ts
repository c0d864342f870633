/**
 * AllocateProducerIds: a broker asks for its next block of producer ids. Its epoch must be that of its registration, so
 * that none is given to a process that is not there any more.
 */
import { AllocateProducerIds, ERROR } from '@meridian/protocol';
import { BrokerError } from '../errors.ts';
import type { Handler, HandlerReach } from './handler.ts';

export function createAllocateProducerIdsHandler({
  submit,
}: Pick<HandlerReach, 'submit'>): Handler<typeof AllocateProducerIds> {
  return {
    api: AllocateProducerIds,
    async handle({ brokerId, brokerEpoch }) {
      try {
        const block = await submit({ kind: 'allocateProducerIds', brokerId, brokerEpoch });
        return { errorCode: block.errorCode, producerIdStart: block.first, producerIdLen: block.count };
      } catch (error) {
        if (!(error instanceof BrokerError) || error.code !== 'not-controller') throw error;
        return { errorCode: ERROR.NOT_CONTROLLER, producerIdStart: 0, producerIdLen: 0 };
      }
    },
  };
}
