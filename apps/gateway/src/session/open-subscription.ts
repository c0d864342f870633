/**
 * Opens a subscription: looks the topic up, plans where each partition begins, says so, and lets records go; later
 * adds what appears and drops what is gone. One per subscription, started by the session's shell.
 *
 *     listen → look up → log ends and epochs → plan → `subscribed` → `cursor` → records
 *
 * A partition that is unavailable is told as such and left out; its position stays in the cursors. When it is back, it
 * is planned again, told by a `status` frame, and delivered.
 *
 * Invariant: changes of the topic are taken in one after another, and none before `subscribed` was sent.
 */
import type { Timers } from '@meridian/io';
import type { PartitionStatus, ServerFrame } from '@meridian/sdk/frames';
import { type CursorPosition, decodeCursor, type KeyRing } from '@meridian/tenancy';
import type { BrokerPort } from '../broker/broker-port.ts';
import type { PartitionFeed } from '../delivery/partition-feed.ts';
import { type Outlet, Subscription } from '../delivery/subscription.ts';
import { GatewayError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { carriedOver } from '../resume/carry-over.ts';
import type { GlobalTopic, GlobalTopics } from '../resume/global-topic.ts';
import { type Positions, positionKey, resumePositions } from '../resume/positions.ts';
import { planStart, type Start, type Wanted } from '../resume/resume.ts';
import type { SubscribeRequest } from './client-frames.ts';

export interface SubscriptionDeps {
  readonly broker: BrokerPort;
  readonly topics: GlobalTopics;
  readonly timers: Timers;
  readonly keys: KeyRing;
  /** Of the topology. */
  readonly regions: readonly string[];
}

export interface SubscriptionHost extends Outlet {
  readonly tenant: string;
  readonly shape: 'json' | 'bin';
  nowMs(): number;
  send(frame: ServerFrame): void;
}

/** A place to begin at, or none: the partition is unavailable. */
type Planned = Ready | Missing;

interface Ready {
  readonly feed: PartitionFeed;
  readonly wanted: Wanted;
  readonly start: Start;
  readonly logEnd: number;
}

interface Missing {
  readonly feed: PartitionFeed;
  readonly wanted: Wanted;
  readonly start: undefined;
}

/** A partition whose return is waited for. */
interface Waiting {
  readonly tries: number;
  stop(): void;
}

export class OpenSubscription {
  readonly subscription: Subscription;
  private readonly deps: SubscriptionDeps;
  private readonly host: SubscriptionHost;
  private readonly request: SubscribeRequest;
  private readonly topic: GlobalTopic;
  private readonly stopListening: () => void;
  private readonly waiting = new Map<PartitionFeed, Waiting>();
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
    for (const { stop } of this.waiting.values()) stop();
    this.waiting.clear();
    this.subscription.close();
  }

  private async start(): Promise<void> {
    const { from, topic, id } = this.request;
    for (const { region } of this.request.after) {
      if (!this.deps.regions.includes(region)) throw new GatewayError('bad-request', `after: no region ${region}`);
    }
    const cursor = from === 'cursor' ? this.readCursor() : [];
    await this.topic.ready();
    const positions = this.positionsFrom(cursor);
    const planned = await this.plan(this.topic.feeds(), async (feed) => {
      if (from === 'latest') return 'latest';
      const carried = () => carriedOver(this.deps.broker, feed, (...place) => takeOf(positions, ...place));
      return take(positions, feed) ?? (await carried()) ?? 'earliest';
    });
    if (this.isClosed) throw new GatewayError('not-subscribed', `${topic}: unsubscribed before it began`);
    const statuses = planned.map(statusOf);
    for (const position of positions.values()) {
      this.subscription.keepAbsent(position);
      statuses.push(absentStatus(position));
    }
    for (const each of planned) {
      if (each.start !== undefined) this.subscription.add(each.feed, each.start, each.logEnd);
      else this.await(each, 0);
    }
    this.host.send({ type: 'subscribed', id, topic, partitions: statuses });
    this.host.sendCursor(this.subscription);
    this.subscription.open(this.host.nowMs());
  }

  private readCursor(): CursorPosition[] {
    const { topic, cursor = '' } = this.request;
    return decodeCursor(this.deps.keys, { tenant: this.host.tenant, topic }, cursor);
  }

  private positionsFrom(cursor: readonly CursorPosition[]): Positions {
    const { from, after } = this.request;
    if (from !== 'cursor') return new Map();
    const ids = new Map(this.topic.feeds().map(({ origin }) => [origin.region, origin.topicId]));
    return resumePositions(cursor, after, (region) => ids.get(region));
  }

  private async change(gone: readonly PartitionFeed[], added: readonly PartitionFeed[]): Promise<void> {
    const left = new Map<string, CursorPosition>();
    for (const feed of gone) {
      this.waiting.get(feed)?.stop();
      this.waiting.delete(feed);
      const position = this.subscription.drop(feed);
      if (position === undefined) continue;
      this.subscription.keepAbsent(position);
      if (!feed.facts.isRebased) left.set(logOf(feed), position);
    }
    for (;;) {
      if (this.isClosed) return;
      try {
        // One look-up may have told both the opening and this change of them.
        const unknown = added.filter((feed) => !this.subscription.reads(feed) && !this.waiting.has(feed));
        return this.addLater(await this.plan(unknown, (feed) => this.wantedLater(feed, left)));
      } catch {
        await this.deps.timers.sleep(LIMITS.readRetryMs); // the broker is away: its return is only a matter of time
      }
    }
  }

  private addLater(planned: readonly Planned[]): void {
    if (this.isClosed) return;
    for (const each of planned) {
      if (each.start === undefined) {
        this.host.send({ type: 'status', topic: this.request.topic, partitions: [statusOf(each)] });
        this.await(each, 0);
        continue;
      }
      const position = this.place(each);
      const { region, topicId, partition } = each.feed.origin;
      const { status } = each.start;
      if (status.status !== 'gap') continue;
      const place = position ?? { region, topicId, partition, epoch: -1, offset: 0 };
      const from = { ...place, topicId: status.topicId, offset: status.from ?? 0 };
      this.subscription.sendGap(from, status.to ?? 0, status.reason ?? 'retention');
    }
  }

  /** Leaves the partition out of delivery until it is back; where the client stands stays in its cursors. */
  private await({ feed, wanted }: Planned, tries: number): void {
    const { region, partition } = feed.origin;
    if (typeof wanted === 'object' && this.subscription.peekAbsent(region, partition) === undefined) {
      this.subscription.keepAbsent({ ...wanted, region, partition });
    }
    const stop = feed.returns.wait(tries, () => {
      this.work = this.work.then(() => this.takeReturned(feed, wanted));
    });
    this.waiting.set(feed, { tries, stop });
  }

  /** Nobody need be told if it is away again: that is what was said last. */
  private async takeReturned(feed: PartitionFeed, wanted: Wanted): Promise<void> {
    const waited = this.waiting.get(feed);
    if (this.isClosed || waited === undefined) return;
    const [planned] = await this.plan([feed], async () => wanted).catch(() => []);
    if (this.isClosed) return;
    if (planned?.start === undefined) return this.await({ feed, wanted, start: undefined }, waited.tries + 1);
    this.waiting.delete(feed);
    this.host.send({ type: 'status', topic: this.request.topic, partitions: [planned.start.status] });
    this.place(planned);
    this.host.sendCursor(this.subscription);
  }

  /** Delivery begins; returns the position that was kept for it. */
  private place({ feed, start, logEnd }: Ready): CursorPosition | undefined {
    const { region, partition } = feed.origin;
    const { promoted } = feed.facts;
    const carried = promoted && absentIn(this.subscription, promoted.region, partition, promoted.topicId);
    if (carried !== undefined) this.subscription.takeAbsent(carried.region, partition);
    const position = this.subscription.takeAbsent(region, partition);
    this.subscription.add(feed, start, logEnd);
    return position;
  }

  /** What appears later was not there before: all of it is new to the client, unless its cursor knows it. */
  private async wantedLater(feed: PartitionFeed, left: ReadonlyMap<string, CursorPosition>): Promise<Wanted> {
    const { region, partition, topicId } = feed.origin;
    const { subscription } = this;
    const known = subscription.peekAbsent(region, partition);
    if (known !== undefined) return known;
    // The very log that was read, promoted meanwhile: what came behind the cut since was delivered, too.
    const same = feed.facts.promoted && left.get(logOf(feed));
    if (same !== undefined) return { topicId, offset: same.offset, epoch: -1 };
    const carried = await carriedOver(this.deps.broker, feed, (from, number, id) =>
      absentIn(subscription, from, number, id),
    );
    return carried ?? { topicId, offset: 0, epoch: -1 };
  }

  private async plan(
    feeds: readonly PartitionFeed[],
    wantedOf: (feed: PartitionFeed) => Promise<Wanted>,
  ): Promise<Planned[]> {
    const bySource = Map.groupBy(feeds, (feed) => feed.facts);
    const planned: Planned[][] = await Promise.all(
      [...bySource].map(async ([facts, group]) => {
        const wanted = await Promise.all(group.map(wantedOf));
        const queries = group.map((feed, index) => ({
          partition: feed.origin.partition,
          epoch: epochOf(wanted[index]),
        }));
        const ends = await this.deps.broker.ends(facts, queries);
        return group.map((feed, index) => {
          const end = ends[index];
          const where = wanted[index] as Wanted;
          if (end === undefined) return { feed, wanted: where, start: undefined };
          const start = planStart(facts, feed.origin.partition, end, where);
          return { feed, wanted: where, start, logEnd: end.end };
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

/** For a topic that was a copy of what the position is in. */
function takeOf(positions: Positions, region: string, partition: number, topicId: string) {
  const key = positionKey(region, partition);
  const position = positions.get(key);
  if (position?.topicId !== topicId) return undefined;
  positions.delete(key);
  return position;
}

const logOf = ({ facts, origin }: PartitionFeed): string => `${facts.localId} ${origin.partition}`;

function absentIn(subscription: Subscription, region: string, partition: number, topicId: string) {
  const position = subscription.peekAbsent(region, partition);
  return position?.topicId === topicId ? position : undefined;
}

const epochOf = (wanted: Wanted | undefined): number => (typeof wanted === 'object' ? wanted.epoch : -1);

function statusOf({ feed, wanted, start }: Planned): PartitionStatus {
  if (start !== undefined) return start.status;
  const { region, topicId, partition } = feed.origin;
  const offset = typeof wanted === 'object' ? wanted.offset : 0;
  return { region, topicId, partition, status: 'unavailable', offset };
}

/** The region has nothing of this partition yet: everything up to the position has still to come. */
function absentStatus({ region, topicId, partition, offset }: CursorPosition): PartitionStatus {
  const origin = { region, topicId, partition };
  return offset === 0
    ? { ...origin, status: 'exact', offset }
    : { ...origin, status: 'behind', offset, behindBy: offset };
}
