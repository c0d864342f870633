/**
 * The fault atlas: what may be done to a node now, so that every promise still has to hold. Damage (a loss of power, a
 * wiped disk, a failed fsync) takes data away; with min.insync.replicas=2 one replica of each partition may be
 * damaged at a time, and until it is whole again nobody else may die uncleanly, because the brokers cannot tell a death
 * from damage. Any number may be killed while nobody is damaged.
 * Invariant: a node counts as damaged from the damage until the controller has it unfenced and in sync everywhere.
 */
import type { NodeSlot } from './node-slot.ts';
import type { ImageState, NodeState, PartitionState } from './views.ts';

export class FaultAtlas {
  readonly #brokers: readonly NodeSlot[];
  readonly #nodes: () => readonly NodeState[];
  /** Damaged nodes, and the epoch of their registration at that time. */
  readonly #damaged = new Map<NodeSlot, number>();
  /** A controller whose disk was wiped, until it votes again. */
  readonly forgetful = new Set<NodeSlot>();

  constructor(brokers: readonly NodeSlot[], nodes: () => readonly NodeState[]) {
    this.#brokers = brokers;
    this.#nodes = nodes;
  }

  /** Whether its process may die, its disk intact. */
  mayKill(slot: NodeSlot): boolean {
    this.#heal();
    return !this.#holdsReplicas(slot) || this.#damaged.size === 0;
  }

  /** Whether it may lose what was not fsynced. */
  mayDamage(slot: NodeSlot): boolean {
    this.#heal();
    if (!this.#holdsReplicas(slot)) return true;
    const image = this.#image();
    if (image === undefined || this.#damaged.size > 0) return false;
    if (this.#brokers.some((other) => other !== slot && !other.isUp)) return false;
    return this.#partitionsOf(slot, image).every((partition) => this.#survives(partition, slot, image));
  }

  damaged(slot: NodeSlot): void {
    if (this.#holdsReplicas(slot)) this.#damaged.set(slot, this.#image()?.brokers.get(slot.plan.id)?.epoch ?? -1);
  }

  get isAnybodyDamaged(): boolean {
    this.#heal();
    return this.#damaged.size > 0;
  }

  /** Somebody else holds all that is committed, lives, and is known to the controller to live. */
  #survives(partition: PartitionState, slot: NodeSlot, image: ImageState): boolean {
    return [...partition.isr, ...partition.eligibleLeaderReplicas].some(
      (id) => id !== slot.plan.id && image.brokers.get(id)?.fenced === false,
    );
  }

  #heal(): void {
    const image = this.#image();
    if (image === undefined) return;
    for (const [slot, epoch] of this.#damaged) {
      const broker = image.brokers.get(slot.plan.id);
      if (!slot.isUp || broker === undefined || broker.fenced || broker.epoch <= epoch) continue;
      const whole = this.#partitionsOf(slot, image).every(({ isr }) => isr.includes(slot.plan.id));
      if (whole) this.#damaged.delete(slot);
    }
  }

  #partitionsOf(slot: NodeSlot, image: ImageState): PartitionState[] {
    return [...image.topicsByName.values()].flatMap(({ partitions }) =>
      partitions.filter(({ replicas }) => replicas.includes(slot.plan.id)),
    );
  }

  #holdsReplicas(slot: NodeSlot): boolean {
    return slot.plan.isBroker;
  }

  /** Of the controller that leads the latest epoch. */
  #image(): ImageState | undefined {
    const active = this.#nodes().filter(({ isActiveController }) => isActiveController);
    return active.sort((a, b) => b.epoch - a.epoch)[0]?.image;
  }
}
