/**
 * The leader epoch of a batch that Apache Kafka has stored, and whether it had it before: our brokers tell both in the
 * answer, Kafka neither. Asked by `client-broker.ts` after every produce there.
 * Invariant: an epoch is told only if its range, as the leader knows it, holds the batch; else −1, which means unknown.
 */
import type { Client } from '@meridian/client';
import { ERROR } from '@meridian/protocol';
import { LIMITS } from '../limits.ts';
import type { TopicFacts } from './broker-port.ts';

interface Known {
  /** Every offset below was stored before the batch that is asked for. */
  end: number;
  epoch: number;
  /** Where the epoch began. */
  start: number;
}

const LOOK_UP = { timeoutMs: LIMITS.lookUpTimeoutMs, retryForMs: LIMITS.lookUpRetryMs };

export class StoredPlaces {
  private readonly client: Client;
  private readonly known = new Map<string, Known>();

  constructor(client: Client) {
    this.client = client;
  }

  /** Called before a batch is sent: what is stored below here cannot be the batch, unless it is there already. */
  endOf(topic: TopicFacts, partition: number): number {
    return this.of(topic, partition).end;
  }

  stored(topic: TopicFacts, partition: number, end: number): void {
    const known = this.of(topic, partition);
    known.end = Math.max(known.end, end);
  }

  async epochOf(topic: TopicFacts, partition: number, offset: number): Promise<number> {
    const known = this.of(topic, partition);
    for (const maxAgeMs of [undefined, 0]) {
      const found = await this.confirmed(topic, partition, offset, known, maxAgeMs).catch(() => -1);
      if (found >= 0) return found;
    }
    return -1;
  }

  /** The epoch that the metadata name, if the offset lies in it. */
  private async confirmed(
    { name }: TopicFacts,
    partition: number,
    offset: number,
    known: Known,
    maxAgeMs: number | undefined,
  ): Promise<number> {
    const view = await this.client.metadata([name], maxAgeMs === undefined ? {} : { maxAgeMs });
    const epoch = view.topics.get(name)?.partitions[partition]?.leaderEpoch ?? -1;
    if (epoch < 0) return -1;
    const ask = (leaderEpoch: number) =>
      this.client.offsetForLeaderEpoch([{ topic: name, partition, leaderEpoch }], LOOK_UP);
    const isStartKnown = known.epoch === epoch || epoch === 0;
    const [[last], [before]] = await Promise.all([ask(epoch), isStartKnown ? [undefined] : ask(epoch - 1)]);
    if (last?.errorCode !== ERROR.NONE || last.leaderEpoch !== epoch || last.endOffset <= offset) return -1;
    if (!isStartKnown) {
      if (before?.errorCode !== ERROR.NONE) return -1;
      known.epoch = epoch;
      known.start = Math.max(0, before.endOffset);
    }
    return offset >= (epoch === 0 ? 0 : known.start) ? epoch : -1;
  }

  private of({ localId }: TopicFacts, partition: number): Known {
    const key = `${localId} ${partition}`;
    let known = this.known.get(key);
    if (known === undefined) {
      if (this.known.size >= LIMITS.maxKnownTopics) this.known.clear();
      known = { end: 0, epoch: -1, start: 0 };
      this.known.set(key, known);
    }
    return known;
  }
}
