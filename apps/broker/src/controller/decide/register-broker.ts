/**
 * Decides a broker's registration, which every start of its process asks for under a new incarnation.
 * Invariants: what the broker led gets a new leader epoch. Its logs may have lost an unsynced tail, so an offset at the
 * old epoch may from now on mean another record; the epoch tells the two apart. It is fenced until it has caught up; only
 * the active controller's own broker, if there is no other, has all metadata already and starts at once.
 */
import { ERROR, type MetadataRecordInput } from '@meridian/protocol';
import type { RegisterBroker, RegisteredBroker } from '../commands.ts';
import { isAssigned } from '../directories.ts';
import { SUPPORTED_FEATURES } from '../features.ts';
import type { BrokerInfo, MetadataImage, SupportedFeature } from '../image.ts';
import { startAlone, startFenced } from './broker-changes.ts';
import { type DecideContext, type Decision, orRefusal, Refusal } from './decision.ts';
import { PartitionChanger } from './partition-changer.ts';
import { endpointsText } from './registrations.ts';

export function decideRegisterBroker(
  image: MetadataImage,
  command: RegisterBroker,
  context: DecideContext,
): Decision<RegisteredBroker> {
  const why = orRefusal(() => check(image, command, context));
  if (why instanceof Refusal) {
    return { records: [], result: { errorCode: why.errorCode, errorMessage: why.message, brokerEpoch: -1 } };
  }
  const existing = image.brokers.get(command.brokerId);
  if (existing?.incarnationId === command.incarnationId) return amended(existing, command);
  // As in KRaft: the epoch is the offset that the registration record is going to have.
  const brokerEpoch = image.endOffset;
  const isAlone = command.brokerId === context.nodeId && [...image.brokers.keys()].every((id) => id === context.nodeId);
  const { brokerId, directories, found = [] } = command;
  const start = {
    brokerId,
    isClean: existing !== undefined && command.previousBrokerEpoch === existing.epoch,
    directories,
    newDirectories: directories.filter((id) => existing?.directories.includes(id) !== true),
    found: new Map(found.map(({ topicId, index, directory }) => [`${topicId}-${index}`, directory])),
  };
  const changer = new PartitionChanger(image, context, { broker: { id: brokerId, isActive: isAlone, directories } });
  const changes = isAlone ? startAlone(image, changer, start) : startFenced(image, changer, start);
  return {
    records: [registration(command, brokerEpoch, !isAlone), ...changes],
    result: { errorCode: ERROR.NONE, errorMessage: null, brokerEpoch },
  };
}

function registration(
  { brokerId, incarnationId, endpoints, rack, directories, features = OUR_FEATURES }: RegisterBroker,
  brokerEpoch: number,
  fenced: boolean,
): MetadataRecordInput {
  return {
    type: 'RegisterBrokerRecord',
    brokerId,
    incarnationId,
    brokerEpoch,
    endPoints: endpoints,
    features,
    rack,
    fenced,
    logDirs: directories,
  };
}

const OUR_FEATURES: readonly SupportedFeature[] = [...SUPPORTED_FEATURES].map(([name, { min, max }]) => ({
  name,
  minSupportedVersion: min,
  maxSupportedVersion: max,
}));

/** The same process once more: its answer was lost, or it is somewhere else now. */
function amended(existing: BrokerInfo, command: RegisterBroker): Decision<RegisteredBroker> {
  const result = { errorCode: ERROR.NONE, errorMessage: null, brokerEpoch: existing.epoch };
  const { endpoints, rack } = command;
  const isSame = rack === existing.rack && endpointsText(endpoints) === endpointsText(existing.endpoints);
  if (isSame) return { records: [], result };
  const { fenced, inControlledShutdown, directories: logDirs } = existing;
  const record = { ...registration(command, existing.epoch, fenced), inControlledShutdown, logDirs };
  return { records: [record as MetadataRecordInput], result };
}

function check(image: MetadataImage, command: RegisterBroker, context: DecideContext): void {
  const { clusterId, features } = command;
  if (clusterId !== undefined && clusterId !== image.clusterId) {
    const why = `Expected cluster ID ${image.clusterId}, but got cluster ID ${clusterId}`;
    throw new Refusal(ERROR.INCONSISTENT_CLUSTER_ID, why);
  }
  checkIncarnation(image, command, context);
  checkDirectories(image, command);
  if (features !== undefined) checkFeatures(image, features);
}

/** Another process under the same id is refused while the first one lives, unless it is evidently the first one's heir. */
function checkIncarnation(image: MetadataImage, command: RegisterBroker, { sessions, nodeId }: DecideContext): void {
  const { brokerId, incarnationId } = command;
  const existing = image.brokers.get(brokerId);
  if (existing === undefined || existing.incarnationId === incarnationId || existing.fenced) return;
  if (brokerId === nodeId || isSamePlace(existing, command) || sessions?.isLive(brokerId, existing.epoch) !== true)
    return;
  throw new Refusal(ERROR.DUPLICATE_BROKER_REGISTRATION, 'Another broker is registered with that broker id.');
}

/** Whoever has its log dirs and listens on its addresses can do so only because the one before does not any more. */
function isSamePlace(existing: BrokerInfo, { directories, endpoints }: RegisterBroker): boolean {
  const hasSameDisk = directories.some((id) => existing.directories.includes(id));
  return hasSameDisk && endpointsText(endpoints) === endpointsText(existing.endpoints);
}

function checkDirectories(image: MetadataImage, { brokerId, directories }: RegisterBroker): void {
  const refuse = (why: string): never => {
    throw new Refusal(ERROR.INVALID_REGISTRATION, why);
  };
  if (directories.length === 0) refuse('No directories specified in request');
  if (!directories.every(isAssigned)) refuse('Reserved directory ID in request');
  if (new Set(directories).size < directories.length) refuse('Duplicate directory ID in request');
  for (const other of image.brokers.values()) {
    const taken = other.id === brokerId ? undefined : directories.find((id) => other.directories.includes(id));
    if (taken === undefined) continue;
    refuse(
      `Broker ${other.id} is already registered with directory ${taken}: the disk is a copy of that broker's, or its own ` +
        `under another id. Start it with an empty data folder, or unregister broker ${other.id} if it is gone for good.`,
    );
  }
}

/**
 * Every level that the cluster is finalized at must be one that the broker knows. One that it does not name it knows at 0,
 * but for features that change nothing in the records (which each node checks when it reads them).
 */
function checkFeatures(image: MetadataImage, features: readonly SupportedFeature[]): void {
  for (const [name, level] of image.features) {
    const named = features.find((each) => each.name === name) ?? (SUPPORTED_FEATURES.has(name) ? UNKNOWN : undefined);
    if (level === 0 || named === undefined) continue;
    const { minSupportedVersion: min, maxSupportedVersion: max } = named;
    if (level >= min && level <= max) continue;
    const wants = `The broker wants a version between ${min} and ${max}, inclusive.`;
    const why = `Unable to register because the broker does not support finalized version ${level} of ${name}. ${wants}`;
    throw new Refusal(ERROR.UNSUPPORTED_VERSION, why);
  }
}

const UNKNOWN = { minSupportedVersion: 0, maxSupportedVersion: 0 };
