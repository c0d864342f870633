/**
 * Opens a subscription: looks the topic up, plans where each partition begins, says so, and lets records go; later
 * adds what appears and drops what is gone. One per subscription, started by the session's shell.
 *
 *     listen → look up → log ends and epochs → plan → `subscribed` → `cursor` → records
 *
 * Invariant: changes of the topic are taken in one after another, and none before `subscribed` was sent.
 */
import type { Timers } from '@meridian/io';
import type { PartitionStatus, ServerFrame } from '@meridian/sdk/frames';
import { type CursorPosition, decodeCursor, type KeyRing } from '@meridian/tenancy';
import type { BrokerPort, PartitionEnds } from '../broker/broker-port.ts';
import type { PartitionFeed } from '../delivery/partition-feed.ts';
import { type Outlet, Subscription } from '../delivery/subscription.ts';
import { LIMITS } from '../limits.ts';
import type { GlobalTopic, GlobalTopics } from '../resume/global-topic.ts';
import { type Positions, positionKey, resumePositions } from '../resume/positions.ts';
import { planStart, type Start, type Wanted } from '../resume/resume.ts';
import type { SubscribeRequest } from './client-frames.ts';

export interface SubscriptionDeps {
  readonly broker: BrokerPort;
  readonly topics: GlobalTopics;
  readonly timers: Timers;
  readonly keys: KeyRing;
}

export interface SubscriptionHost extends Outlet {
  readonly tenant: string;
  readonly shape: 'json' | 'bin';
  nowMs(): number;
  send(frame: ServerFrame): void;
}

interface Planned {
  readonly feed: PartitionFeed;
  readonly start: Start;
  readonly logEnd: number;
}

export class OpenSubscription {
  readonly subscription: Subscription;
  private readonly deps: SubscriptionDeps;
  private readonly host: SubscriptionHost;
  private readonly request: SubscribeRequest;
  private readonly topic: GlobalTopic;
  private readonly stopListening: () => void;
  private work: Promise<void> = Promise.resolve();
  private isClosed = false;

  constructor(deps: SubscriptionDeps, host: SubscriptionHost, request: SubscribeRequest) {
    this.deps = deps;
    this.host = host;
    this.request = request;
    const { topic, credits } = request;
    const bounded = {
      messages: Math.min(credits.messages, LIMITS.maxCreditMessages),
      bytes: Math.min(credits.bytes, LIMITS.maxCreditBytes),
    };
    this.subscription = new Subscription({ topic, shape: host.shape, credits: bounded }, host);
    this.topic = deps.topics.get(host.tenant, topic);
    this.stopListening = this.topic.listen((gone, added) => {
      this.work = this.work.then(() => this.change(gone, added));
    });
  }

  /** Rejects if the position is refused or the broker is away; then it is closed. */
  open(): Promise<void> {
    const opening = this.start();
    this.work = opening.catch(() => this.close());
    return opening;
  }

  close(): void {
    this.isClosed = true;
    this.stopListening();
    this.subscription.close();
  }

  private async start(): Promise<void> {
    const { from, topic, id } = this.request;
    const positions: Positions = from === 'cursor' ? this.readPositions() : new Map();
    await this.topic.ready();
    const planned = await this.plan(this.topic.feeds(), (feed) => {
      if (from === 'latest') return 'latest';
      return take(positions, feed) ?? 'earliest';
    });
    if (this.isClosed) return;
    const statuses = planned.map(({ start }) => start.status);
    for (const position of positions.values()) {
      this.subscription.keepAbsent(position);
      statuses.push(absentStatus(position));
    }
    for (const { feed, start, logEnd } of planned) this.subscription.add(feed, start, logEnd);
    this.host.send({ type: 'subscribed', id, topic, partitions: statuses });
    this.host.sendCursor(this.subscription);
    this.subscription.open(this.host.nowMs());
  }

  private readPositions(): Positions {
    const { topic, cursor = '', after } = this.request;
    return resumePositions(decodeCursor(this.deps.keys, { tenant: this.host.tenant, topic }, cursor), after);
  }

  private async change(gone: readonly PartitionFeed[], added: readonly PartitionFeed[]): Promise<void> {
    for (const feed of gone) {
      const position = this.subscription.drop(feed);
      if (position !== undefined) this.subscription.keepAbsent(position);
    }
    for (;;) {
      if (this.isClosed) return;
      try {
        // One look-up may have told both the opening and this change of them.
        const missing = added.filter((feed) => !this.subscription.reads(feed));
        return this.addLater(await this.plan(missing, (feed) => this.wantedLater(feed)));
      } catch {
        await this.deps.timers.sleep(LIMITS.readRetryMs); // the broker is away: its return is only a matter of time
      }
    }
  }

  private addLater(planned: readonly Planned[]): void {
    if (this.isClosed) return;
    for (const { feed, start, logEnd } of planned) {
      const { region, partition } = feed.origin;
      const position = this.subscription.takeAbsent(region, partition);
      this.subscription.add(feed, start, logEnd);
      const { status } = start;
      if (status.status !== 'gap') continue;
      const place = position ?? { region, topicId: feed.origin.topicId, partition, epoch: -1, offset: 0 };
      const from = { ...place, topicId: status.topicId, offset: status.from ?? 0 };
      this.subscription.sendGap(from, status.to ?? 0, status.reason ?? 'retention');
    }
  }

  /** What appears later was not there before: all of it is new to the client, unless its cursor knows it. */
  private wantedLater(feed: PartitionFeed): Wanted {
    const { region, partition, topicId } = feed.origin;
    return this.subscription.peekAbsent(region, partition) ?? { topicId, offset: 0, epoch: -1 };
  }

  private async plan(feeds: readonly PartitionFeed[], wantedOf: (feed: PartitionFeed) => Wanted): Promise<Planned[]> {
    const bySource = Map.groupBy(feeds, (feed) => feed.facts);
    const planned: Planned[][] = await Promise.all(
      [...bySource].map(async ([facts, group]) => {
        const wanted = group.map(wantedOf);
        const queries = group.map((feed, index) => ({
          partition: feed.origin.partition,
          epoch: epochOf(wanted[index]),
        }));
        const ends = await this.deps.broker.ends(facts, queries);
        return group.map((feed, index) => {
          const end = ends[index] as PartitionEnds;
          const start = planStart(facts, feed.origin.partition, end, wanted[index] as Wanted);
          return { feed, start, logEnd: end.end };
        });
      }),
    );
    return planned.flat();
  }
}

function take(positions: Positions, feed: PartitionFeed): Wanted | undefined {
  const key = positionKey(feed.origin.region, feed.origin.partition);
  const position = positions.get(key);
  positions.delete(key);
  return position;
}

const epochOf = (wanted: Wanted | undefined): number => (typeof wanted === 'object' ? wanted.epoch : -1);

/** The region has nothing of this partition yet: everything up to the position has still to come. */
function absentStatus({ region, topicId, partition, offset }: CursorPosition): PartitionStatus {
  const origin = { region, topicId, partition };
  return offset === 0
    ? { ...origin, status: 'exact', offset }
    : { ...origin, status: 'behind', offset, behindBy: offset };
}
