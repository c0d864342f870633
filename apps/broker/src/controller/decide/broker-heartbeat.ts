/**
 * Decides what a broker's heartbeat asks for (Apache Kafka's states of a broker):
 *
 *   fenced ──caught up──▶ active ──wants to stop, leads──▶ shutting down ──all others know──▶ may stop (fenced)
 *     ▲                    │  └── wants to stop, leads nothing ────────────────────────────────▲
 *     └──── wants that ────┘        fenced, wants to stop ─────────────────────────────────────┘
 *
 * Invariant: a broker that is told to stop leads nothing that another could lead, and who could lead it has heard of that.
 */
import { ERROR, type MetadataRecordInput } from '@meridian/protocol';
import type { BrokerHeartbeat, HeartbeatAnswer } from '../commands.ts';
import type { BrokerInfo, MetadataImage } from '../image.ts';
import { findLeaders, leadsAny, leaveInSync, loseDirectories } from './broker-changes.ts';
import { type DecideContext, type Decision, Refusal } from './decision.ts';
import { PartitionChanger } from './partition-changer.ts';
import { askingBroker } from './registrations.ts';

type State = 'fenced' | 'active' | 'shutting down' | 'may stop';

export function decideBrokerHeartbeat(
  image: MetadataImage,
  command: BrokerHeartbeat,
  context: DecideContext,
): Decision<HeartbeatAnswer> {
  const broker = askingBroker(image, command.brokerId, command.brokerEpoch);
  if (broker instanceof Refusal) {
    const { errorCode } = broker;
    return { records: [], result: { errorCode, isCaughtUp: false, isFenced: true, shouldShutDown: false } };
  }
  const now = stateOf(broker);
  const next = nextState(image, broker, command, context);
  const isFenced = next === 'fenced' || next === 'may stop';
  const result = {
    errorCode: ERROR.NONE,
    isCaughtUp: isCaughtUp(broker, command),
    isFenced,
    shouldShutDown: next === 'may stop',
  };
  const online = broker.directories.filter((id) => !command.offlineLogDirs.includes(id));
  const records = stopsAlone(image, broker, command, context)
    ? []
    : transition(image, broker, [now, next], online, context);
  return { records, result };
}

function stateOf({ fenced, inControlledShutdown }: BrokerInfo): State {
  if (fenced) return 'fenced';
  return inControlledShutdown ? 'shutting down' : 'active';
}

/** As in Apache Kafka, it need only have come as far as to its own registration. */
function isCaughtUp({ epoch }: BrokerInfo, { currentMetadataOffset }: BrokerHeartbeat): boolean {
  return currentMetadataOffset >= epoch;
}

function nextState(image: MetadataImage, broker: BrokerInfo, asked: BrokerHeartbeat, context: DecideContext): State {
  const now = stateOf(broker);
  if (now === 'fenced') {
    if (asked.wantShutDown) return 'may stop';
    // A process that was on its way out is not let in again.
    const mayCome = !asked.wantFence && !broker.inControlledShutdown && isCaughtUp(broker, asked);
    return mayCome ? 'active' : 'fenced';
  }
  if (now === 'shutting down') {
    const isDone = !leadsAny(image, broker.id) && othersKnow(image, broker, context);
    return isDone ? 'may stop' : 'shutting down';
  }
  if (asked.wantShutDown) {
    const mayStop = asked.wantFence || stopsAlone(image, broker, asked, context) || !leadsAny(image, broker.id);
    return mayStop ? 'may stop' : 'shutting down';
  }
  return asked.wantFence ? 'fenced' : 'active';
}

/**
 * The active controller's own broker where no other could lead: its stop is the end of both, and what it leads it leads
 * again when it is back. Nothing is written, neither now nor, for it, then.
 */
function stopsAlone(
  image: MetadataImage,
  broker: BrokerInfo,
  { wantShutDown }: BrokerHeartbeat,
  { nodeId }: DecideContext,
): boolean {
  return (
    wantShutDown && broker.id === nodeId && stateOf(broker) === 'active' && activeBesides(image, broker.id).length === 0
  );
}

function activeBesides(image: MetadataImage, brokerId: number): BrokerInfo[] {
  return [...image.brokers.values()].filter((each) => each.id !== brokerId && stateOf(each) === 'active');
}

/** Whether all active brokers have applied that this one leads nothing any more. */
function othersKnow(image: MetadataImage, broker: BrokerInfo, { sessions }: DecideContext): boolean {
  const told = sessions?.shutdownOffset(broker.id, broker.epoch);
  if (sessions === undefined || told === undefined) return false;
  return activeBesides(image, broker.id).every(({ id, epoch }) => sessions.metadataOffset(id, epoch) >= told);
}

function transition(
  image: MetadataImage,
  broker: BrokerInfo,
  [now, next]: readonly [State, State],
  online: readonly string[],
  context: DecideContext,
): MetadataRecordInput[] {
  const { id: brokerId, epoch: brokerEpoch, directories } = broker;
  // A broker of which the last dir has failed ends by itself; no dirs would read as "never told".
  const hasLost = online.length > 0 && online.length < directories.length;
  const logDirs = hasLost ? online : directories;
  const changer = new PartitionChanger(image, context, {
    broker: {
      id: brokerId,
      isActive: next === 'active',
      directories: logDirs,
    },
  });
  const change = {
    type: 'BrokerRegistrationChangeRecord' as const,
    brokerId,
    brokerEpoch,
    ...(hasLost && { logDirs }),
  };
  if (now === next || (now === 'fenced' && next === 'may stop')) {
    return hasLost ? [change, ...loseDirectories(image, changer, broker, logDirs)] : [];
  }
  if (next === 'active') return [{ ...change, fenced: UNFENCE }, ...findLeaders(image, changer)];
  const left = leaveInSync(image, changer, brokerId);
  return [next === 'shutting down' ? { ...change, inControlledShutdown: 1 } : { ...change, fenced: FENCE }, ...left];
}

/** Kafka's numbers in a registration's change. */
const UNFENCE = -1;
const FENCE = 1;
