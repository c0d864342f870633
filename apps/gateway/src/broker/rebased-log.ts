/**
 * Re-based copies (in regions on Apache Kafka) as the port wants them: their logs have offsets of their own, and everybody
 * above speaks the origin's. Used by `client-broker.ts` for topics with `isRebased`, and by `rebased-tail.ts`.
 *
 *     in the log    … [data 40–49] [data 50–59] [marker 60] [data 61–70] …
 *     going up      … [1200–1209]  [1210–1219]              [1300–1309]  …   base offset and epoch stamped into each header
 *
 * Invariant: a batch is translated by runs that were read after it was: the mirror writes a run before the run's first
 * batch, so none can be missing. What no run tells of was not written by the mirror, and is passed over with a warning.
 */
import type { Client } from '@meridian/client';
import { dataEnd, type FollowedRuns, type RunsStore } from '@meridian/coordinates';
import type { Logger } from '@meridian/io';
import { OriginEpochs } from '../delivery/origin-epochs.ts';
import { inOriginOffsets } from '../delivery/origin-offsets.ts';
import { LIMITS } from '../limits.ts';
import type {
  EndsQuery,
  LogRange,
  OldSlice,
  PartitionEnds,
  Slice,
  TopicFacts,
  UndecodableRange,
} from './broker-port.ts';
import { readOnce, readRanges } from './log-queries.ts';

/** A copy as it is now: its log, where the records in it end (markers may follow), and the runs. */
interface Extent extends LogRange {
  readonly dataEnd: number;
}

interface Copy {
  readonly runs: FollowedRuns;
  readonly extent: Extent;
  /** In the origin's offsets. */
  readonly range: LogRange;
}

export class RebasedLog {
  private readonly client: Client;
  private readonly runs: RunsStore;
  private readonly log: Logger;
  /** By copy and partition, good for as long as the log ends where it did. */
  private readonly extents = new Map<string, Extent>();

  constructor({ client, runs, log }: { client: Client; runs: RunsStore; log: Logger }) {
    this.client = client;
    this.runs = runs;
    this.log = log;
  }

  async ends(topic: TopicFacts, queries: readonly EndsQuery[]): Promise<(PartitionEnds | undefined)[]> {
    const logs = await readRanges(this.client, topic, queries);
    const found = queries.map(async ({ partition, epoch }, index): Promise<PartitionEnds | undefined> => {
      const log = logs[index];
      if (log === undefined) return undefined;
      const { runs, range } = await this.copy(topic, partition, log);
      const epochs = new OriginEpochs();
      epochs.add(runs.originEpochs().filter(({ startOffset }) => startOffset < range.end));
      return { ...range, epochEnd: epoch < 0 ? undefined : epochs.endOf(epoch, range.end) };
    });
    const settled = await Promise.allSettled(found); // one that fails is unavailable
    return settled.map((one) => (one.status === 'fulfilled' ? one.value : undefined));
  }

  /** Goes on behind markers until there is a record, or the log ends. */
  async read(
    topic: TopicFacts,
    partition: number,
    offset: number,
    maxBytes: number,
  ): Promise<OldSlice | { outOfRange: LogRange }> {
    const place = await this.placeOf(topic, partition, offset);
    if (typeof place !== 'number') return place;
    let at = place;
    for (let step = 0; step < LIMITS.maxMarkersInARow; step++) {
      const slice = await readOnce(this.client, topic, partition, at, maxBytes);
      if ('outOfRange' in slice) break;
      const translated = await this.translate(topic, partition, slice);
      if (translated.buffers.length > 0 || translated.undecodable) return { ...translated, end: offset };
      if (slice.next === undefined || slice.next <= at) break;
      at = slice.next;
    }
    const { range } = await this.copy(topic, partition);
    return offset < range.start ? { outOfRange: range } : { buffers: [], epochs: [], end: range.end };
  }

