/**
 * Looks at all live nodes after every event of the world and tells watchers what has moved since the last look.
 * Called by `run-cluster.ts` between any two events.
 * Invariant: watchers see the moves in the order of the nodes' ids, a replica's before those of its node's image.
 */
import type { Watcher } from './checkers/watcher.ts';
import type { NodeSlot } from './node-slot.ts';
import type { Hosted, NodeState, ReplicaState, View } from './views.ts';

interface Seen {
  boot: number;
  view: View;
  imageEnd: number;
  isActiveController: boolean;
  epoch: number;
  highWatermark: number;
  durableEnd: number;
  readonly replicas: Map<string, ReplicaState>;
}

export class Watch {
  readonly #slots: readonly NodeSlot[];
  readonly #watchers: readonly Watcher[];
  readonly #seen = new Map<NodeSlot, Seen>();
  events = 0;
  /** Called once each, with the first node that is in another epoch of the quorum. */
  readonly epochTraps = new Set<(slot: NodeSlot, epoch: number) => void>();
  /** A replica is seen for the first time in this life of its node. */
  onOpened: (slot: NodeSlot, replica: Hosted) => void = () => {};

  constructor(slots: readonly NodeSlot[], watchers: readonly Watcher[]) {
    this.#slots = slots;
    this.#watchers = watchers;
  }

  look(): void {
    this.events++;
    for (const watcher of this.#watchers) watcher.begin?.();
    for (const slot of this.#slots) {
      const seen = this.#of(slot);
      if (seen === undefined) continue;
      this.#lookAtNode(slot, seen);
      this.#lookAtReplicas(slot, seen);
    }
  }

  /** Of the nodes that live. */
  nodes(): NodeState[] {
    return this.#slots.flatMap((slot) => {
      const seen = this.#of(slot);
      return seen === undefined ? [] : [nodeState(seen)];
    });
  }

  replicas(): ReplicaState[] {
    return this.#slots.flatMap((slot) => [...(this.#of(slot)?.replicas.values() ?? [])]);
  }

  /** Who knows what, for whoever reads the trace of a violation. */
  lines(): string[] {
    const nodes = this.nodes().map(({ nodeId, isActiveController, epoch, metadataEnd, image }) => {
      const brokers = [...image.brokers].map(([id, { epoch, fenced }]) => `${id}@${epoch}${fenced ? ' fenced' : ''}`);
      const role = isActiveController ? 'active controller' : 'node';
      return `${role} ${nodeId} epoch ${epoch} log ${metadataEnd} image ${image.endOffset} brokers ${brokers.join(', ')}`;
    });
    const partitions = this.nodes().flatMap(({ nodeId, image }) =>
      [...image.topicsByName.values()].flatMap((topic) =>
        topic.partitions.map((partition) => {
          const { index, leader, leaderEpoch, partitionEpoch, replicas, isr, eligibleLeaderReplicas: elr } = partition;
          const epochs = `epoch ${leaderEpoch}/${partitionEpoch}`;
          return `image of ${nodeId} ${topic.name}-${index} leader ${leader} ${epochs} replicas ${replicas} isr ${isr} elr ${elr}`;
        }),
      ),
    );
    const replicas = this.replicas().map(
      ({ nodeId, topic, index, isLeader, leaderEpoch, highWatermark, logStart, logEnd, durableEnd, isr }) =>
        `replica ${nodeId} ${topic}-${index} ${isLeader ? `leads (${isr})` : 'follows'} epoch ${leaderEpoch} log ${logStart}..${logEnd} hw ${highWatermark} durable ${durableEnd}`,
    );
    return [...nodes, ...partitions, ...replicas];
  }

  hosted(slot: NodeSlot): Iterable<Hosted> {
    return this.#of(slot)?.view.partitions() ?? [];
  }

  #of(slot: NodeSlot): Seen | undefined {
    const { view, boot } = slot;
    if (view === undefined) return undefined;
    let seen = this.#seen.get(slot);
    if (seen?.boot === boot) return seen;
    seen = {
      boot,
      view,
      imageEnd: -1,
      isActiveController: false,
      epoch: -1,
      highWatermark: -1,
      durableEnd: -1,
      replicas: new Map(),
    };
    this.#seen.set(slot, seen);
    return seen;
  }

  #lookAtNode(slot: NodeSlot, seen: Seen): void {
    const { image, isActiveController, metadata } = seen.view;
    const { epoch, highWatermark, durableEnd } = metadata;
    const isSame = image.endOffset === seen.imageEnd && isActiveController === seen.isActiveController;
    const isAsFar = highWatermark === seen.highWatermark && durableEnd === seen.durableEnd;
    if (isSame && isAsFar && epoch === seen.epoch) return;
    if (epoch > seen.epoch && seen.epoch >= 0) this.#spring(slot, epoch);
    Object.assign(seen, { imageEnd: image.endOffset, isActiveController, epoch, highWatermark, durableEnd });
    const state = nodeState(seen);
    for (const watcher of this.#watchers) watcher.nodeMoved?.(state);
  }

  #spring(slot: NodeSlot, epoch: number): void {
    const traps = [...this.epochTraps];
    this.epochTraps.clear();
    for (const trap of traps) trap(slot, epoch);
  }

  #lookAtReplicas(slot: NodeSlot, seen: Seen): void {
    for (const hosted of seen.view.partitions()) {
      const key = `${hosted.topicId}/${hosted.index}`;
      const before = seen.replicas.get(key);
      if (before !== undefined && !hasMoved(hosted, before)) continue;
      if (before === undefined) this.onOpened(slot, hosted);
      const now = replicaState(hosted, seen);
      seen.replicas.set(key, now);
      for (const watcher of this.#watchers) watcher.replicaMoved?.(now, before);
    }
  }
}

function hasMoved(hosted: Hosted, before: ReplicaState): boolean {
  return (
    hosted.logEnd !== before.logEnd ||
    hosted.durableEnd !== before.durableEnd ||
    hosted.highWatermark !== before.highWatermark ||
    hosted.leaderEpoch !== before.leaderEpoch ||
    hosted.isLeader !== before.isLeader ||
    hosted.logStart !== before.logStart ||
    (hosted.isLeader && !sameIds(hosted.isr, before.isr))
  );
}

function sameIds(a: readonly number[], b: readonly number[]): boolean {
  return a === b || (a.length === b.length && a.every((id, at) => id === b[at]));
}

function replicaState(hosted: Hosted, { view, boot }: Seen): ReplicaState {
  const { topic, topicId, index, leaderEpoch, isLeader, isr, log } = hosted;
  const { highWatermark, lastStableOffset, logStart, logEnd, durableEnd } = hosted;
  const place = { nodeId: view.nodeId, boot, topic, topicId, index };
  const ends = { highWatermark, lastStableOffset, logStart, logEnd, durableEnd };
  return { ...place, ...ends, leaderEpoch, isLeader, isr: [...isr], epochs: log.epochs.entries };
}

function nodeState({ view, boot }: Seen): NodeState {
  const { nodeId, isActiveController, metadata, image } = view;
  return {
    nodeId,
    boot,
    isActiveController,
    epoch: metadata.epoch,
    leaderId: metadata.leaderId,
    metadataEnd: metadata.endOffset,
    metadataHighWatermark: metadata.highWatermark,
    metadataDurableEnd: metadata.durableEnd,
    committedEpoch: metadata.committedEpoch,
    image,
    imageHash: () => view.imageHash(),
  };
}
