/**
 * Changes of partitions as a decision makes them: the image and the configs give `partition-change.ts` the circumstances.
 * One changer per decision; a broker whose registration that decision changes is seen as it is going to be.
 * Invariant: a changer looks at the image as it was before the decision, so a partition is changed at most once by one.
 */
import { topicConfigNumber, topicConfigValue } from '../configs/effective.ts';
import { TOPIC_CONFIG } from '../configs/topic-configs.ts';
import { DirectoryChooser, directoryOn, isOnlineIn } from '../directories.ts';
import { ELR_FEATURE } from '../features.ts';
import type { MetadataImage, PartitionInfo, Topic } from '../image.ts';
import { configSources, type DecideContext } from './decision.ts';
import { type Election, type PartitionChange, partitionChange, type Targets } from './partition-change.ts';

/** A broker as the decision will leave it. */
export interface BrokerToBe {
  readonly id: number;
  /** Neither fenced nor shutting down. */
  readonly isActive: boolean;
  /** The log dirs that are online. */
  readonly directories: readonly string[];
}

/** Whether those that left the in-sync set with all that is committed are remembered (KIP-966). */
export function hasEligibleLeaderReplicas(image: MetadataImage): boolean {
  return (image.features.get(ELR_FEATURE) ?? 0) >= 1;
}

/** What the decision changes besides the partitions. */
interface ToBe {
  readonly broker?: BrokerToBe;
  /** Of all topics that are looked at. */
  readonly minIsr?: number;
}

export class PartitionChanger {
  readonly #image: MetadataImage;
  readonly #context: DecideContext;
  readonly #toBe: ToBe;
  readonly #hasElr: boolean;
  readonly #chooser: DirectoryChooser;
  /** Of the topic that was looked at last. */
  #topic = '';
  #minIsr = 1;
  #isUncleanAllowed = false;

  constructor(image: MetadataImage, context: DecideContext, toBe: ToBe = {}) {
    this.#image = image;
    this.#context = context;
    this.#toBe = toBe;
    this.#hasElr = hasEligibleLeaderReplicas(image);
    this.#chooser = new DirectoryChooser(image);
  }

  /** The record that brings the partition where it is asked to be, with a leader if there can be one; undefined: it is there. */
  change(topic: Topic, partition: PartitionInfo, targets: Targets = {}, asked?: Election): PartitionChange | undefined {
    this.#lookAt(topic.name);
    return partitionChange(
      {
        topicId: topic.id,
        partition,
        hasElr: this.#hasElr,
        minIsr: this.#minIsr,
        election: asked ?? (this.#isUncleanAllowed ? 'unclean' : 'online'),
        mayLead: (id) => this.mayLead(id, targets.directories?.get(id) ?? directoryOn(id, partition)),
        directoryFor: (id) => this.#chooser.next(id),
      },
      targets,
    );
  }

  /** Whether replicas that may lack records are elected where nobody else is left. */
  isUncleanAllowed(topic: string): boolean {
    this.#lookAt(topic);
    return this.#isUncleanAllowed;
  }

  mayLead(brokerId: number, directory: string | undefined): boolean {
    const toBe = this.#toBe.broker;
    if (toBe?.id === brokerId) return toBe.isActive && isOnlineIn(directory, toBe.directories);
    const broker = this.#image.brokers.get(brokerId);
    if (broker === undefined || broker.fenced || broker.inControlledShutdown) return false;
    return isOnlineIn(directory, broker.directories);
  }

  #lookAt(topic: string): void {
    if (topic === this.#topic) return;
    const sources = configSources(this.#image, this.#context);
    this.#topic = topic;
    this.#minIsr = this.#toBe.minIsr ?? topicConfigNumber(sources, topic, TOPIC_CONFIG.minInsyncReplicas);
    this.#isUncleanAllowed = topicConfigValue(sources, topic, TOPIC_CONFIG.uncleanLeaderElection) === 'true';
  }
}
