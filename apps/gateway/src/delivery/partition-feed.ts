/**
 * One physical partition as all sessions of the gateway see it: one reader at its end whose chunks go to everybody,
 * a ring of the latest chunks, and reads on demand for those further behind, shared by all who stand at one offset.
 *
 *     … old records (read on demand, chunk cache) … [ ring, from the tail reader ] end
 *
 * Invariant: `chunkAt(p)` covers p, or nothing of p is known yet; the ring has no hole and ends at `end`.
 */
import type { Timers } from '@meridian/io';
import { PROMOTED_EPOCH } from '@meridian/protocol';
import type { BrokerPort, LogRange, OldSlice, Slice, Tail, TopicFacts } from '../broker/broker-port.ts';
import { LIMITS } from '../limits.ts';
import { ReturnWatch } from '../resume/return-watch.ts';
import { type Chunk, chunksOf, type FeedOrigin, hasHole, undecodableChunk } from './chunk.ts';
import type { ChunkCache } from './chunk-cache.ts';
import { OriginEpochs } from './origin-epochs.ts';
import type { BatchInfo } from './shown-records.ts';

/** Somebody who reads the feed; told when there may be more, or when its place is gone. */
export interface FeedReader {
  /** The offset it wants to read next. */
  readonly reading: number;
  onReadable(): void;
  /** Its offset lies below or beyond the log. */
  onOutOfRange(range: LogRange): void;
  /** What it read from `offset` on is no longer in the log. */
  onDiverged(offset: number): void;
}

export interface FeedDeps {
  readonly broker: BrokerPort;
  readonly timers: Timers;
  readonly cache: ChunkCache;
}

const NOTHING_LOST: readonly LogRange[] = [];
const NO_BATCHES: Slice = { buffers: [], epochs: [] };

const isEmpty = ({ buffers, undecodable, next }: Slice): boolean =>
  buffers.length === 0 && undecodable === undefined && next === undefined;

export class PartitionFeed {
  readonly facts: TopicFacts;
  readonly origin: FeedOrigin;
  /** What the log lacks although it lies inside of it; only copies have such ranges. */
  readonly lost: readonly LogRange[];
  /** For those who found the partition unavailable. */
  readonly returns: ReturnWatch;
  private readonly deps: FeedDeps;
  private readonly readers = new Set<FeedReader>();
  private readonly epochs = new OriginEpochs();
  private readonly old = new Map<number, Chunk>();
  private readonly reads = new Set<number>();
  /** Of a copy: what came and is not in the ring yet. */
  private incoming: Slice[] = [];
  private ring: Chunk[] = [];
  private ringBytes = 0;
  private end = 0;
  private tail: Tail | undefined;

  constructor(deps: FeedDeps, facts: TopicFacts, origin: FeedOrigin) {
    this.deps = deps;
    this.facts = facts;
    this.origin = origin;
    this.lost = facts.isCopy ? deps.broker.lostIn(facts, origin.partition) : NOTHING_LOST;
    this.returns = new ReturnWatch(deps, facts, origin.partition);
  }

  /** `logEnd` is where the log ended when the reader's place was looked up; the first reader's is where the tail begins. */
  join(reader: FeedReader, logEnd: number): void {
    this.readers.add(reader);
    if (this.tail !== undefined) return;
    this.end = logEnd;
    this.tail = this.deps.broker.tail(this.facts, this.origin.partition, logEnd, {
      onSlice: (slice) => this.onSlice(slice),
      onAdvance: (offset) => this.take({ ...NO_BATCHES, next: offset }),
      onOutOfRange: (range) => this.onTailOutOfRange(range),
      onDiverged: (offset) => this.onTailDiverged(offset),
    });
  }

  leave(reader: FeedReader): void {
    this.readers.delete(reader);
    if (this.readers.size > 0) return;
    this.tail?.remove();
    this.tail = undefined;
    this.forget();
  }

  /** The chunk that covers `offset`; undefined if it has to be waited for (`onReadable` follows). */
  chunkAt(offset: number): Chunk | undefined {
    if (offset >= this.end) return undefined;
    const first = this.ring[0];
    if (first !== undefined && offset >= first.from) return this.inRing(offset);
    const found = this.old.get(offset);
    if (found === undefined) this.readOld(offset);
    return found;
  }

