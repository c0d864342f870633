/**
 * The facts of all copies in an Apache Kafka region, followed in `__meridian_topics`. The mirror writes them, everybody
 * else reads. Invariant: after `ready`, what it tells is what stood in the topic then or later; a record that cannot be
 * read is told by `ready` and `put`, and nothing is guessed of it.
 */
import type { Client } from '@meridian/client';
import type { Io } from '@meridian/io';
import { CompactedTopic } from './compacted-topic.ts';
import { type CopyFacts, decodeFacts, decodeFactsKey, encodeFacts, encodeFactsKey } from './topic-facts.ts';

export const TOPICS_TOPIC = '__meridian_topics';

export interface FactsStoreOptions {
  readonly io: Pick<Io, 'clock' | 'timers'>;
  readonly client: Client;
  /** Makes the topic if it is not there. */
  readonly mayCreate: boolean;
  onChange?(): void;
}

export class FactsStore {
  private readonly topic: CompactedTopic;
  private readonly facts = new Map<string, CopyFacts>();

  constructor({ io, client, mayCreate, onChange }: FactsStoreOptions) {
    this.topic = new CompactedTopic({
      ...{ io, client, topic: TOPICS_TOPIC },
      ...(mayCreate && { createPartitions: 1 }),
      onReset: () => this.facts.clear(),
      onRecord: (key, value) => {
        const copyId = decodeFactsKey(key);
        if (copyId === undefined) return;
        if (value === null) this.facts.delete(copyId);
        else this.facts.set(copyId, decodeFacts(copyId, value));
        onChange?.();
      },
    });
  }

  ready(): Promise<void> {
    return this.topic.ready();
  }

  get(copyId: string): CopyFacts | undefined {
    return this.facts.get(copyId);
  }

  /** The copies of a topic, newest incarnation first. */
  byOrigin(originRegion: string, originTopicId: string): CopyFacts[] {
    return this.all()
      .filter((facts) => facts.originRegion === originRegion && facts.originTopicId === originTopicId)
      .sort((a, b) => b.incarnation - a.incarnation);
  }

  all(): CopyFacts[] {
    return [...this.facts.values()];
  }

  /**
   * Writes what the copy is now, if it still is what the caller took it for (`before`: what `get` told). False: somebody
   * else has written meanwhile, and the caller has to look again. Of two who write at once both may be told true; the
   * later one stands, which is why only the keeper of a link writes.
   */
  async put(facts: CopyFacts, before: CopyFacts | undefined): Promise<boolean> {
    await this.topic.ready();
    if (this.get(facts.copyId) !== before) return false;
    await this.topic.put(encodeFactsKey(facts.copyId), encodeFacts(facts));
    return true;
  }

  /** The copy is gone. */
  async remove(copyId: string): Promise<void> {
    await this.topic.put(encodeFactsKey(copyId), null);
  }

  close(): void {
    this.topic.close();
  }
}
