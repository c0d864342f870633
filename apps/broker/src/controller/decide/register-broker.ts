/**
 * Decides a broker's registration, which every start of its process asks for under a new incarnation.
 * Invariant: what the broker leads gets a new leader epoch. Its logs may have lost an unsynced tail, so an offset at the
 * old epoch may from now on mean another record; the epoch tells the two apart.
 */
import { ERROR, type MetadataRecordInput, ZERO_UUID } from '@meridian/protocol';
import type { RegisterBroker, RegisteredBroker } from '../commands.ts';
import { directoryOn, isOnlineIn } from '../directories.ts';
import { SUPPORTED_FEATURES } from '../features.ts';
import type { MetadataImage, PartitionInfo } from '../image.ts';
import type { Decision } from './decision.ts';

export function decideRegisterBroker(image: MetadataImage, command: RegisterBroker): Decision<RegisteredBroker> {
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
  return {
    records: [registration, ...changes(image, command)],
    result: { errorCode: ERROR.NONE, errorMessage: null, brokerEpoch },
  };
}

const NO_LEADER = -1;

/** Of what the broker holds: new epochs, no leader where the log dir is not online, and the dirs that were found. */
function changes(image: MetadataImage, { brokerId, directories, found = [] }: RegisterBroker): MetadataRecordInput[] {
  const foundIn = new Map(found.map(({ topicId, index, directory }) => [`${topicId}-${index}`, directory]));
  return [...image.topicsById.values()].flatMap((topic) =>
    topic.partitions.flatMap((partition) => {
      if (!partition.replicas.includes(brokerId)) return [];
      const moved = foundIn.get(`${topic.id}-${partition.index}`);
      const isOnline = moved !== undefined || isOnlineIn(directoryOn(brokerId, partition), directories);
      const change = {
        ...(isOnline ? ledBy(brokerId, partition) : abandonedBy(brokerId, partition)),
        ...(moved !== undefined && { directories: withDirectory(brokerId, partition, moved) }),
      };
      if (Object.keys(change).length === 0) return [];
      const partitionId = partition.index;
      return { type: 'PartitionChangeRecord' as const, partitionId, topicId: topic.id, ...change };
    }),
  );
}

/** The change that makes it leader anew, or, if it leads nothing here and must not, none. */
function ledBy(brokerId: number, { leader, isr, eligibleLeaderReplicas, lastKnownElr }: PartitionInfo) {
  if (leader !== brokerId && leader !== NO_LEADER) return {};
  const change = { leader: brokerId };
  if (leader === brokerId || isr.includes(brokerId)) return change;
  // Apache Kafka takes the last replica out of the in-sync set, too, when its broker stops, and remembers it here.
  const isEligible = eligibleLeaderReplicas.includes(brokerId);
  const isLastKnown = eligibleLeaderReplicas.length === 0 && isr.length === 0 && lastKnownElr[0] === brokerId;
  if (!isEligible && !isLastKnown) return {};
  const stillEligible = eligibleLeaderReplicas.filter((id) => id !== brokerId);
  return { ...change, isr: [...isr, brokerId], eligibleLeaderReplicas: stillEligible, lastKnownElr: [] };
}

function abandonedBy(brokerId: number, { leader }: PartitionInfo) {
  return leader === brokerId ? { leader: NO_LEADER } : {};
}

function withDirectory(brokerId: number, { replicas, directories }: PartitionInfo, directory: string): string[] {
  return replicas.map((id, index) => (id === brokerId ? directory : (directories[index] ?? ZERO_UUID)));
}
