/**
 * Decides that a broker is forgotten, as an operator asked (UnregisterBroker).
 * Invariant: what only it has stays its own. If it registers again, it may lead that.
 */
import { ERROR } from '@meridian/protocol';
import type { Refusable, UnregisterBroker } from '../commands.ts';
import type { MetadataImage } from '../image.ts';
import { leaveInSync } from './broker-changes.ts';
import type { DecideContext, Decision } from './decision.ts';
import { PartitionChanger } from './partition-changer.ts';

export function decideUnregisterBroker(
  image: MetadataImage,
  { brokerId }: UnregisterBroker,
  context: DecideContext,
): Decision<Refusable> {
  const broker = image.brokers.get(brokerId);
  if (broker === undefined) {
    const errorMessage = `Broker ID ${brokerId} is not currently registered`;
    return { records: [], result: { errorCode: ERROR.BROKER_ID_NOT_REGISTERED, errorMessage } };
  }
  const changer = new PartitionChanger(image, context, { broker: { id: brokerId, isActive: false, directories: [] } });
  const left = leaveInSync(image, changer, brokerId);
  return {
    records: [...left, { type: 'UnregisterBrokerRecord', brokerId, brokerEpoch: broker.epoch }],
    result: { errorCode: ERROR.NONE, errorMessage: null },
  };
}
