/**
 * Decides what follows when log dirs of a broker have failed: the registration names those that are left, and what the
 * broker led in the others has no leader. Asked for by the broker itself.
 * Invariant: the in-sync set stays, so the broker leads again when the dir comes back with a later start.
 */
import type { MetadataRecordInput } from '@meridian/protocol';
import type { FailDirectories } from '../commands.ts';
import { directoryOn, isOnlineIn } from '../directories.ts';
import type { MetadataImage } from '../image.ts';
import type { Decision } from './decision.ts';

const NO_LEADER = -1;

export function decideFailDirectories(
  image: MetadataImage,
  { brokerId, online }: FailDirectories,
): Decision<Record<string, never>> {
  const broker = image.brokers.get(brokerId);
  if (broker === undefined || online.length === 0) return { records: [], result: {} };
  const change: MetadataRecordInput = {
    type: 'BrokerRegistrationChangeRecord',
    brokerId,
    brokerEpoch: broker.epoch,
    logDirs: online,
  };
  const led = [...image.topicsById.values()].flatMap((topic) =>
    topic.partitions
      .filter((each) => each.leader === brokerId && !isOnlineIn(directoryOn(brokerId, each), online))
      .map(({ index }) => ({
        type: 'PartitionChangeRecord' as const,
        partitionId: index,
        topicId: topic.id,
        leader: NO_LEADER,
      })),
  );
  return { records: [change, ...led], result: {} };
}
