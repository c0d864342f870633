/**
 * Follows a re-based copy: what its log brings is translated, one piece after the other, before it goes up. Made by
 * `client-broker.ts`, one per feed.
 *
 *     seek ──> placing (where the log has that offset) ──> following ──> what cannot be translated now: placing again
 *
 * Invariant: the handlers hear of the log in its order; what belongs to an earlier seek is dropped.
 */
import { LIMITS } from '../limits.ts';
import type { Tail, TailHandlers, TopicFacts } from './broker-port.ts';
import { type FollowDeps, follow, type LogTail } from './log-tail.ts';
import type { RebasedLog } from './rebased-log.ts';

export class RebasedTail implements Tail {
  private readonly log: RebasedLog;
  private readonly deps: FollowDeps;
  private readonly topic: TopicFacts;
  private readonly partition: number;
  private readonly handlers: TailHandlers;
  private tail: LogTail | undefined;
  private work: Promise<void> = Promise.resolve();
  private generation = 0;
  private waiting = 0;

  constructor(log: RebasedLog, deps: FollowDeps, topic: TopicFacts, partition: number, handlers: TailHandlers) {
    this.log = log;
    this.deps = deps;
    this.topic = topic;
    this.partition = partition;
    this.handlers = handlers;
  }

  seek(offset: number): void {
    this.stop();
    this.inTurn(async (isCurrent) => {
      const place = await this.log.placeOf(this.topic, this.partition, offset);
      if (!isCurrent()) return;
      if (typeof place === 'number') this.followFrom(place);
      else this.handlers.onOutOfRange(place.outOfRange);
    });
  }

  remove(): void {
    this.stop();
  }

  private stop(): void {
    this.generation++;
    this.tail?.remove();
    this.tail = undefined;
  }

  private followFrom(local: number): void {
    const { log, topic, partition, handlers } = this;
    const told = <T>(find: () => Promise<T>, tell: (found: T) => void): void =>
      this.inTurn(async (isCurrent) => {
        const found = await find();
        if (isCurrent()) tell(found);
      });
    this.tail = follow(this.deps, topic, partition, local, {
      onSlice: (slice) =>
        told(
          () => log.translate(topic, partition, slice),
          (translated) => {
            if (translated.buffers.length > 0 || translated.undecodable) handlers.onSlice(translated);
          },
        ),
      onAdvance: (end) =>
        told(
          () => log.originOf(topic, partition, end),
          (offset) => handlers.onAdvance(offset),
        ),
      onOutOfRange: () =>
        told(
          () => log.rangeOf(topic, partition),
          (range) => handlers.onOutOfRange(range),
        ),
      onDiverged: (end) =>
        told(
          () => log.originOf(topic, partition, end),
          (offset) => handlers.onDiverged(offset),
        ),
    });
  }

  /** In its turn, and again until it comes off: bookkeeping that cannot be read now may be read later. */
  private inTurn(run: (isCurrent: () => boolean) => Promise<void>): void {
    const { generation } = this;
    const isCurrent = (): boolean => generation === this.generation;
    this.waiting++;
    if (this.waiting >= LIMITS.maxUntranslatedSlices) this.tail?.pause();
    this.work = this.work.then(async () => {
      while (isCurrent() && !(await this.tried(run, isCurrent))) await this.deps.timers.sleep(LIMITS.readRetryMs);
      this.waiting--;
      if (this.waiting < LIMITS.maxUntranslatedSlices) this.tail?.resume();
    });
  }

  private async tried(run: (isCurrent: () => boolean) => Promise<void>, isCurrent: () => boolean): Promise<boolean> {
    try {
      await run(isCurrent);
      return true;
    } catch (error) {
      const reason = (error as Error).message;
      this.deps.log.warn('a copy cannot be translated', { topic: this.topic.name, partition: this.partition, reason });
      return false;
    }
  }
}
