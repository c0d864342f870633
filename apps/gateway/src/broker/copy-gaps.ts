/**
 * What copies lack because their origins lost it before it was copied (policy `mark-gap`), as the mirror has it on record
 * in `__meridian_gaps` before it goes on behind such a range. Followed by `client-broker.ts`, told to clients by
 * `delivery/subscription.ts`.
 * Invariant: a list that was handed out is the partition's for ever; new ranges appear in it, in order.
 */
import type { Client } from '@meridian/client';
import { CompactedTopic } from '@meridian/coordinates';
import type { Io } from '@meridian/io';
import type { LogRange } from './broker-port.ts';

const GAPS_TOPIC = '__meridian_gaps';

/** Of the mirror's record, what matters to a reader. `to` is exclusive. */
interface Gap {
  readonly v: 1;
  readonly topicId: string;
  readonly partition: number;
  readonly kind: string;
  readonly policy: string;
  readonly from: number;
  readonly to: number;
}

export class CopyGaps {
  private readonly topic: CompactedTopic;
  private under: Promise<void> | undefined;
  private next: Promise<void> | undefined;
  private readonly ranges = new Map<string, LogRange[]>();

  constructor(io: Pick<Io, 'clock' | 'timers'>, client: Client) {
    this.topic = new CompactedTopic({
      ...{ io, client, topic: GAPS_TOPIC },
      onReset: () => {
        for (const list of this.ranges.values()) list.length = 0;
      },
      onRecord: (_, value) => {
        const gap = value === null ? undefined : decode(value);
        if (gap !== undefined) this.add(gap);
      },
    });
  }

  /** What is on record now is in the lists. Who asks while one look is under way shares the next one. */
  ready(): Promise<void> {
    this.next ??= this.lookAfter(this.under);
    return this.next;
  }

  private async lookAfter(before: Promise<void> | undefined): Promise<void> {
    await before?.catch(() => undefined);
    this.under = this.topic.ready();
    this.next = undefined;
    await this.under;
  }

  /** By the topic id at the origin. */
  of(originTopicId: string, partition: number): readonly LogRange[] {
    return this.list(originTopicId, partition);
  }

  close(): void {
    this.topic.close();
  }

  private add({ topicId, partition, from, to }: Gap): void {
    const list = this.list(topicId, partition);
    const at = list.findIndex(({ start }) => start >= from);
    const range = { start: from, end: to };
    if (at < 0) list.push(range);
    else list.splice(at, list[at]?.start === from ? 1 : 0, range);
  }

  private list(topicId: string, partition: number): LogRange[] {
    const key = `${topicId} ${partition}`;
    let list = this.ranges.get(key);
    if (list === undefined) this.ranges.set(key, (list = []));
    return list;
  }
}

/** Undefined: another kind of gap, which readers see at the log's start or by its epochs; or one that is not understood. */
function decode(value: Buffer): Gap | undefined {
  try {
    const gap = JSON.parse(value.toString('utf8')) as Gap;
    const isRange = Number.isSafeInteger(gap.from) && Number.isSafeInteger(gap.to) && gap.to > gap.from;
    return gap.v === 1 && isRange && gap.kind === 'retention' && gap.policy === 'mark-gap' ? gap : undefined;
  } catch {
    return undefined;
  }
}
