/**
 * Decides what follows when log dirs of a broker have failed: the registration names those that are left, and what lay in
 * the others is neither led nor in sync. Asked for by the broker itself, besides its heartbeats.
 * Invariant: who has all that is committed is not forgotten, so the broker leads again when the dir comes back with a
 * later start.
 */
import type { FailDirectories } from '../commands.ts';
import type { MetadataImage } from '../image.ts';
import { loseDirectories } from './broker-changes.ts';
import type { DecideContext, Decision } from './decision.ts';
import { PartitionChanger } from './partition-changer.ts';

export function decideFailDirectories(
  image: MetadataImage,
  { brokerId, online }: FailDirectories,
  context: DecideContext,
): Decision<Record<string, never>> {
  const broker = image.brokers.get(brokerId);
  if (broker === undefined || online.length === 0) return { records: [], result: {} };
  const isActive = !broker.fenced && !broker.inControlledShutdown;
  const changer = new PartitionChanger(image, context, { broker: { id: brokerId, isActive, directories: online } });
  const change = {
    type: 'BrokerRegistrationChangeRecord' as const,
    brokerId,
    brokerEpoch: broker.epoch,
    logDirs: online,
  };
  return { records: [change, ...loseDirectories(image, changer, broker, online)], result: {} };
}
