/**
 * What a change of min.insync.replicas means where eligible leader replicas are kept (KIP-966). Used by the decision that
 * alters configs.
 * Invariant: a replica is eligible only while the in-sync set is too small to commit anything without it. Apache Kafka
 * forgets all of them instead; those of a partition that nobody leads are then known to nobody.
 */
import { ERROR } from '@meridian/protocol';
import { configDefaults } from '../configs/effective.ts';
import { TOPIC_CONFIG, TOPIC_CONFIGS } from '../configs/topic-configs.ts';
import type { ConfigResource, MetadataImage } from '../image.ts';
import { changesWhere } from './broker-changes.ts';
import { configSources, type DecideContext, Refusal } from './decision.ts';
import type { PartitionChange } from './partition-change.ts';
import { hasEligibleLeaderReplicas, PartitionChanger } from './partition-changer.ts';

interface Changed {
  readonly resource: ConfigResource;
  readonly name: string;
  /** What is going to be set or cleared. */
  readonly next: ReadonlyMap<string, string | null>;
}

const NAME = TOPIC_CONFIG.minInsyncReplicas;

/** All brokers have to agree on it. */
export function checkMinIsr(image: MetadataImage, { resource, name, next }: Changed): void {
  if (resource !== 'broker' || !next.has(NAME) || !hasEligibleLeaderReplicas(image)) return;
  if (name !== '') {
    const why = `Broker-level ${NAME} cannot be altered while ELR is enabled.`;
    throw new Refusal(ERROR.INVALID_CONFIG, why);
  }
  if (next.get(NAME) !== null) return;
  throw new Refusal(ERROR.INVALID_CONFIG, `Cluster-level ${NAME} cannot be removed while ELR is enabled.`);
}

/** Partitions that may commit by the new value are changed: nobody outside of their in-sync sets is eligible any more. */
export function minIsrChanges(image: MetadataImage, context: DecideContext, changed: Changed): PartitionChange[] {
  const { resource, name, next } = changed;
  const value = next.get(NAME);
  if (value === undefined || !hasEligibleLeaderReplicas(image)) return [];
  if (resource !== 'topic' && resource !== 'broker') return [];
  const [inherited] = configDefaults(configSources(image, context), TOPIC_CONFIGS.get(NAME)!);
  const changer = new PartitionChanger(image, context, { minIsr: Number(value ?? inherited!.value) });
  const isConcerned = (topic: string): boolean =>
    resource === 'topic' ? topic === name : !image.configOf('topic', topic).has(NAME);
  return changesWhere(image, (partition, topic) =>
    partition.eligibleLeaderReplicas.length > 0 && isConcerned(topic.name)
      ? changer.change(topic, partition)
      : undefined,
  );
}
