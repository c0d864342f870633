/**
 * The facts of all copies in an Apache Kafka region, followed in `__meridian_topics`. The mirror writes them, everybody
 * else reads. Invariant: after `ready`, what it tells is what stood in the topic then or later; a record that cannot be
 * read is told by `ready` and `put`, and nothing is guessed of it.
 */
import type { Client } from '@meridian/client';
import type { Io } from '@meridian/io';
import { CompactedTopic } from './compacted-topic.ts';
import { LIMITS } from './limits.ts';
import {
  type CopyFacts,
  decodeFacts,
  decodeFactsKey,
  decodeMakingKey,
  decodeWithheld,
  decodeWithheldKey,
  encodeFacts,
  encodeFactsKey,
  encodeMakingKey,
  encodeWithheld,
  encodeWithheldKey,
} from './topic-facts.ts';

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
  private readonly clock: Pick<Io['clock'], 'monotonic'>;
  private readonly facts = new Map<string, CopyFacts>();
  private readonly withheld = new Map<string, Readonly<Record<string, string>>>();
  /** Names of copies that are about to be made, and when that was heard. */
  private readonly making = new Map<string, number>();

  constructor({ io, client, mayCreate, onChange }: FactsStoreOptions) {
    this.clock = io.clock;
    this.topic = new CompactedTopic({
      ...{ io, client, topic: TOPICS_TOPIC },
      ...(mayCreate && { createPartitions: 1 }),
      onReset: () => {
        this.facts.clear();
        this.withheld.clear();
        this.making.clear();
      },
      onRecord: (key, value) => {
        this.take(key, value);
        onChange?.();
      },
    });
  }

  /**
   * Copies of these names are about to be made: between the making of a topic and the writing of its facts nobody is to
   * take it for a topic of its own. Ends with `put`.
   */
  async announce(names: readonly string[]): Promise<void> {
    const fresh = names.filter((name) => !this.isBeingMade(name));
    for (let at = 0; at < fresh.length; at += LIMITS.announcedAtOnce) {
      const some = fresh.slice(at, at + LIMITS.announcedAtOnce);
      await this.topic.putAll(some.map((name) => ({ key: encodeMakingKey(name), value: Buffer.alloc(0) })));
    }
  }

  isBeingMade(name: string): boolean {
    const heardMs = this.making.get(name);
    return heardMs !== undefined && this.clock.monotonic() - heardMs < LIMITS.announcementMs;
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
    const records = [{ key: encodeFactsKey(facts.copyId), value: encodeFacts(facts) }];
    const announced = this.making.has(facts.copy) ? [{ key: encodeMakingKey(facts.copy), value: null }] : [];
    await this.topic.putAll([...records, ...announced]);
    return true;
  }

  /** Without a look at what others write: of copies that are known by their own configs. `gone`: copies to be forgotten. */
  async write(facts: readonly CopyFacts[], gone: readonly string[]): Promise<void> {
    const records = [
      ...facts.map((each) => ({ key: encodeFactsKey(each.copyId), value: encodeFacts(each) })),
      ...gone.map((copyId) => ({ key: encodeFactsKey(copyId), value: null })),
    ];
    for (let at = 0; at < records.length; at += LIMITS.factsAtOnce) {
      await this.topic.putAll(records.slice(at, at + LIMITS.factsAtOnce));
    }
  }

  /** What the copy's origin has set and the copy cannot have, as last heard; undefined: it was never written down. */
  withheldOf(copyId: string): Readonly<Record<string, string>> | undefined {
    return this.withheld.get(copyId);
  }

  /** Beside the facts, which others may be writing at the same time. */
  async withhold(changes: ReadonlyMap<string, Readonly<Record<string, string>>>): Promise<void> {
    const all = [...changes].map(([copyId, configs]) => ({
      key: encodeWithheldKey(copyId),
      value: encodeWithheld(configs),
    }));
    for (let at = 0; at < all.length; at += LIMITS.announcedAtOnce) {
      await this.topic.putAll(all.slice(at, at + LIMITS.announcedAtOnce));
    }
  }

  /** The copy is gone. */
  async remove(copyId: string): Promise<void> {
    const keys = [encodeFactsKey(copyId), ...(this.withheld.has(copyId) ? [encodeWithheldKey(copyId)] : [])];
    await this.topic.putAll(keys.map((key) => ({ key, value: null })));
  }

  close(): void {
    this.topic.close();
  }

  private take(key: Buffer, value: Buffer | null): void {
    const copyId = decodeFactsKey(key);
    const name = decodeMakingKey(key);
    const withheldBy = decodeWithheldKey(key);
    if (copyId !== undefined) {
      if (value === null) this.facts.delete(copyId);
      else this.facts.set(copyId, decodeFacts(copyId, value));
    } else if (withheldBy !== undefined) {
      if (value === null) this.withheld.delete(withheldBy);
      else this.withheld.set(withheldBy, decodeWithheld(withheldBy, value));
    } else if (name !== undefined) {
      if (value === null) this.making.delete(name);
      else this.making.set(name, this.clock.monotonic());
    }
  }
}
