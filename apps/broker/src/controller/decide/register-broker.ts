/**
 * Decides a broker's registration, which every start of its process asks for under a new incarnation.
 * Invariant: what the broker leads gets a new leader epoch. Its logs may have lost an unsynced tail, so an offset at the
 * old epoch may from now on mean another record; the epoch tells the two apart.
 */
import type { MetadataRecordInput } from '@meridian/protocol';
import type { RegisterBroker } from '../commands.ts';
import { SUPPORTED_FEATURES } from '../features.ts';
import type { MetadataImage, PartitionInfo } from '../image.ts';
import type { Decision } from './decision.ts';

export function decideRegisterBroker(
  image: MetadataImage,
  command: RegisterBroker,
): Decision<{ readonly brokerEpoch: number }> {
  const { brokerId, incarnationId, endpoints, rack, directories } = command;
  // As in KRaft: the epoch is the offset that the registration record is going to have.
  const brokerEpoch = image.endOffset;
  const registration: MetadataRecordInput = {
    type: 'RegisterBrokerRecord',
    brokerId,
    incarnationId,
    brokerEpoch,
    endPoints: endpoints,
    features: [...SUPPORTED_FEATURES].map(([name, { min, max }]) => ({
      name,
      minSupportedVersion: min,
      maxSupportedVersion: max,
    })),
    rack,
    fenced: false,
    logDirs: directories,
  };
  return { records: [registration, ...newEpochs(image, brokerId)], result: { brokerEpoch } };
}

const NO_LEADER = -1;

/** For what the broker leads, and for what has no leader and may have this one. */
function newEpochs(image: MetadataImage, brokerId: number): MetadataRecordInput[] {
  return [...image.topicsById.values()].flatMap((topic) =>
    topic.partitions.flatMap((partition) => {
      const led = ledBy(brokerId, partition);
      return led === undefined ? [] : { type: 'PartitionChangeRecord' as const, topicId: topic.id, ...led };
    }),
  );
}

/** The change that makes it leader anew; undefined where it must not be. */
function ledBy(brokerId: number, { index, leader, isr, eligibleLeaderReplicas, lastKnownElr }: PartitionInfo) {
  if (leader !== brokerId && leader !== NO_LEADER) return undefined;
  const change = { partitionId: index, leader: brokerId };
  if (leader === brokerId || isr.includes(brokerId)) return change;
  // Apache Kafka takes the last replica out of the in-sync set, too, when its broker stops, and remembers it here.
  const isEligible = eligibleLeaderReplicas.includes(brokerId);
  const isLastKnown = eligibleLeaderReplicas.length === 0 && isr.length === 0 && lastKnownElr[0] === brokerId;
  if (!isEligible && !isLastKnown) return undefined;
  const stillEligible = eligibleLeaderReplicas.filter((id) => id !== brokerId);
  return { ...change, isr: [...isr, brokerId], eligibleLeaderReplicas: stillEligible, lastKnownElr: [] };
}
