/**
 * InitProducerId: a new producer id with epoch 0 for an idempotent producer. Transactional ids are refused with the one
 * error that every client takes as final, until there is a transaction coordinator.
 */
import { ERROR, InitProducerId } from '@meridian/protocol';
import type { Handler, HandlerReach } from './handler.ts';

export function createInitProducerIdHandler({
  nextProducerId,
}: Pick<HandlerReach, 'nextProducerId'>): Handler<typeof InitProducerId> {
  return {
    api: InitProducerId,
    async handle({ transactionalId }) {
      if (transactionalId === '') return refuse(ERROR.INVALID_REQUEST);
      if (transactionalId !== null) return refuse(ERROR.TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
      return { errorCode: ERROR.NONE, producerId: await nextProducerId(), producerEpoch: 0 };
    },
  };
}

function refuse(errorCode: number): { errorCode: number; producerId: number; producerEpoch: number } {
  return { errorCode, producerId: -1, producerEpoch: -1 };
}
