/**
 * Everything of a simulated Apache Kafka that outlives its process: topics with their partitions, transactions, groups.
 * A kill keeps all of it. Tests and fault schedules hold it, and do to the logs what time and bad luck do.
 * Invariant: what was acknowledged is in here; only `cut` takes it away.
 */
import type { SimGroup } from './sim-group.ts';
import { SimPartition } from './sim-partition.ts';
import type { SimTransaction } from './txn-coordinator.ts';

export interface SimTopic {
  readonly name: string;
  readonly id: string;
  readonly partitions: SimPartition[];
  readonly configs: Map<string, string>;
}

export class SimKafkaDisk {
  readonly topics = new Map<string, SimTopic>();
  readonly transactions = new Map<string, SimTransaction>();
  readonly groups = new Map<string, SimGroup>();
  nextProducerId = 0;
  /** How often a process has begun on it. */
  boots = 0;

  topicById(id: string): SimTopic | undefined {
    return [...this.topics.values()].find((topic) => topic.id === id);
  }

  partition(topic: string, partition: number): SimPartition | undefined {
    return this.topics.get(topic)?.partitions[partition];
  }

  addTopic(name: string, id: string, partitions: number, configs: ReadonlyMap<string, string>): SimTopic {
    const topic = { name, id, partitions: [], configs: new Map(configs) };
    this.topics.set(name, topic);
    this.addPartitions(topic, partitions);
    return topic;
  }

  addPartitions(topic: SimTopic, count: number): void {
    while (topic.partitions.length < count) topic.partitions.push(new SimPartition());
  }

  /** What retention and DeleteRecords do. */
  deleteRecords(topic: string, partition: number, before: number): void {
    this.partition(topic, partition)?.deleteRecords(before);
  }

  /** What the cleaner does, where the topic's policy lets it. */
  compact(topic: string): void {
    const found = this.topics.get(topic);
    if (found?.configs.get('cleanup.policy')?.includes('compact'))
      for (const partition of found.partitions) partition.compact();
  }

  /** An unclean election: the log ends at `endOffset` and goes on in a new epoch. */
  cut(topic: string, partition: number, endOffset: number): void {
    this.partition(topic, partition)?.cut(endOffset);
  }

  /** Producers that have been idle for `producer.id.expiration.ms` are forgotten. */
  forgetProducers(topic: string): void {
    for (const partition of this.topics.get(topic)?.partitions ?? []) partition.producers.forget();
  }
}