  /** Batches of the log in the origin's offsets; of a slice that held nothing but markers nothing is left. */
  async translate(topic: TopicFacts, partition: number, slice: Slice): Promise<Slice> {
    const runs = await this.runsOf(topic, partition);
    const { buffers, foreign } = inOriginOffsets(slice.buffers, runs);
    if (foreign > 0) {
      this.log.warn('batches that the mirror did not write', { topic: topic.name, partition, batches: foreign });
    }
    const undecodable = slice.undecodable && translatedRange(slice.undecodable, runs);
    return { buffers, epochs: [], ...(undecodable && { undecodable }) };
  }

  /** Where the log has the first record at or behind an offset of the origin. */
  async placeOf(topic: TopicFacts, partition: number, offset: number): Promise<number | { outOfRange: LogRange }> {
    const { runs, extent, range } = await this.copy(topic, partition);
    const place = runs.between(extent.start, extent.dataEnd).toLocal(offset);
    if (place.status === 'behind' || offset < range.start) return { outOfRange: range };
    return Math.min(place.offset, extent.end);
  }

  /** The offset at the origin that follows everything below `local`. */
  async originOf(topic: TopicFacts, partition: number, local: number): Promise<number> {
    const { runs, extent } = await this.copy(topic, partition);
    const inside = Math.min(Math.max(local, extent.start), extent.dataEnd);
    const place = runs.between(extent.start, extent.dataEnd).toOrigin(inside);
    return place.status === 'behind' ? 0 : place.offset;
  }

  /** Of a copy that was promoted: its runs still tell of what lies below the cut. */
  async carryOver(topic: TopicFacts, partition: number, offset: number): Promise<{ offset: number; lost: number }> {
    const cut = topic.promoted?.cuts[partition] ?? 0;
    const runs = await this.runsOf(topic, partition);
    const openStart = runs.openStart(cut); // who promotes leaves a marker below the cut, which is no record
    const log = { client: this.client, topic: topic.name, topicId: topic.localId, partition };
    const end = openStart === undefined ? cut : await dataEnd(log, openStart, cut);
    const place = runs.between(0, end, cut).toLocal(offset);
    if (place.status === 'behind') return { offset: cut, lost: place.records };
    return { offset: Math.min(place.offset, cut), lost: 0 };
  }

  async rangeOf(topic: TopicFacts, partition: number): Promise<LogRange> {
    return (await this.copy(topic, partition)).range;
  }

  private async copy(topic: TopicFacts, partition: number, known?: LogRange): Promise<Copy> {
    const log = known ?? (await readRanges(this.client, topic, [{ partition }]))[0];
    if (log === undefined) {
      throw Object.assign(new Error(`${topic.name}-${partition} has no leader`), { code: 'unavailable' });
    }
    const extent = await this.extentOf(topic, partition, log);
    const runs = await this.runsOf(topic, partition);
    const { toOrigin } = runs.between(extent.start, extent.dataEnd);
    const originOf = (local: number): number => {
      const place = toOrigin(local);
      return place.status === 'behind' ? 0 : place.offset;
    };
    return { runs, extent, range: { start: originOf(extent.start), end: originOf(extent.dataEnd) } };
  }

  private runsOf({ localId }: TopicFacts, partition: number): Promise<FollowedRuns> {
    return this.runs.caughtUp({ copyId: localId, partition });
  }

  /** Markers behind the last record are no records. */
  private async extentOf(topic: TopicFacts, partition: number, { start, end }: LogRange): Promise<Extent> {
    const key = `${topic.localId} ${partition}`;
    const known = this.extents.get(key);
    if (known?.end === end) return { start, end, dataEnd: Math.max(start, known.dataEnd) };
    const from = Math.max(start, known?.dataEnd ?? 0);
    const log = { client: this.client, topic: topic.name, topicId: topic.localId, partition };
    const found = end > from ? await dataEnd(log, from, end) : end;
    if (this.extents.size >= LIMITS.maxKnownTopics) this.extents.clear();
    const extent = { start, end, dataEnd: Math.max(start, found) };
    this.extents.set(key, extent);
    return extent;
  }
}

function translatedRange({ from, to, reason }: UndecodableRange, runs: FollowedRuns): UndecodableRange | undefined {
  const origin = runs.originAt(from);
  return origin && { from: origin.originOffset, to: origin.originOffset + (to - from), reason };
}
