/**
 * Looks for an unavailable partition until it answers again, for all subscriptions that wait for it. One per feed.
 * Invariant: while somebody waits, one look-up is planned or under way, however many they are.
 */
import type { Timer, Timers } from '@meridian/io';
import type { BrokerPort, TopicFacts } from '../broker/broker-port.ts';
import { LIMITS } from '../limits.ts';

export class ReturnWatch {
  private readonly broker: BrokerPort;
  private readonly timers: Timers;
  private readonly facts: TopicFacts;
  private readonly partition: number;
  private readonly waiting = new Set<() => void>();
  private timer: Timer | undefined;
  private isLooking = false;
  private tries = 0;

  constructor(deps: { broker: BrokerPort; timers: Timers }, facts: TopicFacts, partition: number) {
    this.broker = deps.broker;
    this.timers = deps.timers;
    this.facts = facts;
    this.partition = partition;
  }

  /** `tries`: how often the caller has waited in vain. Called once, unless what is returned is called before. */
  wait(tries: number, onReturn: () => void): () => void {
    this.waiting.add(onReturn);
    this.tries = Math.max(this.tries, tries);
    this.plan();
    return () => {
      this.waiting.delete(onReturn);
      if (this.waiting.size === 0) this.rest();
    };
  }

  private plan(): void {
    if (this.timer !== undefined || this.isLooking) return;
    const delayMs = Math.min(LIMITS.unavailableRetryCapMs, LIMITS.unavailableRetryMs * 2 ** this.tries);
    this.timer = this.timers.after(delayMs, () => {
      this.timer = undefined;
      void this.look();
    });
  }

  private async look(): Promise<void> {
    this.isLooking = true;
    const isBack = await this.broker.ends(this.facts, [{ partition: this.partition, epoch: -1 }]).then(
      ([found]) => found !== undefined,
      () => false, // nobody answers: not yet
    );
    this.isLooking = false;
    this.tries++;
    if (this.waiting.size === 0) return this.rest();
    if (!isBack) return this.plan();
    const returned = [...this.waiting];
    this.waiting.clear();
    this.rest();
    for (const onReturn of returned) onReturn();
  }

  private rest(): void {
    this.timer?.cancel();
    this.timer = undefined;
    this.tries = 0;
  }
}
