/**
 * For tests of decisions: an image with brokers, a context whose uuids count up and whose chance is always 0, and records
 * as lines that can be read aloud. Commands run as on the controller: decided, encoded, decoded, applied.
 */
import { completeMetadataRecord, type MetadataRecordInput } from '@meridian/protocol';
import { applyBatch } from '../apply.ts';
import type { BrokerHeartbeat, Command, NewTopic, RegisterBroker, ResultOf } from '../commands.ts';
import { MutableImage } from '../mutable-image.ts';
import { decide } from './decide.ts';
import type { DecideContext } from './decision.ts';

/** The nth uuid of the scenario's context. */
export function uuidNumber(n: number): string {
  return `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
}

export interface Scenario {
  readonly image: MutableImage;
  readonly context: DecideContext;
  /** Decides and applies; the answer. */
  run<C extends Command>(command: C): ResultOf<C>;
  /** What the last `run` wrote, a line a record. */
  written: string[];
}

/** A scenario with registered brokers; `context` replaces parts of the default one. */
export function scenario(brokerIds: readonly number[] = [1], context: Partial<DecideContext> = {}): Scenario {
  const image = new MutableImage('cluster');
  let uuids = 0;
  const full: DecideContext = {
    regionId: 1,
    regions: ['us-east', 'eu-west'],
    nodeId: 1,
    defaultPartitions: 3,
    defaultReplicationFactor: 1,
    staticConfigs: new Map(),
    newUuid: () => uuidNumber(++uuids),
    random: () => 0,
    ...context,
  };
  const made: Scenario = {
    image,
    context: full,
    written: [],
    run<C extends Command>(command: C): ResultOf<C> {
      const { records, result } = decide(image, command, full);
      applyBatch(image, records.map(completeMetadataRecord), image.endOffset + records.length);
      made.written = records.map(asLine);
      return result as ResultOf<C>;
    },
  };
  for (const brokerId of brokerIds) start(made, brokerId);
  return made;
}

/** A broker registers, and is let in by its first heartbeat where it is not at once. */
export function start(at: Scenario, brokerId: number, rest: Partial<RegisterBroker> = {}): void {
  at.run({ ...registration(brokerId), ...rest });
  if (at.image.brokers.get(brokerId)?.fenced === true) at.run(heartbeat(at, brokerId));
}

/** Of a broker that has applied all there is. */
export function heartbeat(at: Scenario, brokerId: number, rest: Partial<BrokerHeartbeat> = {}): BrokerHeartbeat {
  return {
    kind: 'brokerHeartbeat',
    brokerId,
    brokerEpoch: at.image.brokers.get(brokerId)?.epoch ?? -1,
    currentMetadataOffset: at.image.endOffset - 1,
    wantFence: false,
    wantShutDown: false,
    offlineLogDirs: [],
    ...rest,
  };
}

export function fence(at: Scenario, brokerId: number): void {
  at.run({ kind: 'fenceBroker', brokerId, brokerEpoch: at.image.brokers.get(brokerId)!.epoch });
}

/** A partition as one line: who leads under which epoch, who is in sync, who else matters. */
export function partitionLine(at: Scenario, topic: string, index = 0): string {
  const each = at.image.topicsByName.get(topic)!.partitions[index]!;
  const lists: [string, readonly number[]][] = [
    ['isr', each.isr],
    ['elr', each.eligibleLeaderReplicas],
    ['last known', each.lastKnownElr],
    ['adding', each.addingReplicas],
    ['removing', each.removingReplicas],
  ];
  const told = lists.flatMap(([name, ids]) => (ids.length > 0 || name === 'isr' ? [` ${name} [${ids}]`] : []));
  const recovering = each.leaderRecoveryState === 1 ? ' recovering' : '';
  return `[${each.replicas}] led by ${each.leader} epoch ${each.leaderEpoch}${told.join('')}${recovering}`;
}

export function registration(brokerId: number, directories = [uuidNumber(800 + brokerId)]): RegisterBroker {
  const endpoint = { host: `broker-${brokerId}`, securityProtocol: 0 };
  return {
    kind: 'registerBroker',
    brokerId,
    incarnationId: uuidNumber(900 + brokerId),
    endpoints: [
      { name: 'CLIENT', port: 9092, ...endpoint },
      { name: 'INTERNAL', port: 9093, ...endpoint },
    ],
    rack: null,
    directories,
  };
}

/** A topic as kafka-topics asks for one; what isn't given is left to the broker. */
export function newTopic(name: string, rest: Partial<NewTopic> = {}): NewTopic {
  return { name, numPartitions: -1, replicationFactor: -1, assignments: [], configs: [], ...rest };
}

export function createTopics(
  topics: readonly NewTopic[],
  rest: { requester?: 'client' | 'internal'; validateOnly?: boolean } = {},
): Extract<Command, { kind: 'createTopics' }> {
  return { kind: 'createTopics', requester: 'client', validateOnly: false, topics, ...rest };
}

function changesOf(record: Extract<MetadataRecordInput, { type: 'PartitionChangeRecord' }>): string {
  const leader = record.leader === undefined ? '' : ` led anew by ${record.leader}`;
  const lists = [
    ['isr', record.isr],
    ['elr', record.eligibleLeaderReplicas],
    ['last known', record.lastKnownElr],
    ['replicas', record.replicas],
    ['adding', record.addingReplicas],
    ['removing', record.removingReplicas],
    ['in', record.directories],
  ] as const;
  const told = lists.flatMap(([name, values]) => (values == null ? [] : [` ${name} [${values}]`]));
  return `${leader}${told.join('')}${record.leaderRecoveryState === 1 ? ' recovering' : ''}`;
}

function asLine(record: MetadataRecordInput): string {
  switch (record.type) {
    case 'TopicRecord':
      return `topic ${record.name}`;
    case 'PartitionRecord':
      return `partition ${record.partitionId} on ${record.replicas.join(',')} led by ${record.leader} isr ${record.isr.join(',')}`;
    case 'PartitionChangeRecord':
      return `partition ${record.partitionId}${changesOf(record)}`;
    case 'ConfigRecord':
      return `config ${record.resourceName} ${record.name}=${record.value}`;
    case 'RemoveTopicRecord':
      return `remove ${record.topicId}`;
    case 'RegisterBrokerRecord':
      return `broker ${record.brokerId} epoch ${record.brokerEpoch}`;
    case 'BrokerRegistrationChangeRecord': {
      const fenced = { '-1': ' unfenced', '0': '', '1': ' fenced' }[String(record.fenced ?? 0)];
      return `broker ${record.brokerId}${fenced}${record.inControlledShutdown === 1 ? ' shutting down' : ''}`;
    }
    case 'ProducerIdsRecord':
      return `producer ids below ${record.nextProducerId}`;
    default:
      return record.type;
  }
}
