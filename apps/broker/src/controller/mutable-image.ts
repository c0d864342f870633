/**
 * The image as `apply.ts` writes it: maps that are changed in place, holding values that are replaced. An active
 * controller keeps two: one that runs ahead with what has been decided, and the one everybody reads, with what is
 * committed.
 */
import type { MetadataRecordInput } from '@meridian/protocol';
import { CONFIG_RESOURCES } from './configs/resource-types.ts';
import type { BrokerInfo, ConfigResource, ControllerInfo, MetadataImage, PartitionInfo, Topic } from './image.ts';
import { SecurityFacts } from './security-facts.ts';
import { collisionKey } from './topic-name.ts';

const NO_CONFIGS: ReadonlyMap<string, string> = new Map();

type Configs = Record<ConfigResource, Map<string, Map<string, string>>>;

export class MutableImage implements MetadataImage {
  readonly clusterId: string;
  /** Known from the quorum, not from records: no snapshot has it. */
  controllerId = -1;
  brokers = new Map<number, BrokerInfo>();
  controllers = new Map<number, ControllerInfo>();
  topicsByName = new Map<string, Topic>();
  topicsById = new Map<string, Topic>();
  namesByCollisionKey = new Map<string, Set<string>>();
  features = new Map<string, number>();
  nextProducerId = -1;
  endOffset = 0;
  security = new SecurityFacts();
  #configs: Configs = { topic: new Map(), broker: new Map(), 'client-metrics': new Map(), group: new Map() };
  /** Partition lists that the batch being applied has copied already, by topic id: nobody else has seen them. */
  readonly #unsealed = new Map<string, PartitionInfo[]>();

  constructor(clusterId: string) {
    this.clusterId = clusterId;
  }

  /** An image of its own with the same contents, for a sealed image. */
  copy(): MutableImage {
    const copy = new MutableImage(this.clusterId);
    copy.controllerId = this.controllerId;
    copy.nextProducerId = this.nextProducerId;
    copy.endOffset = this.endOffset;
    copy.brokers = new Map(this.brokers);
    copy.controllers = new Map(this.controllers);
    copy.security = this.security.copy();
    for (const topic of this.topicsById.values()) copy.putTopic(topic);
    copy.features = new Map(this.features);
    for (const resource of CONFIG_RESOURCES.values()) copy.#configs[resource] = new Map(this.#configs[resource]);
    return copy;
  }

  /** Takes over all that the other's records said; that one is used no more. */
  become(other: MutableImage): void {
    this.nextProducerId = other.nextProducerId;
    this.endOffset = other.endOffset;
    this.brokers = other.brokers;
    this.controllers = other.controllers;
    this.security = other.security;
    this.topicsByName = other.topicsByName;
    this.topicsById = other.topicsById;
    this.namesByCollisionKey = other.namesByCollisionKey;
    this.features = other.features;
    this.#configs = other.#configs;
  }

  configOf(resource: ConfigResource, name: string): ReadonlyMap<string, string> {
    return this.#configs[resource].get(name) ?? NO_CONFIGS;
  }

  configuredNames(resource: ConfigResource): Iterable<string> {
    return this.#configs[resource].keys();
  }

  securityRecords(): Iterable<MetadataRecordInput> {
    return this.security.records();
  }

  setConfig(resource: ConfigResource, name: string, key: string, value: string | null): void {
    const before = this.#configs[resource].get(name);
    const after = new Map(before);
    if (value === null) after.delete(key);
    else after.set(key, value);
    if (after.size === 0) this.#configs[resource].delete(name);
    else this.#configs[resource].set(name, after);
  }

  putTopic(topic: Topic): void {
    this.topicsByName.set(topic.name, topic);
    this.topicsById.set(topic.id, topic);
    const key = collisionKey(topic.name);
    if (key === undefined) return;
    const names = this.namesByCollisionKey.get(key);
    if (names) names.add(topic.name);
    else this.namesByCollisionKey.set(key, new Set([topic.name]));
  }

  /** Adds or replaces one partition. The topic and its list are copied once per batch, not once per partition. */
  putPartition(topic: Topic, partition: PartitionInfo): void {
    const open = this.#unsealed.get(topic.id);
    if (open !== undefined) {
      open[partition.index] = partition;
      return;
    }
    const partitions = [...topic.partitions];
    partitions[partition.index] = partition;
    this.#unsealed.set(topic.id, partitions);
    const next: Topic = { name: topic.name, id: topic.id, partitions };
    this.topicsByName.set(topic.name, next);
    this.topicsById.set(topic.id, next);
  }

  /** Ends a batch: from here on the values in the image are never changed again. */
  seal(): void {
    this.#unsealed.clear();
  }

  removeTopic(topic: Topic): void {
    this.topicsByName.delete(topic.name);
    this.topicsById.delete(topic.id);
    this.#configs.topic.delete(topic.name);
    this.#unsealed.delete(topic.id);
    const key = collisionKey(topic.name);
    const names = key === undefined ? undefined : this.namesByCollisionKey.get(key);
    names?.delete(topic.name);
    if (key !== undefined && names?.size === 0) this.namesByCollisionKey.delete(key);
  }
}
