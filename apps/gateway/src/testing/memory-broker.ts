/**
 * Brokers in memory behind the gateway's port, for its tests: topics with batches, copies with the origin's epochs,
 * de-duplication of the last five batches, and faults on demand.
 * Invariant: what a produce answered is what a read gives back.
 */
import type { Timers } from '@meridian/io';
import { ERROR, PROMOTED_EPOCH } from '@meridian/protocol';
import {
  batchLastOffset,
  batchSizeInBytes,
  readBatchHeader,
  stampBaseOffset,
  stampLeaderEpoch,
} from '@meridian/protocol/record-batch';
import type { BrokerPort, EpochStart, OldSlice, Produced, TailHandlers, TopicFacts } from '../broker/broker-port.ts';
import { OriginEpochs } from '../delivery/origin-epochs.ts';

interface MemoryTail {
  position: number;
  readonly handlers: TailHandlers;
}

export class MemoryPartition {
  batches: Buffer[] = [];
  start = 0;
  end = 0;
  epoch = 0;
  /** What a leader that has just come knows to be committed; undefined: all. */
  knownEnd: number | undefined;
  /** What is on record as lost at the origin. */
  readonly lost: { start: number; end: number }[] = [];
  /** … and is in the list only after the next look. */
  readonly lostLater: { start: number; end: number }[] = [];
  /** The disk below it is offline: nobody is told where it begins and ends. */
  isUnavailable = false;
  epochStarts: EpochStart[] = [{ epoch: 0, startOffset: 0 }];
  /** The error with which a batch is refused. */
  refuses: (batch: Buffer) => number = () => ERROR.NONE;
  readonly tails = new Set<MemoryTail>();
  private readonly recent: { producerId: number; epoch: number; sequence: number; count: number; offset: number }[] =
    [];

  produce(batch: Buffer): Produced {
    const { producerId, producerEpoch, baseSequence, recordCount } = readBatchHeader(batch);
    const answer = (errorCode: number, baseOffset: number, isDuplicate = false): Produced => ({
      errorCode,
      errorMessage: null,
      baseOffset,
      leaderEpoch: this.epoch,
      isDuplicate,
    });
    const refusal = this.refuses(batch);
    if (refusal !== ERROR.NONE) return answer(refusal, -1);
    if (producerId >= 0) {
      const mine = this.recent.filter((one) => one.producerId === producerId).slice(-5);
      const known = mine.find((one) => one.sequence === baseSequence && one.count === recordCount);
      if (known !== undefined) return answer(ERROR.NONE, known.offset, true);
      const last = mine.at(-1);
      const expected = last === undefined ? 0 : last.sequence + last.count;
      if (baseSequence !== expected) return answer(ERROR.OUT_OF_ORDER_SEQUENCE_NUMBER, -1);
      this.recent.push({
        producerId,
        epoch: producerEpoch,
        sequence: baseSequence,
        count: recordCount,
        offset: this.end,
      });
    }
    const baseOffset = this.end;
    const stored = Buffer.from(batch);
    stampBaseOffset(stored, 0, baseOffset);
    stampLeaderEpoch(stored, 0, this.epoch);
    this.append(stored);
    return answer(ERROR.NONE, baseOffset);
  }

  /** Takes a batch as it is, at its own offset. */
  append(batch: Buffer): void {
    this.batches.push(batch);
    this.end = batchLastOffset(batch) + 1;
    for (const tail of this.tails) this.feed(tail);
  }

  beginEpoch(epoch: number, startOffset = this.end): void {
    this.epoch = epoch;
    this.epochStarts.push({ epoch, startOffset });
  }

  /** Retention: what lies below is gone. */
  advanceStart(offset: number): void {
    this.start = offset;
    this.batches = this.batches.filter((batch) => batchLastOffset(batch) >= offset);
    for (const tail of this.tails) this.feed(tail);
  }

  /** An unsynced tail is lost. */
  truncate(offset: number): void {
    this.batches = this.batches.filter((batch) => batchLastOffset(batch) < offset);
    this.end = offset;
    for (const tail of [...this.tails]) if (tail.position > offset) tail.handlers.onDiverged(offset);
  }

  from(offset: number, maxBytes: number): Buffer[] {
    const found: Buffer[] = [];
    let bytes = 0;
    for (const batch of this.batches) {
      if (batchLastOffset(batch) < offset) continue;
      if (found.length > 0 && bytes + batchSizeInBytes(batch) > maxBytes) break;
      found.push(batch);
      bytes += batch.length;
    }
    return found;
  }

  feed(tail: MemoryTail): void {
    if (this.isUnavailable) return;
    const range = { start: this.start, end: this.end };
    if (tail.position < this.start || tail.position > this.end) return tail.handlers.onOutOfRange(range);
    const buffers = this.from(tail.position, Number.POSITIVE_INFINITY);
    if (buffers.length === 0) return;
    tail.position = this.end;
    tail.handlers.onSlice({ buffers: [Buffer.concat(buffers)], epochs: this.epochStarts });
  }
}

