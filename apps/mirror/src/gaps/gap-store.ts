/**
 * The gaps of all copies of a region, as `__meridian_gaps` has them: read and followed, and written before anybody goes
 * beyond one. Shared by the links of a process; read by status, by `GET /v1/gaps` and by the keeper, for which a record
 * of `new-incarnation` is the order to begin a copy anew. Invariant: totals count every gap once, however often its
 * record was rewritten.
 */
import type { Client } from '@meridian/client';
import { CompactedTopic, type RegionTopic } from '@meridian/coordinates';
import type { Io } from '@meridian/io';
import { ERROR } from '@meridian/protocol';
import type { MirrorLimits } from '../limits.ts';
import type { GapKeeper, TaskPlace } from '../task/mirror-task.ts';
import type { GapTotals } from '../task/task-status.ts';
import {
  decodeGap,
  encodeGap,
  GAPS_TOPIC,
  type GapPolicy,
  type GapRecord,
  gapKey,
  type LostRange,
} from './gap-record.ts';

export interface GapStoreOptions {
  readonly io: Pick<Io, 'clock' | 'timers'>;
  readonly client: Client;
  readonly limits: Pick<MirrorLimits, 'gapsKept' | 'gapReasonLength'>;
}

const NONE: GapTotals = { gaps: 0, lost: 0 };

export class GapStore {
  private readonly options: GapStoreOptions;
  private readonly topic: CompactedTopic;
  /** By key, in the order in which they were written. */
  private readonly gaps = new Map<string, GapRecord>();
  private readonly totals = new Map<string, GapTotals>();
  /** Records that this version does not understand. */
  unreadable = 0;
  private isFollowed = false;
  /** The region has said once what is on record, or that nothing is. */
  private isRead = false;

  constructor(options: GapStoreOptions) {
    this.options = options;
    this.topic = new CompactedTopic({
      io: options.io,
      client: options.client,
      topic: GAPS_TOPIC,
      createPartitions: 1,
      onRecord: (key, value) => this.take(key.toString('utf8'), value),
      onReset: () => this.reset(),
    });
  }

  /** Called whenever the target's topics have been looked through; made by the first gap only. */
  async follow(exists: boolean): Promise<void> {
    if (exists && !this.isFollowed) {
      await this.topic.ready();
      this.isFollowed = true;
    }
    this.isRead = true;
  }

  /** For those who ask before anybody has looked. Rejects if the region does not answer. */
  async look(timeoutMs: number): Promise<void> {
    if (this.isRead) return;
    const { topics } = await this.options.client.metadata([GAPS_TOPIC], { timeoutMs, maxAgeMs: 0 });
    await this.follow(topics.get(GAPS_TOPIC)?.errorCode === ERROR.NONE);
  }

  /** Oldest first. */
  list(): GapRecord[] {
    return [...this.gaps.values()];
  }

  totalsOf(link: string, topicId: string, partition: number): GapTotals {
    return this.totals.get(`${link}/${topicId}/${partition}`) ?? NONE;
  }

  /** The gap for which this very incarnation of the copy has to be begun anew. */
  newIncarnationFor(copy: string, incarnation: number): GapRecord | undefined {
    for (const gap of this.gaps.values()) {
      if (gap.copy === copy && gap.incarnation === incarnation && gap.policy === 'new-incarnation') return gap;
    }
    return undefined;
  }

  keeper(link: string, policyOf: (topic: string) => GapPolicy): GapKeeper {
    return { policyOf, record: (place, lost, treatment) => this.record(link, place, lost, treatment) };
  }

  close(): void {
    this.topic.close();
  }

  /** What a copy that has its origin's offsets went on after: both ends included. */
  lostOf({ name, facts }: RegionTopic, partition: number): { from: number; to: number }[] {
    const isHere = (gap: GapRecord): boolean =>
      gap.copy === name && gap.partition === partition && gap.incarnation === facts?.incarnation;
    return [...this.gaps.values()].flatMap((gap) =>
      isHere(gap) && gap.policy === 'mark-gap' && gap.to > gap.from ? [{ from: gap.from, to: gap.to - 1 }] : [],
    );
  }

  private async record(link: string, place: TaskPlace, lost: LostRange, policy: GapPolicy): Promise<void> {
    const { topic, topicId, copy, partition, incarnation } = place;
    const { kind, from, to, epochBefore, epochAfter } = lost;
    const reason = lost.reason.slice(0, this.options.limits.gapReasonLength);
    const foundAtMs = this.options.io.clock.now();
    const range = { kind, from, to, epochBefore, epochAfter, reason };
    const found: GapRecord = { v: 1, link, topic, topicId, copy, partition, ...range, foundAtMs, policy, incarnation };
    const gap = kind === 'recreated' ? this.asFoundFirst(found) : found;
    const known = this.gaps.get(gapKey(gap).toString());
    if (known !== undefined && isSame(known, gap)) return;
    await this.topic.put(gapKey(gap), encodeGap(gap));
  }

  /** A topic goes once: of two mirrors that find it gone the first one knew best how far the copy, and it, had come. */
  private asFoundFirst(gap: GapRecord): GapRecord {
    const { link, topicId, partition, incarnation, policy } = gap;
    for (const known of this.gaps.values()) {
      const isOf = known.topicId === topicId && known.partition === partition && known.incarnation === incarnation;
      if (isOf && known.kind === 'recreated' && known.link === link) return { ...known, policy };
    }
    return gap;
  }

  private take(key: string, value: Buffer | null): void {
    const before = this.gaps.get(key);
    if (before !== undefined) this.count(before, -1);
    this.gaps.delete(key);
    if (value === null) return;
    const gap = decodeGap(value);
    if (gap === undefined) {
      this.unreadable++;
      return;
    }
    this.gaps.set(key, gap);
    this.count(gap, 1);
    if (this.gaps.size <= this.options.limits.gapsKept) return;
    const [oldest] = this.gaps.keys();
    this.gaps.delete(oldest!);
  }

  private count({ link, topicId, partition, from, to }: GapRecord, sign: 1 | -1): void {
    const at = `${link}/${topicId}/${partition}`;
    const { gaps, lost } = this.totals.get(at) ?? NONE;
    this.totals.set(at, { gaps: gaps + sign, lost: lost + sign * (to - from) });
  }

  private reset(): void {
    this.gaps.clear();
    this.totals.clear();
    this.unreadable = 0;
    this.isFollowed = false;
  }
}

function isSame(a: GapRecord, b: GapRecord): boolean {
  return a.to === b.to && a.policy === b.policy && a.kind === b.kind && a.incarnation === b.incarnation;
}