  private inRing(offset: number): Chunk | undefined {
    let low = 0;
    let high = this.ring.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.ring[middle] as Chunk).from <= offset) low = middle;
      else high = middle - 1;
    }
    return this.ring[low];
  }

  private onSlice(slice: Slice): void {
    this.epochs.add(slice.epochs);
    if (!isEmpty(slice)) this.take(slice);
  }

  /** A copy's slice with a hole waits until it is known whether that was lost; what comes behind it waits, too. */
  private take(slice: Slice): void {
    if (!this.facts.isCopy) return this.append(this.cut(this.end, slice));
    this.incoming.push(slice);
    if (this.incoming.length === 1) this.takeIncoming();
  }

  private takeIncoming(): void {
    const { incoming } = this;
    for (let slice = incoming[0]; slice !== undefined; slice = incoming[0]) {
      if (slice.buffers.length === 0 || hasHole(this.end, slice.buffers)) {
        const waiting = slice;
        void this.deps.broker
          .lookForLost()
          .catch(() => undefined)
          .then(() => {
            if (this.incoming !== incoming) return; // it began anew meanwhile
            this.append(this.cut(this.end, waiting));
            incoming.shift();
            this.takeIncoming();
          });
        return;
      }
      this.append(this.cut(this.end, slice));
      incoming.shift();
    }
  }

  private append(chunks: readonly Chunk[]): void {
    for (const chunk of chunks) {
      this.ring.push(chunk);
      this.ringBytes += chunk.sizeInBytes;
      this.end = chunk.next;
    }
    while (this.ringBytes > LIMITS.ringBytes && this.ring.length > 1) {
      this.ringBytes -= (this.ring.shift() as Chunk).sizeInBytes;
    }
    if (chunks.length > 0) for (const reader of this.readers) reader.onReadable();
  }

  private cut(from: number, { buffers, undecodable, next: advanced }: Slice, advanceTo = advanced): Chunk[] {
    const epochOf = this.hasEpochList ? (batch: BatchInfo) => this.epochs.epochAt(batch.baseOffset) : undefined;
    const upTo = advanceTo === undefined ? undefined : Math.min(advanceTo, this.copyEnd);
    const all = chunksOf(this.origin, from, buffers, epochOf, upTo);
    // Promoted, and the topics have not been looked at since: what is the topic's own is none of this feed.
    const chunks = all.filter(({ epoch }) => epoch !== PROMOTED_EPOCH);
    const next = chunks.at(-1)?.next ?? from;
    if (undecodable !== undefined && undecodable.to > next)
      chunks.push(undecodableChunk(this.origin, next, undecodable));
    return chunks;
  }

  /** Where the copy ends for good, if it was promoted. */
  private get copyEnd(): number {
    return this.hasEpochList ? this.epochs.startOf(PROMOTED_EPOCH) : Number.POSITIVE_INFINITY;
  }

  /** A copy's batches bear its own epochs, and the origin's come beside them, unless they were translated. */
  private get hasEpochList(): boolean {
    return this.facts.isCopy && !this.facts.isRebased;
  }

  private readOld(offset: number): void {
    if (this.reads.has(offset)) return;
    this.reads.add(offset);
    this.deps.broker.read(this.facts, this.origin.partition, offset, LIMITS.catchUpReadBytes).then(
      (result) => {
        this.reads.delete(offset);
        if ('outOfRange' in result) this.tellRange(result.outOfRange, offset);
        else this.takeOld(offset, result);
      },
      () => this.readLater(offset),
    );
  }

  /** The broker is away or the leader has moved: whoever still waits asks again. */
  private readLater(offset: number): void {
    this.reads.add(offset);
    this.deps.timers.after(LIMITS.readRetryMs, () => {
      this.reads.delete(offset);
      this.wake(offset);
    });
  }

  private takeOld(offset: number, slice: OldSlice): void {
    if (this.tail === undefined) return;
    this.epochs.add(slice.epochs);
    const hasNothing = isEmpty(slice);
    // An answer without batches: there are none up to where its leader knows the log, or the tail reader began.
    const emptyTo = Math.min(this.ring[0]?.from ?? this.end, slice.end);
    if (hasNothing && emptyTo <= offset) return this.readLater(offset);
    const chunks = this.cut(offset, slice, hasNothing ? emptyTo : undefined);
    for (const chunk of chunks) this.deps.cache.add(this.old, chunk);
    this.wake(offset);
  }

  private wake(offset: number): void {
    for (const reader of this.readers) if (reader.reading === offset) reader.onReadable();
  }

  private tellRange(range: LogRange, offset: number): void {
    for (const reader of [...this.readers]) if (reader.reading === offset) reader.onOutOfRange(range);
  }

  private onTailOutOfRange(range: LogRange): void {
    const target = Math.min(Math.max(this.end, range.start), range.end);
    this.restart(target);
    for (const reader of [...this.readers]) {
      if (reader.reading < range.start || reader.reading > range.end) reader.onOutOfRange(range);
      else reader.onReadable();
    }
  }

  private onTailDiverged(offset: number): void {
    this.restart(offset);
    for (const reader of [...this.readers]) reader.onDiverged(offset);
  }

  private restart(offset: number): void {
    this.forget();
    this.end = offset;
    this.tail?.seek(offset);
  }

  private forget(): void {
    this.incoming = [];
    this.ring = [];
    this.ringBytes = 0;
    this.deps.cache.clear(this.old);
  }
}
