/**
 * What the clients of a region were told: acknowledgements, records read, generations and commits of groups. Written by
 * the workload, read by the checkers during the run and after it.
 * Invariant: entries are only added, in the order in which the clients learned them.
 */

export interface AcknowledgedRecord {
  readonly offset: number;
  readonly value: string;
}

/** What one partition of a topic has promised. */
export interface PartitionHistory {
  readonly topic: string;
  readonly index: number;
  readonly acknowledged: AcknowledgedRecord[];
  /** Behind the last acknowledged record. */
  acknowledgedEnd: number;
  /** By offset, the value that some reader was given there first. */
  readonly read: Map<number, string>;
}

export interface Ownership {
  readonly group: string;
  readonly generation: number;
  readonly member: string;
  readonly topic: string;
  readonly index: number;
}

export class History {
  readonly partitions = new Map<string, PartitionHistory>();
  readonly owned: Ownership[] = [];
  /** Values that members of a group have processed, by group and partition. */
  readonly processed = new Map<string, Set<string>>();
  /** Highest offset whose commit was answered, by group and partition. */
  readonly committed = new Map<string, number>();
  /** What clients found wrong by themselves. */
  readonly complaints: string[] = [];
  /** Values whose write was given up: they may be stored once, or not at all. */
  readonly unknown = new Set<string>();
  onAcknowledged: (topic: string, index: number, baseOffset: number) => void = () => {};

  of(topic: string, index: number): PartitionHistory {
    const key = `${topic}-${index}`;
    let found = this.partitions.get(key);
    if (found === undefined) {
      found = { topic, index, acknowledged: [], acknowledgedEnd: 0, read: new Map() };
      this.partitions.set(key, found);
    }
    return found;
  }

  acknowledge(topic: string, index: number, baseOffset: number, values: readonly string[]): void {
    const partition = this.of(topic, index);
    for (const [at, value] of values.entries()) partition.acknowledged.push({ offset: baseOffset + at, value });
    this.onAcknowledged(topic, index, baseOffset);
    partition.acknowledgedEnd = Math.max(partition.acknowledgedEnd, baseOffset + values.length);
  }

  get acknowledgedCount(): number {
    let count = 0;
    for (const { acknowledged } of this.partitions.values()) count += acknowledged.length;
    return count;
  }
}

export const groupKey = (group: string, topic: string, index: number): string => `${group}/${topic}-${index}`;
