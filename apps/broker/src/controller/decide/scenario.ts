/**
 * For tests of decisions: an image with brokers, a context whose uuids count up and whose chance is always 0, and records
 * as lines that can be read aloud. Commands run as on the controller: decided, encoded, decoded, applied.
 */
import { completeMetadataRecord, type MetadataRecordInput } from '@meridian/protocol';
import { applyBatch } from '../apply.ts';
import type { Command, NewTopic, ResultOf } from '../commands.ts';
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
  for (const brokerId of brokerIds) made.run(registration(brokerId));
  return made;
}

export function registration(
  brokerId: number,
  directories = [uuidNumber(800 + brokerId)],
): Extract<Command, { kind: 'registerBroker' }> {
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

function asLine(record: MetadataRecordInput): string {
  switch (record.type) {
    case 'TopicRecord':
      return `topic ${record.name}`;
    case 'PartitionRecord':
      return `partition ${record.partitionId} on ${record.replicas.join(',')} led by ${record.leader} isr ${record.isr.join(',')}`;
    case 'PartitionChangeRecord':
      return `partition ${record.partitionId} led anew by ${record.leader}`;
    case 'ConfigRecord':
      return `config ${record.resourceName} ${record.name}=${record.value}`;
    case 'RemoveTopicRecord':
      return `remove ${record.topicId}`;
    case 'RegisterBrokerRecord':
      return `broker ${record.brokerId} epoch ${record.brokerEpoch}`;
    case 'ProducerIdsRecord':
      return `producer ids below ${record.nextProducerId}`;
    default:
      return record.type;
  }
}
