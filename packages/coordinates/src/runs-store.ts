/**
 * The runs of all re-based copies of an Apache Kafka region, read from `__meridian_runs` and followed: a reader per
 * partition of that topic, begun when somebody asks for a copy that lies there. Read by the gateway, by `translate` and
 * by tasks that take over. Invariant: what `caughtUp` and `load` tell contains all that was written before the call;
 * no more than `LIMITS.keptRuns` runs are kept, and what was let go of is read again when it is asked for.
 */
import type { Client, Fetcher } from '@meridian/client';
import type { Io } from '@meridian/io';
import { CompactedTopic } from './compacted-topic.ts';
import { FollowedRuns } from './followed-runs.ts';
import { LIMITS } from './limits.ts';
import {
  type CopyPartition,
  decodeRunChange,
  RUNS_PARTITIONS,
  RUNS_TOPIC,
  runsPartitionOf,
  type StoredRun,
} from './run-records.ts';
import type { StoredRuns } from './run-table.ts';

export interface RunsStoreOptions {
  readonly io: Pick<Io, 'clock' | 'timers'>;
  readonly client: Client;
  /** Makes the topic if it is not there. */
  readonly mayCreate?: boolean;
  readonly keptRuns?: number;
}

export class RunsStore {
  private readonly options: RunsStoreOptions;
  private readonly fetcher: Fetcher;
  private readonly readers = new Map<number, PartitionReader>();

  constructor(options: RunsStoreOptions) {
    this.options = options;
    this.fetcher = options.client.fetcher({
      partitionMaxBytes: LIMITS.bookkeepingFetchBytes,
      maxWaitMs: LIMITS.bookkeepingMaxWaitMs,
    });
  }

  /** The runs as they stand now, and from then on as they are followed. */
  async caughtUp(place: CopyPartition): Promise<FollowedRuns> {
    const reader = this.readerOf(runsPartitionOf(place));
    for (;;) {
      const { generation } = await reader.ready(place);
      if (generation === reader.generation) return reader.get(place);
    }
  }

  /** The topic is there, if it may be made. */
  async ensure(): Promise<void> {
    await this.readerOf(0).topic.ensure();
  }

  /** What was heard last, without asking; undefined: nobody has asked for it before. */
  peek(place: CopyPartition): FollowedRuns | undefined {
    return this.readers.get(runsPartitionOf(place))?.peek(place);
  }

  /** As stored, with tenures: for a task that has fenced its predecessor. */
  async load(place: CopyPartition): Promise<StoredRuns<StoredRun>> {
    return (await this.caughtUp(place)).stored();
  }

  close(): void {
    for (const reader of this.readers.values()) reader.close();
    this.fetcher.close();
  }

  private readerOf(partition: number): PartitionReader {
    let reader = this.readers.get(partition);
    if (reader === undefined) {
      reader = new PartitionReader(this.options, this.fetcher, partition);
      this.readers.set(partition, reader);
    }
    return reader;
  }
}

/** One partition of the topic. Copies are in the order in which they were asked for last. */
class PartitionReader {
  readonly topic: CompactedTopic;
  /** Goes up when everything is read again. */
  generation = 0;
  private readonly keptRuns: number;
  private readonly copies = new Map<string, FollowedRuns>();
  private readonly forgotten = new Set<string>();
  private under: Promise<void> | undefined;
  private next: Promise<void> | undefined;

  constructor(options: RunsStoreOptions, fetcher: Fetcher, partition: number) {
    const { io, client, mayCreate = false, keptRuns = LIMITS.keptRuns } = options;
    this.keptRuns = keptRuns;
    this.topic = new CompactedTopic({
      ...{ io, client, topic: RUNS_TOPIC, partition, fetcher },
      ...(mayCreate && { createPartitions: RUNS_PARTITIONS, isFlushed: false }),
      onReset: () => this.forgetAll(),
      onRecord: (key, value) => {
        const { place, change } = decodeRunChange(key, value);
        if (!this.forgotten.has(nameOf(place))) this.of(nameOf(place)).apply(change);
      },
    });
  }

  peek(place: CopyPartition): FollowedRuns | undefined {
    return this.forgotten.has(nameOf(place)) ? undefined : this.copies.get(nameOf(place));
  }

  /** The copy is moved to the end: it is the last that is let go of. */
  get(place: CopyPartition): FollowedRuns {
    const name = nameOf(place);
    const runs = this.of(name);
    this.copies.delete(name);
    this.copies.set(name, runs);
    this.letGo();
    return runs;
  }

  /** Who asks while one read is under way shares the next one. */
  async ready(place: CopyPartition): Promise<{ readonly generation: number }> {
    if (this.forgotten.has(nameOf(place))) {
      this.forgetAll();
      this.topic.reread();
    }
    const { generation } = this;
    this.next ??= this.readAfter(this.under);
    await this.next;
    return { generation };
  }

  close(): void {
    this.topic.close();
  }

  private async readAfter(before: Promise<void> | undefined): Promise<void> {
    await before?.catch(() => undefined);
    this.under = this.topic.ready();
    this.next = undefined;
    await this.under;
  }

  private of(name: string): FollowedRuns {
    let runs = this.copies.get(name);
    if (runs === undefined) {
      runs = new FollowedRuns();
      this.copies.set(name, runs);
    }
    return runs;
  }

  private forgetAll(): void {
    this.generation++;
    this.copies.clear();
    this.forgotten.clear();
  }

  private letGo(): void {
    let kept = 0;
    for (const runs of this.copies.values()) kept += runs.size;
    for (const [name, runs] of this.copies) {
      if (kept <= this.keptRuns || this.copies.size === 1) return;
      this.copies.delete(name);
      this.forgotten.add(name);
      kept -= runs.size;
    }
  }
}

const nameOf = ({ copyId, partition }: CopyPartition): string => `${copyId}/${partition}`;