export class MemoryBroker implements BrokerPort {
  readonly topics = new Map<string, { facts: TopicFacts; partitions: MemoryPartition[] }>();
  readonly region: string;
  autoCreate = true;
  /** While true every call fails as an unreachable broker does. */
  isAway = false;
  reads = 0;
  lookUps = 0;
  produces = 0;
  /** Batches that were produced, as they came. */
  readonly produced: Buffer[] = [];
  private readonly timers: Timers;
  private nextProducer = 0;
  private nextTopic = 1;

  constructor(timers: Timers, region: string) {
    this.timers = timers;
    this.region = region;
  }

  addTopic(name: string, partitions: number, origin?: { region: string; topicId: string }): MemoryPartition[] {
    const localId = `00000000-0000-4000-8000-${String(this.nextTopic++).padStart(12, '0')}`;
    const logs = Array.from({ length: partitions }, () => new MemoryPartition());
    const facts = {
      name,
      localId,
      partitions,
      originRegion: origin?.region ?? this.region,
      originTopicId: origin?.topicId ?? localId,
      isCopy: origin !== undefined,
      isRebased: false,
    };
    this.topics.set(name, { facts, partitions: logs });
    return logs;
  }

  partition(name: string, index: number): MemoryPartition {
    const found = this.topics.get(name)?.partitions[index];
    if (found === undefined) throw new Error(`no ${name}-${index}`);
    return found;
  }

  async describe(names: readonly string[]): Promise<Map<string, TopicFacts>> {
    await this.answer();
    const found = names.map((name) => this.topics.get(name)?.facts).filter((facts) => facts !== undefined);
    return new Map(found.map((facts) => [facts.name, facts]));
  }

  async create(name: string): Promise<TopicFacts | undefined> {
    await this.answer();
    if (this.autoCreate && !this.topics.has(name)) this.addTopic(name, 2);
    return this.topics.get(name)?.facts;
  }

  async countTopics(prefix: string): Promise<number> {
    await this.answer();
    return [...this.topics.keys()].filter((name) => name.startsWith(prefix)).length;
  }

  async ends(topic: TopicFacts, queries: readonly { partition: number; epoch: number }[]) {
    this.lookUps++;
    await this.answer();
    return queries.map(({ partition, epoch }) => {
      const { start, end, epochStarts, isUnavailable } = this.partition(topic.name, partition);
      if (isUnavailable) return undefined;
      const epochs = new OriginEpochs();
      epochs.add(epochStarts.filter((entry) => topic.isCopy || entry.epoch !== PROMOTED_EPOCH));
      return { start, end, epochEnd: epoch < 0 ? undefined : epochs.endOf(epoch, end) };
    });
  }

  lostIn(topic: TopicFacts, partition: number) {
    return this.partition(topic.name, partition).lost;
  }

  async lookForLost(): Promise<void> {
    await this.answer();
    for (const { partitions } of this.topics.values()) {
      for (const log of partitions) log.lost.push(...log.lostLater.splice(0));
    }
  }

  async read(topic: TopicFacts, partition: number, offset: number, maxBytes: number) {
    this.reads++;
    await this.answer();
    const log = this.partition(topic.name, partition);
    if (log.isUnavailable) throw Object.assign(new Error('storage error'), { code: 'unavailable' });
    if (offset < log.start || offset > log.end) return { outOfRange: { start: log.start, end: log.end } };
    const end = log.knownEnd ?? log.end;
    const buffers = log.from(offset, maxBytes).filter((batch) => batchLastOffset(batch) < end);
    return { buffers, epochs: log.epochStarts, end } satisfies OldSlice;
  }

  tail(topic: TopicFacts, partition: number, offset: number, handlers: TailHandlers) {
    const log = this.partition(topic.name, partition);
    const tail: MemoryTail = { position: offset, handlers };
    log.tails.add(tail);
    this.timers.after(0, () => log.tails.has(tail) && log.feed(tail));
    return {
      seek(to: number) {
        tail.position = to;
      },
      remove: () => void log.tails.delete(tail),
    };
  }

  async carryOver({ promoted }: TopicFacts, partition: number, offset: number) {
    await this.answer();
    const cut = promoted?.cuts[partition] ?? 0;
    return { offset: Math.min(offset, cut), lost: Math.max(0, offset - cut) };
  }

  async produce(topic: TopicFacts, partition: number, batch: Buffer): Promise<Produced> {
    this.produces++;
    await this.answer();
    this.produced.push(batch);
    return this.partition(topic.name, partition).produce(batch);
  }

  async initProducer() {
    await this.answer();
    return { producerId: 2 ** 40 + this.nextProducer++, producerEpoch: 0 };
  }

  async close(): Promise<void> {}

  private async answer(): Promise<void> {
    await this.timers.sleep(1);
    if (this.isAway) throw Object.assign(new Error('nobody there'), { code: 'unreachable' });
  }
}
