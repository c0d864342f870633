/**
 * Decides the next block of producer ids. Invariant: every id is `regionId × 2^40 + n`, so no two regions hand out the
 * same one, and no id is in two blocks.
 */
import { ERROR } from '@meridian/protocol';
import type { AllocateProducerIds, ProducerIdBlock } from '../commands.ts';
import type { MetadataImage } from '../image.ts';
import { CONTROLLER_LIMITS } from '../limits.ts';
import type { DecideContext, Decision } from './decision.ts';

const IDS_PER_REGION = 2 ** 40;

export function decideAllocateProducerIds(
  image: MetadataImage,
  { brokerId, brokerEpoch }: AllocateProducerIds,
  { regionId }: DecideContext,
): Decision<ProducerIdBlock> {
  const broker = image.brokers.get(brokerId);
  if (broker === undefined) return none(ERROR.BROKER_ID_NOT_REGISTERED);
  if (brokerEpoch !== undefined && brokerEpoch !== broker.epoch) return none(ERROR.STALE_BROKER_EPOCH);
  const regionFirst = regionId * IDS_PER_REGION;
  const first = Math.max(image.nextProducerId, regionFirst);
  const next = first + CONTROLLER_LIMITS.producerIdsPerBlock;
  if (next > regionFirst + IDS_PER_REGION) return none(ERROR.UNKNOWN_SERVER_ERROR);
  return {
    records: [{ type: 'ProducerIdsRecord', brokerId, brokerEpoch: broker.epoch, nextProducerId: next }],
    result: { errorCode: ERROR.NONE, first, count: CONTROLLER_LIMITS.producerIdsPerBlock },
  };
}

function none(errorCode: number): Decision<ProducerIdBlock> {
  return { records: [], result: { errorCode, first: -1, count: 0 } };
}
