/**
 * The produces of one partition in the order of their calls. Senders take from it; it takes back what must be sent
 * again, and is then `recovering`: one at a time, oldest first, until one has succeeded.
 *
 *   steady      ──a produce comes back──▶  recovering (nothing leaves until all that is in flight has come back)
 *   recovering  ──one succeeded────────▶  steady
 *
 * Invariant: of two calls that are not pipelinable, the later one leaves after the earlier one has ended.
 */
import { isPipelinable, type PendingProduce } from './pending-produce.ts';

export class PartitionQueue {
  readonly topic: string;
  readonly partition: number;
  isRecovering = false;
  /** A wait for the leader or a back-off is under way; nothing leaves meanwhile. */
  isResting = false;
  private readonly maxInFlight: number;
  private waiting: PendingProduce[] = [];
  private inFlight: PendingProduce[] = [];
  private comeBack: PendingProduce[] = [];

  constructor(topic: string, partition: number, maxInFlight: number) {
    this.topic = topic;
    this.partition = partition;
    this.maxInFlight = maxInFlight;
  }

  get isIdle(): boolean {
    return this.waiting.length === 0 && this.inFlight.length === 0;
  }

  push(produce: PendingProduce): void {
    this.waiting.push(produce);
  }

  /** The next produce that may leave now, without taking it. */
  peek(): PendingProduce | undefined {
    this.dropSettled();
    const head = this.waiting[0];
    if (head === undefined || this.isResting) return undefined;
    if (this.inFlight.length === 0) return head;
    if (this.isRecovering || this.inFlight.length >= this.maxInFlight) return undefined;
    return isPipelinable(head) && this.inFlight.every(isPipelinable) ? head : undefined;
  }

  take(): PendingProduce {
    const produce = this.waiting.shift()!;
    this.inFlight.push(produce);
    return produce;
  }

  /** It has ended, well or not. */
  finish(produce: PendingProduce, succeeded: boolean): void {
    this.remove(produce);
    if (succeeded && this.comeBack.length === 0) this.isRecovering = false;
    this.restoreOrder();
  }

  /** It is to be sent again. Returns whether everything in flight has come back, so that a new attempt can begin. */
  giveBack(produce: PendingProduce): boolean {
    this.remove(produce);
    this.comeBack.push(produce);
    this.isRecovering = true;
    return this.restoreOrder();
  }

  /** Whether a call made before this one has yet to end. */
  hasEarlier(produce: PendingProduce): boolean {
    const isEarlier = (other: PendingProduce): boolean => other.sequence < produce.sequence;
    return this.comeBack.some(isEarlier) || this.inFlight.some(isEarlier);
  }

  /** In flight, or come back from there, and past its deadline. */
  overdue(now: number): PendingProduce[] {
    return [...this.inFlight, ...this.comeBack].filter((produce) => produce.dueAt <= now);
  }

  /** Removes and returns those that wait and for which the test holds. */
  takeWaiting(test: (produce: PendingProduce) => boolean): PendingProduce[] {
    const taken = this.waiting.filter(test);
    if (taken.length > 0) this.waiting = this.waiting.filter((produce) => !taken.includes(produce));
    return taken;
  }

  /**
   * A sequenced produce has failed. Removes and returns those of its chain that wait behind it; those in flight are
   * marked, as they may have got through.
   */
  breakBehind({ sequence }: PendingProduce): PendingProduce[] {
    const isBehind = (other: PendingProduce): boolean => other.isSequenced && other.sequence > sequence;
    for (const produce of this.inFlight) if (isBehind(produce)) produce.isBroken = true;
    const back = this.comeBack.filter(isBehind);
    if (back.length > 0) this.comeBack = this.comeBack.filter((produce) => !back.includes(produce));
    return [...back, ...this.takeWaiting(isBehind)];
  }

  private remove(produce: PendingProduce): void {
    this.inFlight = this.inFlight.filter((other) => other !== produce);
  }

  private restoreOrder(): boolean {
    if (this.inFlight.length > 0 || this.comeBack.length === 0) return false;
    this.comeBack.sort((a, b) => a.sequence - b.sequence);
    this.waiting = [...this.comeBack, ...this.waiting];
    this.comeBack = [];
    return true;
  }

  private dropSettled(): void {
    while (this.waiting[0]?.settled) this.waiting.shift();
  }
}
