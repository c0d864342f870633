/**
 * The table of what this broker hosts, by topic: the partitions that are open, and those whose log could not be opened.
 * Filled by `hosted-partitions.ts`, which follows the image; everybody else sees it as a `PartitionTable`.
 * Invariant: a topic is found under its name and its id alike, or under neither.
 */
import { ERROR } from '@meridian/protocol';
import type { MetadataImage, Topic } from '../controller/image.ts';
import type { Partition } from './partition.ts';
import type { PartitionTable } from './partition-table.ts';

export interface HostedTopic {
  readonly name: string;
  readonly id: string;
  /** By partition number; undefined where this broker is no replica, or where the log could not be opened. */
  readonly partitions: (Partition | undefined)[];
  /** Partition numbers whose log could not be opened. */
  readonly offline: Set<number>;
}

export class HostedTopics implements PartitionTable {
  readonly #image: MetadataImage;
  readonly #byName = new Map<string, HostedTopic>();
  readonly #byId = new Map<string, HostedTopic>();

  constructor(image: MetadataImage) {
    this.#image = image;
  }

  byName(topic: string, partition: number): Partition | undefined {
    return this.#byName.get(topic)?.partitions[partition];
  }

  byId(topicId: string, partition: number): Partition | undefined {
    return this.#byId.get(topicId)?.partitions[partition];
  }

  *all(): Iterable<Partition> {
    for (const { partitions } of this.#byId.values()) {
      for (const partition of partitions) if (partition !== undefined) yield partition;
    }
  }

  errorByName(topic: string, partition: number): number {
    const known = this.#image.topicsByName.get(topic);
    return known === undefined ? ERROR.UNKNOWN_TOPIC_OR_PARTITION : this.#errorOf(known, partition);
  }

  errorById(topicId: string, partition: number): number {
    const known = this.#image.topicsById.get(topicId);
    return known === undefined ? ERROR.UNKNOWN_TOPIC_ID : this.#errorOf(known, partition);
  }

  topic(name: string): HostedTopic | undefined {
    return this.#byName.get(name);
  }

  names(): Iterable<string> {
    return this.#byName.keys();
  }

  /** The topic's entry, made if it is new. */
  entryOf({ id, name }: Topic): HostedTopic {
    let hosted = this.#byId.get(id);
    if (hosted === undefined) {
      hosted = { name, id, partitions: [], offline: new Set() };
      this.#byId.set(id, hosted);
      this.#byName.set(name, hosted);
    }
    return hosted;
  }

  /** Another topic may have its name by now. */
  take(topicId: string): HostedTopic | undefined {
    const hosted = this.#byId.get(topicId);
    if (hosted === undefined) return undefined;
    this.#byId.delete(topicId);
    if (this.#byName.get(hosted.name) === hosted) this.#byName.delete(hosted.name);
    return hosted;
  }

  #errorOf(topic: Topic, partition: number): number {
    if (this.#byId.get(topic.id)?.offline.has(partition)) return ERROR.KAFKA_STORAGE_ERROR;
    const exists = topic.partitions[partition] !== undefined;
    return exists ? ERROR.NOT_LEADER_OR_FOLLOWER : ERROR.UNKNOWN_TOPIC_OR_PARTITION;
  }
}
