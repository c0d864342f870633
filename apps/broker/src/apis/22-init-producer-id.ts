/**
 * InitProducerId: a new producer id with epoch 0 for an idempotent producer. Transactional ids are refused with the one
 * error that every client takes as final, until there is a transaction coordinator.
 */
import { ERROR, InitProducerId } from '@meridian/protocol';
import type { Handler, HandlerReach } from './handler.ts';

/** Of a producer id or epoch. */
const NONE = -1;

export function createInitProducerIdHandler({
  nextProducerId,
}: Pick<HandlerReach, 'nextProducerId'>): Handler<typeof InitProducerId> {
  return {
    api: InitProducerId,
    async handle({ transactionalId, producerId, producerEpoch }) {
      // Half of what a producer was is nothing. All of it is not looked at without a transactional id: as in Apache Kafka,
      // such a producer is given a new id, and raises its epoch by itself.
      const isHalf = (producerId === NONE) !== (producerEpoch === NONE);
      if (transactionalId === '' || isHalf) return refuse(ERROR.INVALID_REQUEST);
      if (transactionalId !== null) return refuse(ERROR.TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
      return { errorCode: ERROR.NONE, producerId: await nextProducerId(), producerEpoch: 0 };
    },
  };
}

function refuse(errorCode: number): { errorCode: number; producerId: number; producerEpoch: number } {
  return { errorCode, producerId: -1, producerEpoch: -1 };
}
