/**
 * InitProducerId: a new producer id with epoch 0 for an idempotent producer. Transactional ids are refused with the one
 * error that every client takes as final, until there is a transaction coordinator.
 */
import { ClientError } from '@meridian/client';
import { ERROR, InitProducerId } from '@meridian/protocol';
import { BrokerError } from '../errors.ts';
import type { Handler, HandlerReach } from './handler.ts';

const RETRIED: ReadonlySet<string> = new Set(['not-controller', 'no-controller', 'controller-overloaded']);

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
      try {
        return { errorCode: ERROR.NONE, producerId: await nextProducerId(), producerEpoch: 0 };
      } catch (error) {
        // The client asks again: there is no controller at present.
        const isForNow = error instanceof ClientError || (error instanceof BrokerError && RETRIED.has(error.code));
        if (isForNow) return refuse(ERROR.COORDINATOR_LOAD_IN_PROGRESS);
        throw error;
      }
    },
  };
}

function refuse(errorCode: number): { errorCode: number; producerId: number; producerEpoch: number } {
  return { errorCode, producerId: -1, producerEpoch: -1 };
}
