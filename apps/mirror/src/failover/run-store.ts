/**
 * The runs of fail-overs and fail-backs of a region, followed in `__meridian_failovers`; every mirror of the region has
 * them all. Invariant: what it tells has been read back from the topic, so it outlives whoever wrote it.
 */
import type { Client } from '@meridian/client';
import { CompactedTopic } from '@meridian/coordinates';
import type { Io } from '@meridian/io';
import { ERROR } from '@meridian/protocol';
import type { RunHead, TopicRun } from './messages.ts';
import { decodeRunRecord, encodeHead, encodeTopicRun, FAILOVERS_TOPIC, topicKey } from './run-record.ts';

export interface StoredFailover {
  readonly head: RunHead;
  /** By `<from>/<topic>`, in the order of their first records. */
  readonly topics: ReadonlyMap<string, TopicRun>;
}

export interface RunStoreOptions {
  readonly io: Pick<Io, 'clock' | 'timers'>;
  readonly client: Client;
  readonly maxRuns: number;
}

export class RunStore {
  private readonly options: RunStoreOptions;
  private readonly topic: CompactedTopic;
  private isFollowed = false;
  private readonly heads = new Map<string, RunHead>();
  private readonly topics = new Map<string, Map<string, TopicRun>>();

  constructor(options: RunStoreOptions) {
    const { io, client } = options;
    this.options = options;
    this.topic = new CompactedTopic({
      ...{ io, client, topic: FAILOVERS_TOPIC },
      onReset: () => {
        this.heads.clear();
        this.topics.clear();
      },
      onRecord: (key, value) => this.hear(key, value),
    });
  }

  /** Reads what there is, and follows it from then on; a region that has never had a run has no such topic. */
  async follow(): Promise<void> {
    if (this.isFollowed) return;
    const { client } = this.options;
    const found = (await client.metadata([FAILOVERS_TOPIC], { maxAgeMs: 0 })).topics.get(FAILOVERS_TOPIC);
    if (found?.errorCode === ERROR.UNKNOWN_TOPIC_OR_PARTITION) return;
    await this.topic.ready();
    this.isFollowed = true;
  }

  /** Oldest first; a run whose topics are not all written was never begun. */
  all(): StoredFailover[] {
    return [...this.heads.values()]
      .map((head) => ({ head, topics: this.topics.get(head.id) ?? new Map<string, TopicRun>() }))
      .sort((a, b) => a.head.startedMs - b.head.startedMs || (a.head.id < b.head.id ? -1 : 1));
  }

  /** The topics go first: whoever reads the head reads all of it. */
  async begin(head: RunHead, topics: readonly TopicRun[]): Promise<void> {
    await this.forgetOldest();
    const { io, client } = this.options;
    const maker = new CompactedTopic({
      ...{ io, client, topic: FAILOVERS_TOPIC, createPartitions: 1 },
      onRecord: () => undefined,
    });
    try {
      await maker.putAll([...topics.map((topic) => encodeTopicRun(head.id, topic)), encodeHead(head)]);
    } finally {
      maker.close();
    }
    this.isFollowed = false;
    await this.follow();
  }

  async put(id: string, topic: TopicRun): Promise<void> {
    const { key, value } = encodeTopicRun(id, topic);
    await this.topic.put(key, value);
  }

  close(): void {
    this.topic.close();
  }

  private async forgetOldest(): Promise<void> {
    const done = this.all().filter(({ topics }) => [...topics.values()].every(({ step }) => step === 'done'));
    const tooMany = this.heads.size - this.options.maxRuns + 1;
    const gone = done
      .slice(0, Math.max(0, tooMany))
      .flatMap(({ head, topics }) => [
        { key: Buffer.from(head.id), value: null },
        ...[...topics.values()].map((topic) => ({ key: Buffer.from(`${head.id}/${topicKey(topic)}`), value: null })),
      ]);
    if (gone.length > 0) await this.topic.putAll(gone);
  }

  private hear(key: Buffer, value: Buffer | null): void {
    const record = decodeRunRecord(key, value);
    if (record.kind === 'head') {
      if (record.head === null) this.heads.delete(record.id);
      else this.heads.set(record.id, record.head);
      return;
    }
    const topics = this.topics.get(record.id) ?? new Map<string, TopicRun>();
    this.topics.set(record.id, topics);
    if (record.topic === null) topics.delete(record.key);
    else topics.set(record.key, record.topic);
    if (topics.size === 0) this.topics.delete(record.id);
  }
}
