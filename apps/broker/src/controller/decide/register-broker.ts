/**
 * Decides a broker's registration, which every start of its process asks for under a new incarnation.
 * Invariant: what the broker leads gets a new leader epoch. Its logs may have lost an unsynced tail, so an offset at the
 * old epoch may from now on mean another record; the epoch tells the two apart.
 */
import type { MetadataRecordInput } from '@meridian/protocol';
import type { RegisterBroker } from '../commands.ts';
import { SUPPORTED_FEATURES } from '../features.ts';
import type { MetadataImage } from '../image.ts';
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
    topic.partitions
      .filter(({ leader, isr }) => leader === brokerId || (leader === NO_LEADER && isr.includes(brokerId)))
      .map(({ index }) => ({
        type: 'PartitionChangeRecord' as const,
        partitionId: index,
        topicId: topic.id,
        leader: brokerId,
      })),
  );
}
