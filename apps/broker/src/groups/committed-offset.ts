/** How far a group has read one partition, as committed; and the offsets of one group. */
export interface CommittedOffset {
  readonly offset: number;
  /** Of the last record that was read; −1 if the client did not say. */
  readonly leaderEpoch: number;
  readonly metadata: string;
  readonly commitTimestampMs: number;
  /** −1: as the broker's retention says. */
  readonly expireTimestampMs: number;
  /** The zero uuid if the commit named the topic only. */
  readonly topicId: string;
}

/** Offsets of one group by topic and partition. */
export class GroupOffsets {
  readonly #byTopic = new Map<string, Map<number, CommittedOffset>>();

  get isEmpty(): boolean {
    return this.#byTopic.size === 0;
  }

  get(topic: string, partition: number): CommittedOffset | undefined {
    return this.#byTopic.get(topic)?.get(partition);
  }

  set(topic: string, partition: number, offset: CommittedOffset): void {
    let partitions = this.#byTopic.get(topic);
    if (partitions === undefined) this.#byTopic.set(topic, (partitions = new Map()));
    partitions.set(partition, offset);
  }

  delete(topic: string, partition: number): void {
    const partitions = this.#byTopic.get(topic);
    if (partitions?.delete(partition) && partitions.size === 0) this.#byTopic.delete(topic);
  }

  topics(): IterableIterator<[topic: string, partitions: ReadonlyMap<number, CommittedOffset>]> {
    return this.#byTopic.entries();
  }

  /** Every partition for which `matches`, in a list of its own. */
  partitions(matches: (topic: string, offset: CommittedOffset) => boolean): { topic: string; partition: number }[] {
    return [...this.#byTopic].flatMap(([topic, partitions]) =>
      [...partitions].flatMap(([partition, offset]) => (matches(topic, offset) ? { topic, partition } : [])),
    );
  }
}
