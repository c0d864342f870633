/**
 * Decides that a broker is not counted on any more, because nothing has been heard of it: it leaves all in-sync sets, and
 * others lead. Asked for by the active controller (`duties/`). Always safe: a broker that does live asks to be let in again.
 */
import type { FenceBroker } from '../commands.ts';
import type { MetadataImage } from '../image.ts';
import { leaveInSync } from './broker-changes.ts';
import type { DecideContext, Decision } from './decision.ts';
import { PartitionChanger } from './partition-changer.ts';

export function decideFenceBroker(
  image: MetadataImage,
  { brokerId, brokerEpoch }: FenceBroker,
  context: DecideContext,
): Decision<{ readonly fenced: boolean }> {
  const broker = image.brokers.get(brokerId);
  if (broker === undefined || broker.epoch !== brokerEpoch || broker.fenced) {
    return { records: [], result: { fenced: false } };
  }
  const toBe = { id: brokerId, isActive: false, directories: broker.directories };
  const change = { type: 'BrokerRegistrationChangeRecord' as const, brokerId, brokerEpoch, fenced: 1 };
  const left = leaveInSync(image, new PartitionChanger(image, context, { broker: toBe }), brokerId);
  return { records: [change, ...left], result: { fenced: true } };
}
